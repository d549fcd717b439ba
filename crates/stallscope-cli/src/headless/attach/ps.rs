//! `stallscope ps --attach PID`: the tasks of a process, a line each, as they are read from outside.

use std::io::Write;

use serde::Serialize;
use stallscope_attach::Options;
use stallscope_attach::tasks::Task;
use stallscope_wire::text::source_path;

use super::json::TaskJson;
use crate::attach::{self, Selection, Source, words};
use crate::cli::PsArgs;
use crate::failure::Failure;
use crate::format::printable;
use crate::headless::cut::{cut, note};
use crate::headless::table::{self, Column};
use crate::order::SortKey;

/// Columns for a future.
const WIDEST: usize = 60;

pub(super) fn run(source: Source<'_>, args: &PsArgs, out: &mut impl Write) -> Result<(), Failure> {
    if args.ended {
        return Err(Failure::Usage(
            "--ended needs stallscope in the program: from outside only tasks that exist are seen"
                .to_owned(),
        ));
    }
    let sort = args.sort.wire();
    let descending = sort.largest_first() != args.reverse;
    let selection =
        Selection::new(args.filter.terms(), sort, descending).map_err(Failure::Usage)?;
    let tasks = attach::open(source, |process| Ok(process.tasks(&Options::default())))?;
    write(out, args, &selection, &tasks)
}

fn write(
    out: &mut impl Write,
    args: &PsArgs,
    selection: &Selection<'_>,
    tasks: &[Task],
) -> Result<(), Failure> {
    let mut chosen = selection.apply(tasks);
    let matched = chosen.len() as u64;
    cut(&mut chosen, args.limit);
    if args.json {
        let tasks = chosen.into_iter().map(TaskJson::from).collect();
        serde_json::to_writer(&mut *out, &Answer { tasks })?;
        writeln!(out)?;
        return Ok(());
    }
    let is_filtered = !args.filter.terms().is_empty();
    if let Some(note) = note(chosen.len(), matched, is_filtered) {
        writeln!(out, "{note}")?;
        writeln!(out)?;
    }
    let columns: [Column<&Task>; 8] = [
        Column::right("ID", |task| task.id.to_string()),
        Column::left("KIND", |task| words::kind(task.kind).to_owned()),
        Column::left("STATE", |task| words::state(task.state).to_owned()),
        Column::left("DETACHED", |task| words::detached(task).to_owned()),
        Column::right("WAKERS", |task| words::wakers(task)),
        Column::left("FUTURE", |task| clip(words::function(task))),
        Column::left("SUSPENDED AT", |task| {
            words::suspended_at(task).map_or_else(nothing, |place| printable(source_path(&place)))
        }),
        Column::left("WAITS FOR", |task| {
            let waits = task.waits_for.as_ref();
            waits.map_or_else(nothing, words::waits_in_short)
        }),
    ];
    table::write(out, &columns, &chosen)?;
    Ok(())
}

#[derive(Serialize)]
struct Answer<'a> {
    tasks: Vec<TaskJson<'a>>,
}

/// The type of a future can be longer than a screen is wide; JSON has all of it.
fn clip(mut future: String) -> String {
    if let Some((at, _)) = future.char_indices().nth(WIDEST) {
        future.truncate(at);
        future.push('…');
    }
    future
}

/// It is not suspended, or not in the program's own code.
fn nothing() -> String {
    "-".to_owned()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::attach::words::samples::{running, select, task};
    use crate::cli::{Cli, Command};

    fn shown(line: &str) -> String {
        let Some(Command::Ps(args)) = Cli::parse_from(line.split_whitespace()).command else {
            panic!("{line} is no `ps`");
        };
        let sort = args.sort.wire();
        let selection =
            Selection::new(args.filter.terms(), sort, args.reverse).expect("all is known");
        let mut out = Vec::new();
        let tasks = [task(7), select(3), running(12)];
        write(&mut out, &args, &selection, &tasks).expect("memory");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_line_says_what_a_task_waits_for_and_whether_anything_can_wake_it() {
        insta::assert_snapshot!(shown("stallscope ps --attach 1"));
    }

    #[test]
    fn what_is_left_out_is_told() {
        insta::assert_snapshot!(shown("stallscope ps --attach 1 -f shop -n 1 -r"));
    }

    #[test]
    fn json_has_the_tasks_and_nothing_else() {
        let answer: serde_json::Value =
            serde_json::from_str(&shown("stallscope ps --attach 1 --json -n 1")).expect("JSON");
        let object = answer.as_object().expect("an object");
        assert_eq!(object.keys().collect::<Vec<_>>(), ["tasks"]);
        assert_eq!(answer["tasks"][0]["id"], 3);
    }
}
