//! What was seen to go wrong, on its way from the thread that saw it to the agent.
//!
//! That thread is one of the application's, so telling costs it little and never waits: like sights are counted in one entry, and what
//! does not fit is dropped and counted.

use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, TryLockError};

use super::party::Party;
use super::trial;
use crate::findings::Rule;

/// Of this process.
pub(crate) static CONFLICTS: Conflicts = Conflicts {
    entries: Mutex::new(Vec::new()),
    dropped: AtomicU64::new(0),
};

/// Different ones that wait for the agent, which comes by four times a second.
const MOST: usize = 128;

/// Something that happened, with the lines of those it happened between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conflict {
    pub(crate) rule: Rule,
    /// The name that the application gave to the state, or what stands in for one; empty if nothing does.
    pub(crate) what: &'static str,
    /// The line to look at.
    pub(crate) at: Side,
    /// The line that it met, if there is another.
    pub(crate) other: Option<Side>,
    /// How often, since the agent came by.
    pub(crate) times: u64,
}

/// One side of a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Side {
    pub(crate) party: Party,
    pub(crate) place: Place,
    /// On which this happened.
    pub(crate) tid: u32,
}

/// A place in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: &'static str,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl From<&'static Location<'static>> for Place {
    fn from(location: &'static Location<'static>) -> Self {
        Place {
            file: location.file(),
            line: location.line(),
            column: location.column(),
        }
    }
}

impl Side {
    /// Whoever runs here, at this place.
    pub(crate) fn here(place: &'static Location<'static>) -> Self {
        Side {
            party: Party::current(),
            place: place.into(),
            tid: super::party::thread_id(),
        }
    }
}

impl Conflict {
    fn is_like(&self, other: &Conflict) -> bool {
        let place = |side: &Option<Side>| side.map(|side| side.place);
        self.rule == other.rule
            && self.at.place == other.at.place
            && place(&self.other) == place(&other.other)
    }
}

pub(crate) struct Conflicts {
    entries: Mutex<Vec<Conflict>>,
    dropped: AtomicU64,
}

impl Conflicts {
    pub(crate) fn tell(&self, rule: Rule, what: &'static str, at: Side, other: Option<Side>) {
        let conflict = Conflict {
            rule,
            what,
            at,
            other,
            times: 1,
        };
        trial::charge(&conflict);
        self.put(&conflict);
    }

    fn put(&self, conflict: &Conflict) {
        let mut entries = match self.entries.try_lock() {
            Ok(entries) => entries,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return self.drop_one(),
        };
        if count(&mut entries, conflict, MOST).is_none() {
            self.drop_one();
        }
    }

    /// All that was told since the last time.
    pub(crate) fn take(&self) -> Vec<Conflict> {
        let mut entries = self
            .entries
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        std::mem::take(&mut *entries)
    }

    /// Sights that found no room.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn drop_one(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

/// Counts it with those that are like it. How often it is there now; none if there is no room for one more.
pub(super) fn count(entries: &mut Vec<Conflict>, conflict: &Conflict, most: usize) -> Option<u64> {
    if let Some(known) = entries.iter_mut().find(|entry| entry.is_like(conflict)) {
        known.times += conflict.times;
        return Some(known.times);
    }
    (entries.len() < most).then(|| {
        entries.push(conflict.clone());
        conflict.times
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(line: u32) -> Side {
        Side {
            party: Party::Thread(1),
            place: Place {
                file: "src/hits.rs",
                line,
                column: 9,
            },
            tid: 1,
        }
    }

    #[test]
    fn a_flood_is_one_entry_with_a_count_and_has_an_end() {
        let conflicts = Conflicts {
            entries: Mutex::new(Vec::new()),
            dropped: AtomicU64::new(0),
        };
        let lost = |line, other| Conflict {
            rule: Rule::LostUpdate,
            what: "hits",
            at: side(line),
            other: Some(side(other)),
            times: 1,
        };
        for _ in 0..1000 {
            conflicts.put(&lost(7, 8));
        }
        for line in 0..MOST as u32 {
            conflicts.put(&lost(100, line));
        }
        let taken = conflicts.take();
        assert_eq!(
            (taken.len(), taken[0].times, taken[1].times),
            (MOST, 1000, 1)
        );
        assert_eq!(conflicts.dropped(), 1);
        assert_eq!(conflicts.take(), []);
    }
}
