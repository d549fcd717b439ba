//! Made-up locks and parties for the tests of the rules.

use std::collections::HashMap;
use std::panic::Location;

use super::{Activity, Locks, Parties, Sign};
use crate::recorder::TaskId;
use crate::sync::Party;
use crate::sync::view::{HolderView, LockKind, LockView, Mode, WaiterView};

pub(super) const MS: u64 = 1_000_000;
pub(super) const S: u64 = 1000 * MS;

/// The rules, and what is known of parties: nothing, unless it is said.
#[derive(Default)]
pub(super) struct Fake {
    pub(super) locks: Locks,
    pub(super) activities: HashMap<Party, Activity>,
    pub(super) ready: bool,
}

impl Fake {
    pub(super) fn look(&mut self, now: u64, locks: &[LockView]) -> Vec<Sign> {
        let parties = Known {
            activities: &self.activities,
            ready: self.ready,
        };
        self.locks.look(now, locks, &parties)
    }

    /// The task was polled last at this time.
    pub(super) fn polled(&mut self, id: u64, at: u64) {
        self.activities.insert(task(id), Activity::IdleSince(at));
    }

    pub(super) fn runs(&mut self, id: u64) {
        self.activities.insert(task(id), Activity::Runs);
    }
}

struct Known<'a> {
    activities: &'a HashMap<Party, Activity>,
    ready: bool,
}

impl Parties for Known<'_> {
    fn activity(&self, party: Party) -> Activity {
        let known = self.activities.get(&party);
        known.copied().unwrap_or(Activity::Unknown)
    }

    fn may_be_ready(&self, _: Party) -> bool {
        self.ready
    }
}

pub(super) fn task(id: u64) -> Party {
    Party::Task(TaskId(id))
}

/// A lock that is described step by step.
#[derive(Clone)]
pub(super) struct Lock {
    pub(super) view: LockView,
}

/// An async mutex. The serials of waits and holdings follow from the lock and the party, so that they stay the same from look to look.
pub(super) fn lock(id: u64) -> Lock {
    Lock {
        view: LockView {
            id,
            kind: LockKind::Mutex,
            made_at: place(0),
            holders: Vec::new(),
            more_holders: 0,
            waiters: Vec::new(),
            released_ago: None,
            acquisitions: 0,
            contended: 0,
            p99_wait: 0,
            longest_wait: 0,
        },
    }
}

impl Lock {
    pub(super) fn of_kind(mut self, kind: LockKind) -> Self {
        self.view.kind = kind;
        self
    }

    /// `at`: the place of the `lock()`.
    pub(super) fn held_by(mut self, party: u64, at: usize) -> Self {
        self.view.holders.push(HolderView {
            party: task(party),
            mode: Mode::Exclusive,
            place: place(at),
            holding: self.view.id * 1_000_000 + party,
            held_for: 5 * S,
            across_await: false,
        });
        self
    }

    pub(super) fn wanted_by(mut self, party: u64, at: usize) -> Self {
        self.view.waiters.push(WaiterView {
            party: task(party),
            mode: Mode::Exclusive,
            place: place(at),
            wait: self.view.id * 1_000_000 + party,
            waits_for: 5 * S,
            polled_ago: if self.view.kind.is_blocking() {
                0
            } else {
                1000 * S
            },
        });
        self
    }

    pub(super) fn released(mut self, ago: u64) -> Self {
        self.view.released_ago = Some(ago);
        self
    }

    /// The last waiter was polled so long ago.
    pub(super) fn polled(mut self, ago: u64) -> Self {
        if let Some(waiter) = self.view.waiters.last_mut() {
            waiter.polled_ago = ago;
        }
        self
    }

    /// The same lock, but its last holding is another one.
    pub(super) fn held_anew(mut self, holding: u64) -> Self {
        if let Some(holder) = self.view.holders.last_mut() {
            holder.holding = holding;
        }
        self
    }
}

/// A place of its own for each number below 10. A `Location` cannot be made up, so these are lines of this file.
pub(super) fn place(number: usize) -> &'static Location<'static> {
    static PLACES: [&Location<'static>; 10] = [
        Location::caller(),
        Location::caller(),
        Location::caller(),
        Location::caller(),
        Location::caller(),
        Location::caller(),
        Location::caller(),
        Location::caller(),
        Location::caller(),
        Location::caller(),
    ];
    PLACES[number]
}
