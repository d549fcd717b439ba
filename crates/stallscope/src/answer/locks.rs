//! The tracked locks, who holds them and who waits; and, for the rules, what is known of these.

use std::cmp::Reverse;

use stallscope_wire::message::{
    Location, Lock, LockHolder, LockKind, LockMode, LockQuery, LockRole, LockSort, LockWaiter,
    LockWindow, Party, TaskKind,
};

use super::details::describe;
use super::source::{Row, Source};
use crate::locks::{Activity, Parties};
use crate::runtimes::{RUNTIMES, Workers, workers};
use crate::sync;
use crate::sync::view::{self, HolderView, LockView, WaiterView};

/// Without a limit of the client's own, and at most.
const MOST_LOCKS: usize = 1000;
/// Waiters of one lock that are told one by one.
const MOST_WAITERS: usize = 32;

/// `left_out`: locks that are not tracked. `thread`: what a thread outside of tasks is called.
pub(super) fn window(
    query: &LockQuery,
    mut locks: Vec<LockView>,
    left_out: u64,
    source: &dyn Source,
    thread: &dyn Fn(u32) -> String,
) -> LockWindow {
    let names = Names { source, thread };
    let text = query.text.to_lowercase();
    locks.retain(|lock| text.is_empty() || names.mentions(lock, &text));
    let matched = locks.len() as u64;
    sort(&mut locks, query.sort(), query.ascending);
    let limit = match query.limit {
        0 => MOST_LOCKS,
        limit => MOST_LOCKS.min(limit as usize),
    };
    LockWindow {
        matched,
        locks: locks
            .iter()
            .take(limit)
            .map(|lock| names.lock(lock))
            .collect(),
        left_out,
    }
}

fn sort(locks: &mut [LockView], by: LockSort, ascending: bool) {
    let number = |lock: &LockView| match by {
        LockSort::Unknown | LockSort::Queue => lock.waiters.len() as u64,
        LockSort::Hold => longest_hold(lock),
        LockSort::Contention => lock.contended,
        LockSort::Wait => lock.p99_wait,
        LockSort::Place => 0,
    };
    let place = |lock: &LockView| (lock.made_at.file(), lock.made_at.line(), lock.id);
    // By place, the usual direction is upwards; by figures, the largest first. What is equal stays in the order of places.
    locks.sort_by_key(|lock| (Reverse(number(lock)), place(lock)));
    if ascending != (by == LockSort::Place) {
        locks.reverse();
    }
}

fn longest_hold(lock: &LockView) -> u64 {
    let times = lock.holders.iter().map(|holder| holder.held_for);
    times.max().unwrap_or(0)
}

/// Who knows what parties are called.
struct Names<'a> {
    source: &'a dyn Source,
    thread: &'a dyn Fn(u32) -> String,
}

impl Names<'_> {
    fn lock(&self, lock: &LockView) -> Lock {
        let waiters = lock.waiters.iter().take(MOST_WAITERS);
        Lock {
            id: lock.id,
            kind: kind(lock.kind).into(),
            made_at: Some(location(lock.made_at)),
            holders: lock
                .holders
                .iter()
                .map(|holder| self.holder(holder))
                .collect(),
            more_holders: lock.more_holders,
            waiters: waiters.map(|waiter| self.waiter(waiter)).collect(),
            queue: lock.waiters.len() as u64,
            acquisitions: lock.acquisitions,
            contended: lock.contended,
            p99_wait_ns: lock.p99_wait,
            longest_wait_ns: lock.longest_wait,
        }
    }

    fn holder(&self, holder: &HolderView) -> LockHolder {
        LockHolder {
            party: Some(self.party(holder.party, holder.place, LockRole::Holds)),
            mode: mode(holder.mode).into(),
            held_ns: holder.held_for,
            across_await: holder.across_await,
        }
    }

    fn waiter(&self, waiter: &WaiterView) -> LockWaiter {
        LockWaiter {
            party: Some(self.party(waiter.party, waiter.place, LockRole::Waits)),
            mode: mode(waiter.mode).into(),
            waits_ns: waiter.waits_for,
        }
    }

    fn party(&self, party: sync::Party, place: &std::panic::Location<'_>, role: LockRole) -> Party {
        let at = Party {
            location: Some(location(place)),
            role: role.into(),
            ..Party::default()
        };
        match party {
            sync::Party::Task(task) => Party {
                task: Some(describe(task.0, self.source)),
                ..at
            },
            sync::Party::Thread(tid) => Party {
                tid,
                thread: (self.thread)(tid),
                ..at
            },
        }
    }

    fn mentions(&self, lock: &LockView, text: &str) -> bool {
        let contains = |part: &str| part.to_lowercase().contains(text);
        let place = |place: &std::panic::Location<'_>| {
            contains(&format!("{}:{}", place.file(), place.line()))
        };
        let party = |party: sync::Party| match party {
            sync::Party::Task(task) => self.source.name(task.0).is_some_and(|name| contains(&name)),
            sync::Party::Thread(tid) => contains(&(self.thread)(tid)),
        };
        let holders = lock
            .holders
            .iter()
            .map(|holder| (holder.party, holder.place));
        let waiters = lock
            .waiters
            .iter()
            .map(|waiter| (waiter.party, waiter.place));
        place(lock.made_at)
            || contains(&kind_name(lock.kind))
            || holders
                .chain(waiters)
                .any(|(who, line)| place(line) || party(who))
    }
}

fn location(place: &std::panic::Location<'_>) -> Location {
    Location {
        function: String::new(),
        file: place.file().to_owned(),
        line: place.line(),
        column: place.column(),
    }
}

/// As clients show it: "blocking mutex".
fn kind_name(lock: view::LockKind) -> String {
    let name = kind(lock).as_str_name();
    let name = name.trim_start_matches("LOCK_KIND_");
    name.to_lowercase()
        .replace("rw_lock", "rwlock")
        .replace('_', " ")
}

fn kind(kind: view::LockKind) -> LockKind {
    match kind {
        view::LockKind::Mutex => LockKind::Mutex,
        view::LockKind::RwLock => LockKind::RwLock,
        view::LockKind::BlockingMutex => LockKind::BlockingMutex,
        view::LockKind::BlockingRwLock => LockKind::BlockingRwLock,
    }
}

fn mode(mode: view::Mode) -> LockMode {
    match mode {
        view::Mode::Exclusive => LockMode::Exclusive,
        view::Mode::Shared => LockMode::Shared,
    }
}

/// The workers of this runtime, or of all of them.
pub(super) fn workers_have_nothing_to_do(runtime: Option<u32>) -> bool {
    let are_idle = |runtime| workers(runtime) == Workers::Parked;
    match runtime {
        Some(runtime) => are_idle(runtime),
        None => RUNTIMES.iter().all(|(runtime, _)| are_idle(runtime)),
    }
}

/// What the records of tasks tell of those who wait and hold.
pub(super) struct Known<'a> {
    pub(super) source: &'a dyn Source,
    /// When `source` was read, on the clock of the looks.
    pub(super) now: u64,
    /// Whether the workers of a runtime have nothing to do; of no runtime in particular: of all.
    pub(super) idle: &'a dyn Fn(Option<u32>) -> bool,
}

impl Known<'_> {
    fn row(&self, party: sync::Party) -> Option<Row> {
        match party {
            sync::Party::Task(task) => self.source.get(task.0),
            sync::Party::Thread(_) => None,
        }
    }
}

impl Parties for Known<'_> {
    fn activity(&self, party: sync::Party) -> Activity {
        match self.row(party) {
            // A closure is never polled; what it does is not known.
            None => Activity::Unknown,
            Some(row) if row.kind == TaskKind::Blocking => Activity::Unknown,
            Some(row) if row.polling > 0 => Activity::Runs,
            Some(row) => Activity::IdleSince(self.now.saturating_sub(row.idle)),
        }
    }

    fn may_be_ready(&self, party: sync::Party) -> bool {
        !(self.idle)(self.row(party).map(|row| row.runtime))
    }
}

#[cfg(test)]
mod tests {
    use std::panic::Location as Place;

    use super::super::source::fake::Fake;
    use super::*;
    use crate::recorder::TaskId;
    use crate::sync::Party::{Task, Thread};

    fn lock(id: u64, queue: u64) -> LockView {
        let waiter = |wait| WaiterView {
            party: Task(TaskId(wait)),
            mode: view::Mode::Shared,
            place: Place::caller(),
            wait,
            waits_for: 7,
            polled_ago: 7,
        };
        LockView {
            id,
            kind: view::LockKind::RwLock,
            made_at: Place::caller(),
            holders: vec![HolderView {
                party: Thread(77),
                mode: view::Mode::Exclusive,
                place: Place::caller(),
                holding: 1,
                held_for: 100 - queue,
                across_await: false,
            }],
            more_holders: 0,
            waiters: (1..=queue).map(waiter).collect(),
            released_ago: None,
            acquisitions: 10,
            contended: id,
            p99_wait: 0,
            longest_wait: 0,
        }
    }

    fn ask(query: &LockQuery) -> LockWindow {
        let mut fake = Fake {
            names: vec![(2, "importer")],
            ..Fake::default()
        };
        fake.add(2, None, 1).named = true;
        let locks = vec![lock(1, 3), lock(2, 50), lock(3, 1)];
        window(query, locks, 4, &fake, &|tid| format!("db-{tid}"))
    }

    fn ids(query: &LockQuery) -> Vec<u64> {
        ask(query).locks.iter().map(|lock| lock.id).collect()
    }

    #[test]
    fn the_longest_queue_comes_first_and_is_cut() {
        let window = ask(&LockQuery::default());
        assert_eq!((window.matched, window.left_out), (3, 4));
        let first = &window.locks[0];
        assert_eq!((first.id, first.queue, first.waiters.len()), (2, 50, 32));
        let holder = first.holders[0].party.as_ref().expect("told");
        assert_eq!((holder.tid, holder.thread.as_str()), (77, "db-77"));
        let waiter = first.waiters[1].party.as_ref().expect("told");
        let task = waiter.task.as_ref().expect("a task");
        assert_eq!((task.id, task.name.as_str()), (2, "importer"));
        assert!(waiter.location.as_ref().is_some_and(|at| at.line > 0));
    }

    #[test]
    fn every_order_has_a_direction_and_an_end() {
        let by = |sort: LockSort, ascending| LockQuery {
            sort: sort.into(),
            ascending,
            ..LockQuery::default()
        };
        assert_eq!(ids(&by(LockSort::Queue, false)), [2, 1, 3]);
        assert_eq!(ids(&by(LockSort::Queue, true)), [3, 1, 2]);
        assert_eq!(ids(&by(LockSort::Hold, false)), [3, 1, 2]);
        assert_eq!(ids(&by(LockSort::Contention, false)), [3, 2, 1]);
        assert_eq!(ids(&by(LockSort::Place, true)), [1, 2, 3]);
        let one = LockQuery {
            limit: 1,
            ..by(LockSort::Queue, false)
        };
        assert_eq!((ids(&one), ask(&one).matched), (vec![2], 3));
    }

    #[test]
    fn a_text_is_looked_for_in_lines_names_and_kinds() {
        let with = |text: &str| LockQuery {
            text: text.to_owned(),
            ..LockQuery::default()
        };
        assert_eq!(ids(&with("IMPORTER")), [2, 1]);
        assert_eq!(ids(&with("db-77")).len(), 3);
        assert_eq!(ids(&with("answer/locks.rs")).len(), 3);
        assert_eq!(ids(&with("rwlock")).len(), 3);
        assert_eq!(ids(&with("nowhere")), Vec::<u64>::new());
        assert_eq!(kind_name(view::LockKind::BlockingRwLock), "blocking rwlock");
    }

    #[test]
    fn what_is_recorded_of_a_task_is_when_it_ran() {
        let mut fake = Fake::default();
        fake.add(1, None, 1).idle = 400;
        fake.add(2, None, 1).polling = 5;
        fake.add(3, None, 1).kind = TaskKind::Blocking;
        let known = Known {
            source: &fake,
            now: 1000,
            idle: &|runtime| runtime.is_some(),
        };
        let activity = |id| known.activity(Task(TaskId(id)));
        assert_eq!(activity(1), Activity::IdleSince(600));
        assert_eq!(activity(2), Activity::Runs);
        assert_eq!(activity(3), Activity::Unknown);
        assert_eq!(activity(4), Activity::Unknown, "not recorded");
        assert_eq!(known.activity(Thread(1)), Activity::Unknown);
        assert!(!known.may_be_ready(Task(TaskId(1))));
        assert!(known.may_be_ready(Task(TaskId(4))));
    }
}
