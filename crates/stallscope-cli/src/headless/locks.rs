//! `stallscope locks`: who holds the tracked locks and who waits for them, the longest queue first.

use std::io::Write;

use serde::Serialize;
use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{
    Lock, LockHolder, LockMode, LockQuery, LockWaiter, LockWindow, Party, update,
};

use super::about::About;
use super::cut::note;
use super::table::{self, Column};
use crate::cli::LocksArgs;
use crate::client::Connection;
use crate::failure::Failure;
use crate::format::{counted, duration_or_none, milliseconds};
use crate::locks::{contention, held_by, held_for, kind, line, longest_holder, mode};
use crate::order::SortKey;
use crate::target::Target;

pub(crate) fn run(target: &Target, args: &LocksArgs, out: &mut impl Write) -> Result<(), Failure> {
    let mut connection = Connection::open(target)?;
    let about = About::ask(&mut connection)?;
    let query = LockQuery {
        sort: args.sort.wire().into(),
        ascending: args.sort.largest_first() == args.reverse,
        limit: args
            .limit
            .map_or(0, |limit| u32::try_from(limit).unwrap_or(u32::MAX)),
        text: args.filter.clone(),
    };
    let update::Body::Locks(window) = connection.ask(Topic::Locks(query))? else {
        return Err(connection.mismatch().into());
    };
    if args.json {
        let answer = Answer {
            matched: window.matched,
            left_out: window.left_out,
            locks: window.locks.iter().map(LockJson::from).collect(),
        };
        about.write_json(out, &answer)
    } else {
        about.write_header(out)?;
        write_table(out, args, &window)
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    /// How many locks match the filter; `locks` are fewer with a limit.
    matched: u64,
    /// Locks that are not tracked, because there are too many.
    left_out: u64,
    locks: Vec<LockJson<'a>>,
}

/// A lock as scripts read it.
#[derive(Serialize)]
struct LockJson<'a> {
    id: u64,
    kind: &'static str,
    /// `file:line:column`, as all places here.
    made_at: Option<String>,
    holders: Vec<HolderJson<'a>>,
    /// Readers beside `holders`.
    more_holders: u32,
    /// How many wait; `waiters` are the first of them.
    queue: u64,
    waiters: Vec<WaiterJson<'a>>,
    acquisitions: u64,
    contended: u64,
    p99_wait_ms: f64,
    longest_wait_ms: f64,
}

#[derive(Serialize)]
struct HolderJson<'a> {
    #[serde(flatten)]
    party: PartyJson<'a>,
    mode: &'static str,
    /// At least so long: counted from when somebody looked first.
    held_ms: f64,
    across_await: bool,
}

#[derive(Serialize)]
struct WaiterJson<'a> {
    #[serde(flatten)]
    party: PartyJson<'a>,
    mode: &'static str,
    waits_ms: f64,
}

/// Of a task, or of a thread outside of any.
#[derive(Serialize, Default)]
struct PartyJson<'a> {
    task: Option<u64>,
    name: Option<&'a str>,
    thread: Option<u32>,
    location: Option<String>,
}

impl<'a> From<&'a Lock> for LockJson<'a> {
    fn from(lock: &'a Lock) -> Self {
        LockJson {
            id: lock.id,
            kind: kind(lock),
            made_at: lock.made_at.as_ref().map(place),
            holders: lock.holders.iter().map(HolderJson::from).collect(),
            more_holders: lock.more_holders,
            queue: lock.queue,
            waiters: lock.waiters.iter().map(WaiterJson::from).collect(),
            acquisitions: lock.acquisitions,
            contended: lock.contended,
            p99_wait_ms: milliseconds(lock.p99_wait_ns),
            longest_wait_ms: milliseconds(lock.longest_wait_ns),
        }
    }
}

impl<'a> From<&'a LockHolder> for HolderJson<'a> {
    fn from(holder: &'a LockHolder) -> Self {
        HolderJson {
            party: PartyJson::of(holder.party.as_ref()),
            mode: mode_word(holder.mode()),
            held_ms: milliseconds(holder.held_ns),
            across_await: holder.across_await,
        }
    }
}

impl<'a> From<&'a LockWaiter> for WaiterJson<'a> {
    fn from(waiter: &'a LockWaiter) -> Self {
        WaiterJson {
            party: PartyJson::of(waiter.party.as_ref()),
            mode: mode_word(waiter.mode()),
            waits_ms: milliseconds(waiter.waits_ns),
        }
    }
}

impl<'a> PartyJson<'a> {
    fn of(party: Option<&'a Party>) -> Self {
        let Some(party) = party else {
            return PartyJson::default();
        };
        let name = match &party.task {
            Some(task) => task.name.as_str(),
            None => party.thread.as_str(),
        };
        PartyJson {
            task: party.task.as_ref().map(|task| task.id),
            name: Some(name).filter(|name| !name.is_empty()),
            thread: Some(party.tid).filter(|tid| *tid > 0 && party.task.is_none()),
            location: party.location.as_ref().map(place),
        }
    }
}

fn place(at: &stallscope_wire::message::Location) -> String {
    format!("{}:{}:{}", at.file, at.line, at.column)
}

fn mode_word(mode: LockMode) -> &'static str {
    match mode {
        LockMode::Exclusive => "exclusive",
        LockMode::Shared => "shared",
        LockMode::Unknown => "unknown",
    }
}

fn write_table(out: &mut impl Write, args: &LocksArgs, window: &LockWindow) -> Result<(), Failure> {
    let shown = window.locks.len();
    if let Some(note) = note(shown, window.matched, !args.filter.is_empty()) {
        writeln!(out, "{note}")?;
    }
    if window.left_out > 0 {
        let locks = counted(window.left_out, "lock");
        writeln!(out, "{locks} beyond the first 65536 not tracked")?;
    }
    if shown == 0 && args.filter.is_empty() {
        writeln!(out, "no lock of `stallscope::sync` has been taken")?;
        return Ok(());
    }
    let columns: Vec<Column<Lock>> = vec![
        Column::right("QUEUE", |lock| lock.queue.to_string()),
        Column::right("HELD", held_for),
        Column::left("HOLDER", held_by),
        Column::left("TAKEN AT", |lock| {
            let party = longest_holder(lock).and_then(|holder| holder.party.as_ref());
            line(party.and_then(|party| party.location.as_ref()))
        }),
        Column::left("AS", |lock| {
            let holder = longest_holder(lock);
            holder
                .map_or("", |holder| mode(lock, holder.mode()))
                .to_owned()
        }),
        Column::right("TAKEN", |lock| lock.acquisitions.to_string()),
        Column::right("CONTENDED", contention),
        Column::right("P99 WAIT", |lock| duration_or_none(lock.p99_wait_ns)),
        Column::left("LOCK", |lock| kind(lock).to_owned()),
        Column::left("MADE AT", |lock| line(lock.made_at.as_ref())),
    ];
    writeln!(out)?;
    table::write(out, &columns, &window.locks)?;
    Ok(())
}
