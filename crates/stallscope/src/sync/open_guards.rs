//! Which blocking guards does this thread hold, and did a poll leave one behind?
//!
//! A guard of `sync::blocking` stays on its thread, so the guards of a thread are numbered and counted there. A poll that ends while one is
//! alive that was taken in it holds a lock while its task waits.

use std::cell::Cell;
use std::panic::Location;

use super::conflict::{CONFLICTS, Side};
use super::party::{Party, thread_id};
use crate::findings::Rule;
use crate::recorder::RECORDER;

/// Guards whose places are remembered.
const MOST: usize = 16;

/// The guards of one thread, in the order in which they were taken. Those that are dropped before a later one leave a gap.
struct Open {
    entries: [Entry; MOST],
    /// Entries from here on are not in use.
    end: Cell<usize>,
}

struct Entry {
    place: Cell<Option<&'static Location<'static>>>,
    /// As [`Party::to_bits`]: a number is stored faster.
    party: Cell<u64>,
    /// Among the guards that the thread has taken.
    number: Cell<u32>,
}

thread_local! {
    static OPEN: Open = const { Open::new() };
}

/// A guard was taken at this place. Names it; 0 if the thread polls nothing that is recorded.
#[inline]
pub(crate) fn taken(place: &'static Location<'static>, party: Party) -> u32 {
    match RECORDER.guard_taken() {
        Some(number) => OPEN.with(|open| open.taken(place, party, number)),
        None => 0,
    }
}

/// The guard is dropped.
#[inline]
pub(crate) fn dropped(token: u32) {
    if token != 0 {
        RECORDER.guard_dropped();
        OPEN.with(|open| open.dropped(token));
    }
}

/// A poll has ended that began when so many guards had been taken.
#[cold]
pub(crate) fn poll_has_ended(since: u32) {
    OPEN.with(|open| {
        for at in open.taken_since(since) {
            CONFLICTS.tell(Rule::GuardAcrossAwait, "", at, None);
        }
    });
}

impl Open {
    const fn new() -> Self {
        Open {
            entries: [const {
                Entry {
                    place: Cell::new(None),
                    party: Cell::new(0),
                    number: Cell::new(0),
                }
            }; MOST],
            end: Cell::new(0),
        }
    }

    #[inline]
    fn taken(&self, place: &'static Location<'static>, party: Party, number: u32) -> u32 {
        let index = self.end.get();
        if let Some(entry) = self.entries.get(index) {
            entry.place.set(Some(place));
            entry.party.set(party.to_bits());
            entry.number.set(number);
        }
        self.end.set(index + 1);
        index as u32 + 1
    }

    #[inline]
    fn dropped(&self, token: u32) {
        let index = token as usize - 1;
        if let Some(entry) = self.entries.get(index) {
            entry.place.set(None);
        }
        if index + 1 == self.end.get() {
            self.end.set(index);
            self.close_gaps();
        }
    }

    #[inline]
    fn close_gaps(&self) {
        // What is not remembered counts as one.
        let is_gap = |end: usize| {
            let entry = self.entries.get(end - 1);
            entry.is_none_or(|entry| entry.place.get().is_none())
        };
        while self.end.get() > 0 && is_gap(self.end.get()) {
            self.end.set(self.end.get() - 1);
        }
    }

    /// Of those that are remembered, the ones that were taken after so many others, the latest first.
    fn taken_since(&self, since: u32) -> impl Iterator<Item = Side> {
        self.entries.iter().rev().filter_map(move |entry| {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a guard on a line of its own; only the line matters.
    #[track_caller]
    fn take(open: &Open) -> (u32, u32) {
        let place = Location::caller();
        (open.taken(place, Party::Thread(7), 1), place.line())
    }

    fn lines(open: &Open) -> Vec<u32> {
        open.taken_since(0).map(|side| side.place.line).collect()
    }

    #[test]
    fn those_of_earlier_polls_are_left_out() {
        let open = Open::new();
        for number in [u32::MAX, 1, 2] {
            open.taken(Location::caller(), Party::Thread(7), number);
        }
        let count = |since| open.taken_since(since).count();
        assert_eq!([u32::MAX - 1, u32::MAX, 1, 2].map(count), [3, 2, 1, 0]);
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
        open.dropped(four);
        open.dropped(three);
        assert_eq!(
            (lines(&open), open.end.get()),
            (vec![first], 1),
            "the gap is closed"
        );
        open.dropped(one);
        assert_eq!((lines(&open), open.end.get()), (vec![], 0));
    }

    #[test]
    fn more_than_are_remembered_disturb_nobody() {
        let open = Open::new();
        let tokens: Vec<u32> = (0..MOST + 4).map(|_| take(&open).0).collect();
        assert_eq!(lines(&open).len(), MOST);
        for token in tokens {
            open.dropped(token);
        }
        assert_eq!((lines(&open), open.end.get()), (vec![], 0));
    }
}
