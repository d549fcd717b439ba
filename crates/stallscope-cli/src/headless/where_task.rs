//! `stallscope where`: one task, its times and its ancestors.

use std::io::Write;

use serde::Serialize;
use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{Details, DetailsQuery, Task, TaskKind, update};

use super::about::About;
use super::task::{self, Places, TaskJson};
use crate::cli::WhereArgs;
use crate::client::Connection;
use crate::failure::Failure;
use crate::format::{counted, printable};
use crate::target::Target;

pub(crate) fn run(target: &Target, args: &WhereArgs, out: &mut impl Write) -> Result<(), Failure> {
    let mut connection = Connection::open(target)?;
    let about = About::ask(&mut connection)?;
    let query = DetailsQuery { task: args.task };
    let update::Body::Details(details) = connection.ask(Topic::Details(query))? else {
        return Err(connection.mismatch().into());
    };
    let Some(task) = &details.task else {
        return Err(connection.mismatch().into());
    };
    let places = Places::from(details.sites.clone());
    if args.json {
        about.write_json(out, &Answer::new(task, &details, &places))
    } else {
        about.write_header(out)?;
        write_text(out, task, &details, &places)
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    task: TaskJson<'a>,
    /// Outermost first.
    ancestors: Vec<TaskJson<'a>>,
    /// Live direct children.
    children: u64,
    /// What could not be seen of this task, and why.
    unseen: Option<&'a str>,
}

impl<'a> Answer<'a> {
    fn new(task: &'a Task, details: &'a Details, places: &'a Places) -> Self {
        Answer {
            task: TaskJson::new(task, places),
            ancestors: details
                .ancestors
                .iter()
                .map(|ancestor| TaskJson::new(ancestor, places))
                .collect(),
            children: details.children,
            unseen: Some(details.unseen.as_str()).filter(|unseen| !unseen.is_empty()),
        }
    }
}

fn write_text(
    out: &mut impl Write,
    task: &Task,
    details: &Details,
    places: &Places,
) -> Result<(), Failure> {
    writeln!(out)?;
    let line = |task: &Task| match places.of(task) {
        Some(_) => format!(
            "{}, spawned at {}",
            title(task),
            task::spawned_at(task, places)
        ),
        None => title(task),
    };
    for (depth, ancestor) in details.ancestors.iter().enumerate() {
        writeln!(out, "{}{}", "  ".repeat(depth), line(ancestor))?;
    }
    let indent = "  ".repeat(details.ancestors.len());
    writeln!(out, "{indent}{}", line(task))?;
    let facts = [
        ("state", task::state(task)),
        ("age", task::time(task, task.age_ns)),
        ("idle for", task::time(task, task.idle_ns)),
        ("polls", task::polls(task)),
        ("busy", task::time(task, task.busy_ns)),
        ("longest poll", task::time(task, task.longest_poll_ns)),
        ("worker", task::worker(task)),
        ("runtime", task.runtime.to_string()),
    ];
    for (what, value) in facts {
        writeln!(out, "{indent}  {what:<14}{value}")?;
    }
    writeln!(
        out,
        "{indent}  {:<14}{}",
        "spawned",
        match details.children {
            0 => "no task that is alive".to_owned(),
            1 => "1 task that is alive".to_owned(),
            several => format!("{} that are alive", counted(several, "task")),
        }
    )?;
    if let (true, Some(parent)) = (task.parent_ended, task.parent) {
        writeln!(out, "{indent}  {:<14}{parent}, which has ended", "parent")?;
    }
    if !details.unseen.is_empty() {
        writeln!(out, "{}", printable(&details.unseen))?;
    }
    Ok(())
}

/// `root future 0`, `task 88 "db-pool"`.
fn title(task: &Task) -> String {
    let kind = match task.kind() {
        TaskKind::Root => "root future",
        TaskKind::Task => "task",
        TaskKind::Blocking => "blocking task",
        TaskKind::Local => "local task",
        TaskKind::Unknown => "task of a kind unknown to this client",
    };
    if task.name.is_empty() {
        format!("{kind} {}", task.id)
    } else {
        format!("{kind} {} \"{}\"", task.id, printable(&task.name))
    }
}
