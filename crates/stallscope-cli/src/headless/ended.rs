//! `stallscope ps --ended`: tasks that have ended, how, and with which panic; the latest first.

use std::io::Write;

use serde::Serialize;
use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{EndedQuery, EndedTask, EndedWindow, Outcome, Task, update};

use super::about::About;
use super::table::{self, Column};
use super::task::{self, Places, TaskJson};
use crate::cli::PsArgs;
use crate::client::Connection;
use crate::failure::Failure;
use crate::format::{UNKNOWN, counted, duration, milliseconds, printable};
use crate::target::Target;

pub(crate) fn run(target: &Target, args: &PsArgs, out: &mut impl Write) -> Result<(), Failure> {
    let mut connection = Connection::open(target)?;
    let about = About::ask(&mut connection)?;
    let limit = args
        .limit
        .map_or(0, |limit| u32::try_from(limit).unwrap_or(u32::MAX));
    let update::Body::Ended(window) = connection.ask(Topic::Ended(EndedQuery { limit }))? else {
        return Err(connection.mismatch().into());
    };
    let places = Places::from(window.sites.clone());
    let rows: Vec<Row<'_>> = window
        .tasks
        .iter()
        .filter_map(|ended| {
            let task = ended.task.as_ref()?;
            let places = &places;
            Some(Row {
                ended,
                task,
                places,
            })
        })
        .collect();
    if args.json {
        about.write_json(out, &Answer::new(&window, &rows))
    } else {
        about.write_header(out)?;
        write_table(out, &window, &rows)
    }
}

struct Row<'a> {
    ended: &'a EndedTask,
    task: &'a Task,
    places: &'a Places,
}

#[derive(Serialize)]
struct Answer<'a> {
    /// Since the start of recording, of the tasks spawned through stallscope; `tasks` are the latest of them.
    finished: u64,
    panicked: u64,
    aborted: u64,
    tasks: Vec<EndedJson<'a>>,
}

impl<'a> Answer<'a> {
    fn new(window: &EndedWindow, rows: &[Row<'a>]) -> Self {
        Answer {
            finished: window.finished,
            panicked: window.panicked,
            aborted: window.aborted,
            tasks: rows
                .iter()
                .map(|row| EndedJson {
                    task: TaskJson::new(row.task, row.places),
                    end: Some(End::of(row.ended)),
                })
                .collect(),
        }
    }
}

/// A task as `ps --ended --json` and `where --json` give it.
#[derive(Serialize)]
pub(super) struct EndedJson<'a> {
    #[serde(flatten)]
    pub(super) task: TaskJson<'a>,
    /// No fields while it lives.
    #[serde(flatten)]
    pub(super) end: Option<End<'a>>,
}

/// How a task ended, as `ps --ended --json`, `where --json` and `cancel --json` give it.
#[derive(Default, Serialize)]
pub(super) struct End<'a> {
    /// `null`: not known, as for every task that was not spawned through stallscope.
    outcome: Option<&'static str>,
    /// First line of the panic's message.
    panic: Option<&'a str>,
    ended_ms_ago: Option<f64>,
}

impl<'a> End<'a> {
    pub(super) fn of(ended: &'a EndedTask) -> Self {
        End {
            outcome: known_outcome(ended),
            panic: ended.panic.as_deref(),
            ended_ms_ago: ended.task.as_ref().map(|_| milliseconds(ended.ago_ns)),
        }
    }
}

fn known_outcome(ended: &EndedTask) -> Option<&'static str> {
    let outcome = ended.outcome();
    (outcome != Outcome::Unknown).then(|| outcome.as_str())
}

/// `aborted`, `panicked: no such table`.
pub(super) fn outcome(ended: &EndedTask) -> String {
    let outcome = known_outcome(ended).unwrap_or(UNKNOWN);
    match &ended.panic {
        Some(message) => format!("{outcome}: {}", printable(message)),
        None => outcome.to_owned(),
    }
}

fn write_table(
    out: &mut impl Write,
    window: &EndedWindow,
    rows: &[Row<'_>],
) -> Result<(), Failure> {
    let EndedWindow {
        finished,
        panicked,
        aborted,
        ..
    } = window;
    let ended = counted(finished + panicked + aborted, "task");
    writeln!(
        out,
        "{ended} spawned through stallscope: {finished} finished, {panicked} panicked, {aborted} aborted; how others end is not seen"
    )?;
    if rows.is_empty() {
        return Ok(());
    }
    let mut columns: Vec<Column<Row<'_>>> = vec![
        Column::right("ID", |row| row.task.id.to_string()),
        Column::right("ENDED", |row| format!("{} ago", duration(row.ended.ago_ns))),
        Column::right("AGE", |row| task::time(row.task, row.task.age_ns)),
        Column::right("POLLS", |row| task::polls(row.task)),
        Column::right("BUSY", |row| task::time(row.task, row.task.busy_ns)),
        Column::right("LONGEST", |row| {
            task::time(row.task, row.task.longest_poll_ns)
        }),
        Column::right("PARENT", |row| {
            let parent = row.task.parent;
            parent.map_or_else(|| "-".to_owned(), |parent| parent.to_string())
        }),
    ];
    if rows.iter().any(|row| !row.task.name.is_empty()) {
        columns.push(Column::left("NAME", |row| printable(&row.task.name)));
    }
    columns.push(Column::left("SPAWNED AT", |row| {
        task::spawned_at(row.task, row.places)
    }));
    columns.push(Column::left("OUTCOME", |row| outcome(row.ended)));
    writeln!(out)?;
    table::write(out, &columns, rows)?;
    Ok(())
}
