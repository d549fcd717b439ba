//! `stallscope where`: one task, its times and its ancestors; of one that has ended lately also how.

use std::io::Write;

use serde::Serialize;
use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{
    AsyncStack, Details, DetailsQuery, EndedQuery, EndedTask, Task, TaskKind, update,
};

use super::about::About;
use super::async_stack::{self, AsyncStackJson};
use super::attach::{Outside, OutsideJson};
use super::ended::{End, EndedJson, outcome};
use super::task::{self, Places, TaskJson};
use crate::attach::Source;
use crate::cli::WhereArgs;
use crate::client::{ClientError, Connection};
use crate::failure::Failure;
use crate::format::{counted, duration, printable};
use crate::target::Target;
use crate::task::title;

pub(crate) fn run(target: &Target, args: &WhereArgs, out: &mut impl Write) -> Result<(), Failure> {
    let mut connection = Connection::open(target)?;
    let about = About::ask(&mut connection)?;
    let seen = match alive(&mut connection, args.task) {
        Err(error) if error.is_refusal() => ended(&mut connection, args.task)?.ok_or(error),
        seen => seen.and_then(|seen| seen.asked(&mut connection)),
    }?
    .looked_at(args, connection.local_pid());
    if args.json {
        about.write_json(out, &Answer::from(&seen))
    } else {
        about.write_header(out)?;
        seen.write(out)
    }
}

/// What is known of the task.
struct Seen {
    task: Task,
    /// Outermost first.
    ancestors: Vec<Task>,
    places: Places,
    life: Life,
}

enum Life {
    Alive {
        /// Live direct children.
        children: u64,
        /// What could not be seen of this task, and why; empty if nothing.
        unseen: String,
        /// What it waits for; `None` if it was not asked.
        waits: Option<AsyncStack>,
        /// What could be read of it from outside, or why nothing; `None` if there was no need to.
        outside: Option<Result<Outside, String>>,
    },
    Ended(EndedTask),
}

fn alive(connection: &mut Connection, id: u64) -> Result<Seen, ClientError> {
    let update::Body::Details(details) =
        connection.ask(Topic::Details(DetailsQuery { task: id }))?
    else {
        return Err(connection.mismatch());
    };
    let Details {
        task: Some(task),
        ancestors,
        sites,
        children,
        unseen,
    } = details
    else {
        return Err(connection.mismatch());
    };
    Ok(Seen {
        task,
        ancestors,
        places: Places::from(sites),
        life: Life::Alive {
            children,
            unseen,
            waits: None,
            outside: None,
        },
    })
}

/// `None` if the agent knows nothing of its end: it was longer ago, or the task was not spawned through stallscope.
fn ended(connection: &mut Connection, id: u64) -> Result<Option<Seen>, ClientError> {
    let window = match connection.ask(Topic::Ended(EndedQuery { limit: 0 })) {
        Ok(update::Body::Ended(window)) => window,
        Ok(_) => return Err(connection.mismatch()),
        // An agent from before this question.
        Err(error) if error.is_refusal() => return Ok(None),
        Err(error) => return Err(error),
    };
    let is_it = |ended: &EndedTask| ended.task.as_ref().is_some_and(|task| task.id == id);
    let Some(ended) = window.tasks.into_iter().find(is_it) else {
        return Ok(None);
    };
    let task = ended.task.clone().unwrap_or_default();
    let mut places = Places::from(window.sites);
    let mut ancestors = Vec::new();
    // The agent knows the ancestors of tasks that live; this one's parent may be one.
    match task.parent.map(|parent| alive(connection, parent)) {
        Some(Ok(parent)) => {
            ancestors = parent.ancestors;
            ancestors.push(parent.task);
            places.extend(parent.places);
        }
        Some(Err(error)) if !error.is_refusal() => return Err(error),
        Some(Err(_)) | None => {}
    }
    Ok(Some(Seen {
        task,
        ancestors,
        places,
        life: Life::Ended(ended),
    }))
}

#[derive(Serialize)]
struct Answer<'a> {
    /// As in `ps --json`; of a task that has ended as in `ps --ended --json`.
    task: EndedJson<'a>,
    /// Outermost first.
    ancestors: Vec<TaskJson<'a>>,
    /// Live direct children; `null` of a task that has ended.
    children: Option<u64>,
    /// What could not be seen of this task, and why.
    unseen: Option<&'a str>,
    /// What it waits for; `null` of a task that has ended.
    async_stack: Option<AsyncStackJson<'a>>,
    /// As in `where --attach --json`, where the agent has no stack of it; else `null`.
    outside: Option<OutsideJson<'a>>,
    /// Why not, where it was tried.
    outside_missing: Option<&'a str>,
}

impl<'a> From<&'a Seen> for Answer<'a> {
    fn from(seen: &'a Seen) -> Self {
        let json = |task| TaskJson::new(task, &seen.places);
        let (children, unseen, waits, outside, end) = match &seen.life {
            Life::Alive {
                children,
                unseen,
                waits,
                outside,
            } => (
                Some(*children),
                unseen.as_str(),
                waits.as_ref(),
                outside.as_ref().map(Result::as_ref),
                None,
            ),
            Life::Ended(ended) => (None, "", None, None, Some(End::of(ended))),
        };
        let (outside, why_not) = match outside {
            Some(Ok(outside)) => (Some(outside.json()), None),
            Some(Err(why_not)) => (None, Some(why_not.as_str())),
            None => (None, None),
        };
        Answer {
            task: EndedJson {
                task: json(&seen.task),
                end,
            },
            ancestors: seen.ancestors.iter().map(json).collect(),
            children,
            unseen: Some(unseen).filter(|unseen| !unseen.is_empty()),
            async_stack: waits.map(AsyncStackJson::from),
            outside,
            outside_missing: why_not,
        }
    }
}

impl Seen {
    /// With what the task says itself.
    fn asked(mut self, connection: &mut Connection) -> Result<Self, ClientError> {
        if let Life::Alive { waits, .. } = &mut self.life {
            *waits = Some(async_stack::ask(connection, self.task.id)?);
        }
        Ok(self)
    }

    /// With what can be read of it from outside, where the agent could not tell what it waits for. `pid` is that of the agent, if
    /// it runs on this machine.
    fn looked_at(mut self, args: &WhereArgs, pid: Option<u32>) -> Self {
        if let Life::Alive {
            waits: Some(waits),
            outside,
            ..
        } = &mut self.life
            && !waits.missing.is_empty()
            && self.task.kind() != TaskKind::Root
            && let Some(pid) = pid
        {
            *outside = Some(
                Outside::read(Source::Process(pid), args).map_err(|why_not| why_not.to_string()),
            );
        }
        self
    }

    fn write(&self, out: &mut impl Write) -> Result<(), Failure> {
        writeln!(out)?;
        for (depth, ancestor) in self.ancestors.iter().enumerate() {
            writeln!(out, "{}{}", "  ".repeat(depth), self.line(ancestor))?;
        }
        let indent = "  ".repeat(self.ancestors.len());
        writeln!(out, "{indent}{}", self.line(&self.task))?;
        for (what, value) in self.facts() {
            writeln!(out, "{indent}  {what:<14}{value}")?;
        }
        if let Life::Alive {
            unseen,
            waits,
            outside,
            ..
        } = &self.life
        {
            match (outside, waits) {
                (Some(Ok(outside)), _) => outside.write(out, &indent)?,
                (_, Some(waits)) => async_stack::write(out, &indent, waits)?,
                (_, None) => {}
            }
            if let Some(Err(why_not)) = outside {
                writeln!(out, "Nor from outside: {}", printable(why_not))?;
            }
            if !unseen.is_empty() {
                writeln!(out, "{}", printable(unseen))?;
            }
        }
        Ok(())
    }

    /// `task 88 "render", spawned at src/main.rs:63:9`
    fn line(&self, task: &Task) -> String {
        let title = title(task.kind(), task.id, &task.name);
        match self.places.of(task) {
            Some(_) => format!(
                "{title}, spawned at {}",
                task::spawned_at(task, &self.places)
            ),
            None => title,
        }
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let task = &self.task;
        let mut facts = match &self.life {
            Life::Alive { .. } => vec![
                ("state", task::state(task)),
                ("age", task::time(task, task.age_ns)),
                ("idle for", task::time(task, task.idle_ns)),
            ],
            Life::Ended(ended) => vec![
                ("outcome", outcome(ended)),
                ("ended", format!("{} ago", duration(ended.ago_ns))),
                ("lived for", task::time(task, task.age_ns)),
            ],
        };
        facts.extend([
            ("polls", task::polls(task)),
            ("busy", task::time(task, task.busy_ns)),
            ("longest poll", task::time(task, task.longest_poll_ns)),
            ("worker", task::worker(task)),
            ("runtime", task.runtime.to_string()),
        ]);
        if let Life::Alive { children, .. } = self.life {
            let spawned = match children {
                0 => "no task that is alive".to_owned(),
                1 => "1 task that is alive".to_owned(),
                several => format!("{} that are alive", counted(several, "task")),
            };
            facts.push(("spawned", spawned));
        }
        if let (true, Some(parent)) = (task.parent_ended, task.parent) {
            facts.push(("parent", format!("{parent}, which has ended")));
        }
        facts
    }
}
