//! `stallscope ps`: live tasks, a line each.

use std::io::Write;

use serde::Serialize;
use stallscope_wire::message::Task;

use super::about::About;
use super::cut::{cut, note};
use super::listing::{self, Listing, PAGE};
use super::table::{self, Column};
use super::task::{self, Places, TaskJson};
use crate::cli::PsArgs;
use crate::client::{ClientError, Connection};
use crate::failure::Failure;
use crate::format::printable;
use crate::order::SortKey;
use crate::target::Target;

pub(crate) fn run(target: &Target, args: &PsArgs, out: &mut impl Write) -> Result<(), Failure> {
    let mut connection = Connection::open(target)?;
    let about = About::ask(&mut connection)?;
    let listing = fetch(&mut connection, args)?;
    if args.json {
        let json = |task| TaskJson::new(task, &listing.places);
        let answer = Answer {
            matched: listing.matched,
            tasks: listing.tasks.iter().map(json).collect(),
        };
        about.write_json(out, &answer)
    } else {
        about.write_header(out)?;
        write_table(out, args, &listing)
    }
}

/// The agent sorts and cuts what fits into one answer. More than that is fetched in pages, which come by id, and sorted here.
fn fetch(connection: &mut Connection, args: &PsArgs) -> Result<Listing, ClientError> {
    let filter = args.filter.terms();
    let descending = args.sort.wire().largest_first() != args.reverse;
    let one_answer = args
        .limit
        .and_then(|limit| u32::try_from(limit).ok())
        .filter(|limit| *limit <= PAGE);
    if let Some(limit) = one_answer {
        return listing::first(connection, filter, args.sort, descending, limit);
    }
    let mut listing = listing::all(connection, filter)?;
    let Listing { tasks, places, .. } = &mut listing;
    tasks.sort_by(|a, b| args.sort.compare(a, b, places, descending));
    cut(tasks, args.limit);
    Ok(listing)
}

#[derive(Serialize)]
struct Answer<'a> {
    /// How many tasks match the filter; `tasks` are fewer with a limit.
    matched: u64,
    tasks: Vec<TaskJson<'a>>,
}

fn write_table(out: &mut impl Write, args: &PsArgs, listing: &Listing) -> Result<(), Failure> {
    let Listing {
        tasks,
        places,
        matched,
    } = listing;
    // Root futures are counted here, unlike in the header.
    if let Some(note) = note(tasks.len(), *matched, !args.filter.terms().is_empty()) {
        writeln!(out, "{note}")?;
    }
    let mut columns: Vec<Column<Row<'_>>> = vec![
        Column::right("ID", |row| row.task.id.to_string()),
        Column::left("KIND", |row| task::kind(row.task).to_owned()),
        Column::left("STATE", |row| task::state(row.task)),
        Column::right("AGE", |row| task::time(row.task, row.task.age_ns)),
        Column::right("IDLE", |row| task::time(row.task, row.task.idle_ns)),
        Column::right("POLLS", |row| task::polls(row.task)),
        Column::right("BUSY", |row| task::time(row.task, row.task.busy_ns)),
        Column::right("LONGEST", |row| {
            task::time(row.task, row.task.longest_poll_ns)
        }),
        Column::right("WORKER", |row| task::worker(row.task)),
    ];
    if tasks.iter().any(|task| !task.name.is_empty()) {
        columns.push(Column::left("NAME", |row| printable(&row.task.name)));
    }
    columns.push(Column::left("SPAWNED AT", |row| {
        task::spawned_at(row.task, row.places)
    }));
    let rows: Vec<_> = tasks.iter().map(|task| Row { task, places }).collect();
    writeln!(out)?;
    table::write(out, &columns, &rows)?;
    Ok(())
}

struct Row<'a> {
    task: &'a Task,
    places: &'a Places,
}
