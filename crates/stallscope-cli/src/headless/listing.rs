//! Tasks fetched from an agent: the first few of an order the agent sorts by, or all of them, page by page.

use std::time::{Duration, Instant};

use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{Task, TaskKind, TaskQuery, TaskSort, TaskWindow, Term, update};

use super::sort::Sort;
use super::task::Places;
use crate::client::{ClientError, Connection};

/// The most tasks that an agent puts into one answer.
pub(super) const PAGE: u32 = 4096;

#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) tasks: Vec<Task>,
    pub(super) places: Places,
    /// How many tasks match, whether they were fetched or not.
    pub(super) matched: u64,
}

/// The first `limit` tasks in an order; `limit` is at most [`PAGE`]. One answer, however many tasks there are.
pub(super) fn first(
    connection: &mut Connection,
    filter: &[Term],
    sort: Sort,
    descending: bool,
    limit: u32,
) -> Result<Listing, ClientError> {
    let window = ask(
        connection,
        TaskQuery {
            filter: filter.to_vec(),
            sort: sort.wire().into(),
            descending,
            limit,
            ..TaskQuery::default()
        },
    )?;
    Ok(Listing {
        places: Places::from(window.sites),
        tasks: window.tasks,
        matched: window.matched,
    })
}

/// All tasks that match, by id.
///
/// The pages are of different moments, and yet none misses or repeats a task: each begins behind the last id of the one
/// before.
pub(super) fn all(connection: &mut Connection, filter: &[Term]) -> Result<Listing, ClientError> {
    let began = Instant::now();
    let mut listing = Listing::default();
    let mut after = None;
    loop {
        let page = ask(
            connection,
            TaskQuery {
                filter: filter.to_vec(),
                sort: TaskSort::Id.into(),
                limit: PAGE,
                after,
                ..TaskQuery::default()
            },
        )?;
        let in_order = after
            .into_iter()
            .chain(page.tasks.iter().map(|task| task.id))
            .is_sorted_by(|a, b| a < b);
        if !in_order {
            return Err(connection.mismatch());
        }
        let is_last = is_last(&page, began.elapsed());
        listing.places.add(page.sites);
        listing.tasks.extend(page.tasks);
        after = listing.tasks.last().map(|task| task.id);
        if is_last {
            listing.matched = listing.tasks.len() as u64;
            return Ok(listing);
        }
    }
}

/// Whether no page behind this one could hold a task that was there when the listing began.
///
/// That a page is not full says nothing yet: tasks end while it is made. Waiting for an empty one could go on for ever where
/// tasks are spawned faster than they are fetched, so a page that has come to those spawned since then will do.
fn is_last(page: &TaskWindow, since_began: Duration) -> bool {
    let spawned_since = |task: &Task| {
        matches!(task.kind(), TaskKind::Task | TaskKind::Local)
            && Duration::from_nanos(task.age_ns) < since_began
    };
    let is_full = page.tasks.len() >= PAGE as usize;
    page.tasks.is_empty()
        || page.tasks.len() as u64 >= page.matched
        || (!is_full && page.tasks.iter().any(spawned_since))
}

fn ask(connection: &mut Connection, query: TaskQuery) -> Result<TaskWindow, ClientError> {
    match connection.ask(Topic::Tasks(query))? {
        update::Body::Tasks(window) => Ok(window),
        _ => Err(connection.mismatch()),
    }
}
