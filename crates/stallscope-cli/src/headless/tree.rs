//! `stallscope tree`: live tasks below the task that spawned them.

use std::io::Write;

use stallscope_wire::message::{Task, TaskKind};

use super::about::About;
use super::forest::{Forest, Step};
use super::listing;
use super::table::{self, Column};
use super::task::{self, Places, TaskJson};
use crate::cli::TreeArgs;
use crate::client::Connection;
use crate::failure::Failure;
use crate::format::printable;
use crate::target::Target;

pub(crate) fn run(target: &Target, args: &TreeArgs, out: &mut impl Write) -> Result<(), Failure> {
    let mut connection = Connection::open(target)?;
    let about = About::ask(&mut connection)?;
    let listing = listing::all(&mut connection, &[])?;
    let forest = Forest::new(listing.tasks);
    if args.json {
        write_json(out, &about, &forest, &listing.places)
    } else {
        about.write_header(out)?;
        write_rows(out, &forest, &listing.places)
    }
}

/// `{…, "tasks": [{…, "children": [{…}]}]}`, written while the tree is walked: nothing here recurses with its depth.
fn write_json(
    out: &mut impl Write,
    about: &About,
    forest: &Forest,
    places: &Places,
) -> Result<(), Failure> {
    open(out, &serde_json::to_string(&about.head())?, "tasks")?;
    let mut follows_sibling = false;
    for step in forest.walk() {
        match step {
            Step::Enter(task) => {
                if follows_sibling {
                    out.write_all(b",")?;
                }
                open(
                    out,
                    &serde_json::to_string(&TaskJson::new(task, places))?,
                    "children",
                )?;
                follows_sibling = false;
            }
            Step::Leave => {
                out.write_all(b"]}")?;
                follows_sibling = true;
            }
        }
    }
    out.write_all(b"]}\n")?;
    Ok(())
}

/// A JSON object with one more field, a list, left open to be filled.
fn open(out: &mut impl Write, object: &str, list: &str) -> Result<(), Failure> {
    let fields = object.strip_suffix('}').unwrap_or(object);
    write!(out, "{fields},\"{list}\":[")?;
    Ok(())
}

fn write_rows(out: &mut impl Write, forest: &Forest, places: &Places) -> Result<(), Failure> {
    let rows = rows(forest, places);
    let columns: [Column<Row<'_>>; 8] = [
        Column::left("TASK", |row| format!("{}{}", row.guides(), label(row.task))),
        Column::left("STATE", |row| task::state(row.task)),
        Column::right("AGE", |row| task::time(row.task, row.task.age_ns)),
        Column::right("IDLE", |row| task::time(row.task, row.task.idle_ns)),
        Column::right("POLLS", |row| task::polls(row.task)),
        Column::right("BUSY", |row| task::time(row.task, row.task.busy_ns)),
        Column::right("LONGEST", |row| {
            task::time(row.task, row.task.longest_poll_ns)
        }),
        Column::left("SPAWNED AT", |row| task::spawned_at(row.task, row.places)),
    ];
    writeln!(out)?;
    table::write(out, &columns, &rows)?;
    Ok(())
}

/// `88`, `88 db-pool`, `0 root`, `12 (parent 3 has ended)`.
fn label(task: &Task) -> String {
    let kind = match task.kind() {
        TaskKind::Task => String::new(),
        _ => format!(" {}", task::kind(task)),
    };
    let name = match task.name.as_str() {
        "" => String::new(),
        name => format!(" {}", printable(name)),
    };
    let orphaned = match task.parent {
        Some(parent) if task.parent_ended => format!(" (parent {parent} has ended)"),
        _ => String::new(),
    };
    format!("{}{kind}{name}{orphaned}", task.id)
}

struct Row<'a> {
    task: &'a Task,
    places: &'a Places,
    depth: usize,
    /// Bit `d` is set when the row's ancestor at depth `d`, or the row itself at its own, has a later sibling.
    later: u64,
}

/// Deeper than this a row is indented no further: a line says how deep it is.
const DEEPEST: usize = 32;

impl Row<'_> {
    fn guides(&self) -> String {
        let has_later = |depth: usize| self.later >> depth & 1 == 1;
        if self.depth == 0 {
            return String::new();
        }
        if self.depth > DEEPEST {
            return format!("{}… depth {}: ", "   ".repeat(DEEPEST - 1), self.depth);
        }
        let mut guides: String = (1..self.depth)
            .map(|depth| if has_later(depth) { "│  " } else { "   " })
            .collect();
        guides.push_str(if has_later(self.depth) {
            "├─ "
        } else {
            "└─ "
        });
        guides
    }
}

fn rows<'a>(forest: &'a Forest, places: &'a Places) -> Vec<Row<'a>> {
    let mut rows = Vec::with_capacity(forest.len());
    let mut depth = 0;
    for step in forest.walk() {
        match step {
            Step::Enter(task) => {
                rows.push(Row {
                    task,
                    places,
                    depth,
                    later: 0,
                });
                depth += 1;
            }
            Step::Leave => depth -= 1,
        }
    }
    // From the end, where "a later sibling" is one that was seen and not left behind by a row further up.
    let mut seen: u64 = 0;
    for row in rows.iter_mut().rev() {
        let own = 1_u64.checked_shl(row.depth as u32).unwrap_or(0);
        row.later = seen & (own | own.wrapping_sub(1));
        seen = row.later | own;
    }
    rows
}
