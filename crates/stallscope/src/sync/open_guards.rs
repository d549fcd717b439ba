//! Which blocking guards does this thread hold, and did a poll leave one behind?
//!
//! A guard of `sync::blocking` stays on its thread, so the guards of a thread are numbered and kept there. A poll that ends while one is
//! alive that was taken in it holds a lock while its task waits.

use std::cell::Cell;
use std::panic::Location;

use super::conflict::{CONFLICTS, Side};
use super::here;
use super::party::{Party, Taker, thread_id};
use crate::findings::Rule;

/// Guards whose places are remembered.
const MOST: usize = 16;

/// The guards of one thread, in the order in which they were taken. Those that are dropped before a later one leave a gap.
pub(super) struct Open {
    entries: [Entry; MOST],
    counts: Cell<Counts>,
}

/// Two counts in one number: between a lock and its unlock each store counts.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Counts(u64);

/// One more in the upper half of [`Counts`].
const TAKEN: u64 = 1 << 32;

struct Entry {
    place: Cell<Option<&'static Location<'static>>>,
    /// As [`Party::to_bits`].
    party: Cell<u64>,
    /// Among the guards that the thread has taken, from 1.
    number: Cell<u32>,
}

/// A guard was taken at this place. Names it; never 0.
#[inline]
pub(crate) fn taken(place: &'static Location<'static>, taker: Taker) -> u32 {
    here::with(|here| here.open.taken(place, taker))
}

/// The guard is dropped, if that is the simple case that it mostly is. False: nothing has happened; see [`dropped`].
#[inline]
pub(crate) fn dropped_in_order(token: u32) -> bool {
    here::with(|here| here.open.dropped_in_order(token))
}

/// The guard is dropped.
pub(crate) fn dropped(token: u32) {
    here::with(|here| here.open.dropped(token));
}

/// How many guards this thread has ever taken.
#[inline]
pub(crate) fn taken_so_far() -> u32 {
    here::with(|here| here.open.counts.get().taken())
}

/// A poll has ended before which so many had been taken.
#[inline]
pub(crate) fn poll_has_ended(since: u32) {
    here::with(|here| {
        let counts = here.open.counts.get();
        if counts.end() > 0 && counts.taken() != since {
            tell(&here.open, since);
        }
    });
}

#[cold]
fn tell(open: &Open, since: u32) {
    for at in open.taken_since(since) {
        CONFLICTS.tell(Rule::GuardAcrossAwait, "", at, None);
    }
}

impl Open {
    pub(super) const fn new() -> Self {
        Open {
            entries: [const {
                Entry {
                    place: Cell::new(None),
                    party: Cell::new(0),
                    number: Cell::new(0),
                }
            }; MOST],
            counts: Cell::new(Counts(0)),
        }
    }

    #[inline]
    fn taken(&self, place: &'static Location<'static>, taker: Taker) -> u32 {
        let counts = self.counts.get();
        let (index, counts) = (counts.end(), counts.and_one_taken());
        self.counts.set(counts);
        if let Some(entry) = self.entries.get(index) {
            entry.place.set(Some(place));
            entry.party.set(taker.party);
            entry.number.set(counts.taken());
        }
        index as u32 + 1
    }

    #[inline]
    fn dropped_in_order(&self, token: u32) -> bool {
        let end = self.end();
        let is_in_order = token as usize == end && (end == 1 || !self.is_gap(end - 1));
        if is_in_order {
            self.shrink();
        }
        is_in_order
    }

    fn dropped(&self, token: u32) {
        if let Some(entry) = self.entries.get(token as usize - 1) {
            entry.place.set(None);
        }
        if token as usize == self.end() {
            self.shrink();
        }
        while self.end() > 0 && self.is_gap(self.end()) {
            self.shrink();
        }
    }

    #[inline]
    fn end(&self) -> usize {
        self.counts.get().end()
    }

    /// The last entry is no longer in use.
    #[inline]
    fn shrink(&self) {
        self.counts.set(self.counts.get().and_one_out_of_use());
    }

    /// Whether the last one before `end` is dropped. What is not remembered counts as if it were.
    #[inline]
    fn is_gap(&self, end: usize) -> bool {
        let entry = self.entries.get(end - 1);
        entry.is_none_or(|entry| entry.place.get().is_none())
    }

    /// Of those that are remembered, the ones that were taken after so many others, the latest first.
    fn taken_since(&self, since: u32) -> impl Iterator<Item = Side> {
        let in_use = self.end().min(MOST);
        self.entries[..in_use]
            .iter()
            .rev()
            .filter_map(move |entry| {
                // Numbers wrap around.
                let is_later = (1..=u32::MAX / 2).contains(&entry.number.get().wrapping_sub(since));
                is_later.then_some(())?;
                Some(Side {
                    party: Party::from_bits(entry.party.get())?,
                    place: entry.place.get()?.into(),
                    tid: thread_id(),
                })
            })
    }
}

impl Counts {
    /// Entries from here on are not in use.
    #[inline]
    fn end(self) -> usize {
        self.0 as u32 as usize
    }

    /// How many guards the thread has ever taken. Wraps around.
    #[inline]
    fn taken(self) -> u32 {
        (self.0 / TAKEN) as u32
    }

    #[inline]
    fn and_one_taken(self) -> Self {
        Counts(self.0.wrapping_add(TAKEN + 1))
    }

    #[inline]
    fn and_one_out_of_use(self) -> Self {
        Counts(self.0 - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a guard on a line of its own; only the line matters.
    #[track_caller]
    fn take(open: &Open) -> (u32, u32) {
        let place = Location::caller();
        (open.taken(place, Party::Thread(7).into()), place.line())
    }

    fn lines(open: &Open) -> Vec<u32> {
        open.taken_since(0).map(|side| side.place.line).collect()
    }

    #[test]
    fn those_of_earlier_polls_are_left_out() {
        let open = Open::new();
        open.counts.set(Counts(u64::from(u32::MAX - 1) * TAKEN));
        for _ in 0..3 {
            take(&open);
        }
        let count = |since| open.taken_since(since).count();
        assert_eq!([u32::MAX - 1, u32::MAX, 0, 1].map(count), [3, 2, 1, 0]);
    }

    #[test]
    fn guards_are_dropped_in_any_order_and_the_latest_comes_first() {
        let open = Open::new();
        let (one, first) = take(&open);
        let (two, second) = take(&open);
        let (three, third) = take(&open);
        assert_eq!(lines(&open), [third, second, first]);
        open.dropped(two);
        assert_eq!(lines(&open), [third, first]);
        let (four, fourth) = take(&open);
        assert_eq!(lines(&open), [fourth, third, first]);
        assert!(open.dropped_in_order(four));
        assert!(!open.dropped_in_order(three), "there is a gap below");
        open.dropped(three);
        assert_eq!(
            (lines(&open), open.end()),
            (vec![first], 1),
            "the gap is closed"
        );
        assert!(open.dropped_in_order(one));
        assert_eq!((lines(&open), open.end()), (vec![], 0));
    }

    #[test]
    fn more_than_are_remembered_disturb_nobody() {
        let open = Open::new();
        let tokens: Vec<u32> = (0..MOST + 4).map(|_| take(&open).0).collect();
        assert_eq!(lines(&open).len(), MOST);
        for token in tokens {
            open.dropped(token);
        }
        assert_eq!((lines(&open), open.end()), (vec![], 0));
    }
}
