//! `stallscope where TASK --attach PID`: one task and its async stack, read from outside.

use std::io::{self, Write};

use serde::Serialize;
use stallscope_attach::tasks::Task;
use stallscope_attach::{Options, Process};
use stallscope_wire::text::source_path;

use super::json::{self, FrameJson, TaskJson};
use super::stack;
use crate::attach::{self, Source, words};
use crate::cli::WhereArgs;
use crate::failure::Failure;
use crate::format::printable;

pub(super) fn run(
    source: Source<'_>,
    args: &WhereArgs,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let outside = Outside::read(source, args)?;
    if args.json {
        serde_json::to_writer(&mut *out, &outside.json())?;
        writeln!(out)?;
    } else {
        outside.write_title(out)?;
        outside.write(out, "")?;
    }
    Ok(())
}

/// A task as it was read from outside.
#[derive(Debug)]
pub(in crate::headless) struct Outside {
    task: Task,
    with_locals: bool,
}

#[derive(Serialize)]
pub(in crate::headless) struct OutsideJson<'a> {
    task: TaskJson<'a>,
    /// Outermost first; empty if the task is not suspended.
    stack: Vec<FrameJson<'a>>,
    /// What could not be read, and why.
    notes: &'a [String],
}

impl Outside {
    /// Reads the task that was asked for.
    pub(in crate::headless) fn read(source: Source<'_>, args: &WhereArgs) -> Result<Self, Failure> {
        attach::open(source, |process| Self::find(process, args))
    }

    fn find(process: &Process<'_>, args: &WhereArgs) -> Result<Self, Failure> {
        let locals = args.locals;
        let tasks = process.tasks(&Options { locals });
        let task = tasks.into_iter().find(|task| task.id == args.task);
        task.map(|task| Outside {
            task,
            with_locals: locals,
        })
        .ok_or_else(|| {
            Failure::Target(format!(
                "no task {} was found in the memory of the process: it may have ended; `stallscope ps --attach` shows those \
                 there are",
                args.task
            ))
        })
    }

    pub(in crate::headless) fn json(&self) -> OutsideJson<'_> {
        OutsideJson {
            task: TaskJson::from(&self.task),
            stack: json::stack(&self.task.stack, self.with_locals),
            notes: &self.task.notes,
        }
    }

    /// `task 7, idle`
    fn write_title(&self, out: &mut impl Write) -> io::Result<()> {
        let Task { id, kind, .. } = self.task;
        let kind = match words::kind(kind) {
            "task" => String::new(),
            kind => format!("{kind} "),
        };
        writeln!(out, "{kind}task {id}, {}", words::state(self.task.state))?;
        for prospect in words::prospects(&self.task) {
            writeln!(out, "  {prospect}")?;
        }
        writeln!(out, "  {:<14}{}", "future", printable(&self.task.future))
    }

    /// What it waits for, and where.
    pub(in crate::headless) fn write(&self, out: &mut impl Write, indent: &str) -> io::Result<()> {
        let task = &self.task;
        if let Some(place) = words::suspended_at(task) {
            let place = printable(source_path(&place));
            writeln!(out, "{indent}  {:<14}{place}", "suspended at")?;
        }
        if let Some(waits) = &task.waits_for {
            writeln!(out, "{indent}  {:<14}{}", "waits for", words::waits(waits))?;
        }
        if !task.stack.is_empty() {
            writeln!(out, "{indent}  waits at")?;
            stack::write(out, &format!("{indent}    "), &task.stack)?;
        }
        for note in &task.notes {
            writeln!(out, "{indent}  {}", printable(note))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attach::words::samples::{running, select, task};

    fn shown(task: Task) -> String {
        let outside = Outside {
            task,
            with_locals: true,
        };
        let mut out = Vec::new();
        outside.write_title(&mut out).expect("memory");
        outside.write(&mut out, "").expect("memory");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn the_stack_leads_from_the_tasks_own_future_to_what_it_waits_for() {
        insta::assert_snapshot!(shown(task(7)));
    }

    #[test]
    fn branches_stand_below_the_frame_that_waits_for_all_of_them() {
        insta::assert_snapshot!(shown(select(3)));
    }

    #[test]
    fn a_running_task_has_no_stack_to_show() {
        insta::assert_snapshot!(shown(running(12)));
    }
}
