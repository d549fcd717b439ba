//! What is known of a lock that is taken, waited for, and let go of. No semaphore: the tests say who comes when.

use std::panic::Location;
use std::sync::atomic::{AtomicU32, Ordering};

use super::super::party::Party;
use super::super::view::{LockKind, LockView, Mode};
use super::Ask;
use super::record::LockRecord;
use super::wait::Wait;
use crate::recorder::{RECORDER, TaskId};

fn record() -> &'static LockRecord {
    let record: &'static LockRecord = Box::leak(Box::default());
    record.begin(7, LockKind::RwLock, Location::caller());
    record
}

fn ask(mode: Mode) -> Ask {
    Ask {
        mode,
        place: Location::caller(),
        blocks: false,
    }
}

fn view(record: &LockRecord) -> LockView {
    record
        .view(&RECORDER.clock().rate())
        .expect("the record of a lock")
}

fn task(id: u64) -> Party {
    Party::Task(TaskId(id))
}

#[test]
fn a_lock_that_nobody_uses_shows_how_often_it_was_taken() {
    let record = record();
    for _ in 0..3 {
        let held = record.took(task(1).into(), ask(Mode::Exclusive));
        assert_eq!(view(record).holders[0].party, task(1));
        record.leaves(held);
    }
    let view = view(record);
    assert!(view.holders.is_empty() && view.waiters.is_empty());
    assert_eq!(
        (view.acquisitions, view.contended, view.released_ago),
        (3, 0, None)
    );
    assert_eq!((view.p99_wait, view.longest_wait), (0, 0));
}

#[test]
fn readers_beyond_those_that_are_kept_are_counted() {
    let record = record();
    let held: Vec<_> = (0..20)
        .map(|reader| record.took(task(reader).into(), ask(Mode::Shared)))
        .collect();
    let full = view(record);
    assert_eq!(
        (full.holders.len(), full.more_holders, full.acquisitions),
        (8, 12, 20)
    );
    let mut kept: Vec<_> = full.holders.iter().map(|holder| holder.holding).collect();
    kept.sort_unstable();
    kept.dedup();
    assert_eq!(kept.len(), 8, "each holding has a name of its own");
    for held in held {
        record.leaves(held);
    }
    let empty = view(record);
    assert_eq!(
        (empty.holders.len(), empty.more_holders, empty.acquisitions),
        (0, 0, 20)
    );
}

#[test]
fn who_waits_is_in_the_queue_until_it_has_the_lock_or_gives_up() {
    let record = record();
    let held = record.took(task(1).into(), ask(Mode::Exclusive));
    let first = Wait::begin(record, ask(Mode::Shared));
    let second = Wait::begin(record, ask(Mode::Exclusive));
    let third = Wait::begin(record, ask(Mode::Exclusive));
    let modes = |view: &LockView| {
        view.waiters
            .iter()
            .map(|waiter| waiter.mode)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        modes(&view(record)),
        [Mode::Shared, Mode::Exclusive, Mode::Exclusive]
    );
    assert_eq!(view(record).released_ago, None);
    drop(second);
    assert_eq!(modes(&view(record)), [Mode::Shared, Mode::Exclusive]);
    record.leaves(held);
    assert!(view(record).released_ago.is_some(), "somebody waits for it");
    let held = record.took(task(2).into(), ask(Mode::Shared));
    first.ends();
    let after = view(record);
    assert_eq!((modes(&after), after.contended), (vec![Mode::Exclusive], 1));
    assert!(after.longest_wait > 0 && after.p99_wait > 0 && after.p99_wait <= after.longest_wait);
    drop(third);
    record.leaves(held);
    assert_eq!(view(record).contended, 1, "who gave up never had it");
}

#[test]
fn a_release_that_saw_no_waiter_is_noticed_by_the_waiter() {
    let record = record();
    let held = record.took(task(1).into(), ask(Mode::Exclusive));
    record.leaves(held);
    let _wait = Wait::begin(record, ask(Mode::Exclusive));
    assert!(view(record).released_ago.is_some());
}

#[test]
fn a_holder_is_seen_to_await_by_a_waiter_on_its_thread() {
    let record = record();
    let held = record.took(task(1).into(), ask(Mode::Exclusive));
    assert!(!view(record).holders[0].across_await);
    let wait = Wait::begin(record, ask(Mode::Exclusive));
    assert!(
        view(record).holders[0].across_await,
        "this thread runs the waiter"
    );
    record.leaves(held);
    let held = std::thread::spawn(|| record.took(task(1).into(), ask(Mode::Exclusive)))
        .join()
        .expect("no panic");
    wait.is_polled();
    assert!(
        !view(record).holders[0].across_await,
        "it may run elsewhere"
    );
    record.leaves(held);
}

#[test]
fn a_writer_that_lets_readers_in_is_one_of_them() {
    let record = record();
    let mut held = record.took(task(1).into(), ask(Mode::Exclusive));
    record.downgrades(&mut held);
    let other = record.took(task(2).into(), ask(Mode::Shared));
    let modes: Vec<_> = view(record)
        .holders
        .iter()
        .map(|holder| holder.mode)
        .collect();
    assert_eq!(modes, [Mode::Shared, Mode::Shared]);
    record.leaves(held);
    record.leaves(other);
}

#[test]
fn the_record_of_a_dropped_lock_knows_nothing_of_it() {
    let record = record();
    let held = record.took(task(1).into(), ask(Mode::Exclusive));
    drop(Wait::begin(record, ask(Mode::Exclusive)));
    record.leaves(held);
    std::mem::forget(Wait::begin(record, ask(Mode::Exclusive)));
    record.end();
    assert!(record.view(&RECORDER.clock().rate()).is_none());
    record.begin(8, LockKind::Mutex, Location::caller());
    let view = view(record);
    assert_eq!((view.id, view.kind), (8, LockKind::Mutex));
    assert_eq!(
        (view.acquisitions, view.contended, view.released_ago),
        (0, 0, None)
    );
    assert!(view.waiters.is_empty() && view.holders.is_empty());
}

/// One thread takes and leaves, another looks: what it sees is never of two holdings.
#[test]
fn who_looks_sees_one_holder_or_none() {
    let record = record();
    let seen = AtomicU32::new(0);
    let is_enough = || seen.load(Ordering::Relaxed) >= 1000;
    let mut wrong = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for turn in (1..).take_while(|_| !is_enough()) {
                let held = record.took(task(turn).into(), ask(Mode::Exclusive));
                record.leaves(held);
            }
        });
        while !is_enough() {
            for holder in view(record).holders {
                seen.fetch_add(1, Ordering::Relaxed);
                // The nth holding is that of task n.
                if holder.party != task(holder.holding >> 3) {
                    wrong.push(holder);
                }
            }
        }
    });
    assert_eq!(wrong, []);
}
