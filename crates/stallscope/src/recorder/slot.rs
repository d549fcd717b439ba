//! What is recorded of one task: 64 bytes, one cache line, written by whichever thread polls the
//! task.
//!
//! A task is polled by one thread at a time, and tokio orders one poll before the next, so the
//! counters need no read-modify-write: plain loads and stores of atomics do. Readers on other
//! threads may see a poll half recorded (its time counted, its number not yet); every single value
//! they read was true.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::Release};

use super::clock::{Rate, Ticks};
use super::id::TaskId;
use super::sites::SiteId;
use crate::runtimes::RuntimeIndex;

/// One task's record. All-zero memory is an unused slot.
#[repr(C, align(64))]
pub(super) struct Slot {
    /// The task's id; see [`TaskId::to_slot`]. 0 while unused.
    id: AtomicU64,
    /// The parent's id in the same form, 0 for none, and above it the upper bits of the runtime.
    parent: AtomicU64,
    spawned: AtomicU64,
    /// When the last poll ended; 0 if there was none.
    polled: AtomicU64,
    busy: AtomicU64,
    longest: AtomicU64,
    polls: AtomicU64,
    site: AtomicU32,
    /// Bits 0–1 [`Life`], 2–3 [`Kind`], 4 named, 5–15 the lower bits of the runtime, 16–31 number of the thread that
    /// polled last plus one.
    word: AtomicU32,
}

/// A runtime's index has 21 bits: so many of them are in the word,
const LOWER_BITS: u32 = 11;
const LOWER: u32 = (1 << LOWER_BITS) - 1;
/// from here on,
const RUNTIME_AT: u32 = 5;
/// and the others above the parent, of which tasks and root futures need no more than these.
const PARENT_BITS: u32 = 54;
const PARENT: u64 = (1 << PARENT_BITS) - 1;

/// Where a slot is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Life {
    Unused = 0,
    Alive = 1,
    Ended = 2,
    /// Ended, but the poll in which it did is still in progress and will be counted.
    Ending = 3,
}

/// What kind of task a slot describes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// The future given to `block_on`.
    Root = 0,
    /// A task of a scheduler.
    Task = 1,
    /// A `spawn_blocking` closure, known only because it spawned a task.
    Blocking = 2,
}

impl Kind {
    fn from_bits(bits: u32) -> Self {
        match bits & 0b11 {
            0 => Kind::Root,
            1 => Kind::Task,
            _ => Kind::Blocking,
        }
    }
}

/// What is known of a task when it is spawned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Birth {
    pub(crate) id: TaskId,
    pub(crate) parent: Option<TaskId>,
    pub(crate) kind: Kind,
    pub(crate) site: SiteId,
    pub(crate) runtime: RuntimeIndex,
    pub(crate) named: bool,
    pub(crate) at: Ticks,
}

/// A task's times, summed over its polls.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) polls: u64,
    pub(crate) busy: u64,
    pub(crate) longest: u64,
}

impl Slot {
    #[allow(clippy::declare_interior_mutable_const)] // each use is a new slot, as is meant
    pub(super) const UNUSED: Slot = Slot {
        id: AtomicU64::new(0),
        parent: AtomicU64::new(0),
        spawned: AtomicU64::new(0),
        polled: AtomicU64::new(0),
        busy: AtomicU64::new(0),
        longest: AtomicU64::new(0),
        polls: AtomicU64::new(0),
        site: AtomicU32::new(0),
        word: AtomicU32::new(0),
    };

    pub(super) fn life(&self) -> Life {
        match self.word.load(Relaxed) & 0b11 {
            1 => Life::Alive,
            2 => Life::Ended,
            3 => Life::Ending,
            _ => Life::Unused,
        }
    }

    #[inline]
    pub(super) fn holds(&self, id: TaskId) -> bool {
        // Acquire pairs with the Release in `begin`: whoever sees the id sees the rest.
        self.id.load(std::sync::atomic::Ordering::Acquire) == id.to_slot()
    }

    pub(super) fn id(&self) -> Option<TaskId> {
        TaskId::from_slot(self.id.load(std::sync::atomic::Ordering::Acquire))
    }

    pub(super) fn begin(&self, birth: &Birth) {
        self.id.store(0, Relaxed);
        let parent = birth.parent.map_or(0, TaskId::to_slot);
        let upper = u64::from(birth.runtime >> LOWER_BITS);
        self.parent
            .store(parent & PARENT | upper << PARENT_BITS, Relaxed);
        self.spawned.store(birth.at.0, Relaxed);
        self.polled.store(0, Relaxed);
        self.busy.store(0, Relaxed);
        self.longest.store(0, Relaxed);
        self.polls.store(0, Relaxed);
        self.site.store(birth.site.0, Relaxed);
        let word = Life::Alive as u32
            | (birth.kind as u32) << 2
            | u32::from(birth.named) << 4
            | (birth.runtime & LOWER) << RUNTIME_AT;
        self.word.store(word, Relaxed);
        self.id.store(birth.id.to_slot(), Release);
    }

    #[inline]
    pub(super) fn poll_ended(&self, at: Ticks, lasted: u64, thread: u16) {
        self.polled.store(at.0, Relaxed);
        self.busy.store(self.busy.load(Relaxed) + lasted, Relaxed);
        self.polls.store(self.polls.load(Relaxed) + 1, Relaxed);
        if lasted > self.longest.load(Relaxed) {
            self.longest.store(lasted, Relaxed);
        }
        let word = self.word.load(Relaxed);
        let updated = word & 0xffff | (u32::from(thread) + 1) << 16;
        if word != updated {
            self.word.store(updated, Relaxed);
        }
    }

    /// Takes the task from one state of its life to the next. False if it is not in the first.
    pub(super) fn goes_from(&self, from: Life, to: Life) -> bool {
        let word = self.word.load(Relaxed);
        let goes = word & 0b11 == from as u32;
        if goes {
            self.word.store(word & !0b11 | to as u32, Release);
        }
        goes
    }

    pub(super) fn is_named(&self) -> bool {
        self.word.load(Relaxed) & (1 << 4) != 0
    }

    pub(super) fn kind(&self) -> Kind {
        Kind::from_bits(self.word.load(Relaxed) >> 2)
    }

    pub(super) fn site(&self) -> SiteId {
        SiteId(self.site.load(Relaxed))
    }

    pub(super) fn totals(&self) -> Totals {
        Totals {
            polls: self.polls.load(Relaxed),
            busy: self.busy.load(Relaxed),
            longest: self.longest.load(Relaxed),
        }
    }

    /// Copies a record whose task no thread can touch meanwhile.
    pub(super) fn move_from(&self, other: &Slot) {
        for (to, from) in [
            (&self.parent, &other.parent),
            (&self.spawned, &other.spawned),
            (&self.polled, &other.polled),
            (&self.busy, &other.busy),
            (&self.longest, &other.longest),
            (&self.polls, &other.polls),
        ] {
            to.store(from.load(Relaxed), Relaxed);
        }
        self.site.store(other.site.load(Relaxed), Relaxed);
        self.word.store(other.word.load(Relaxed), Relaxed);
        self.id.store(other.id.load(Relaxed), Release);
    }

    pub(super) fn clear(&self) {
        self.id.store(0, Relaxed);
        self.word.store(0, Relaxed);
    }

    /// The record as plain data, or none if the slot is unused or was reused while it was read.
    pub(super) fn read(&self) -> Option<Record> {
        let id = self.id()?;
        let (word, parent) = (self.word.load(Relaxed), self.parent.load(Relaxed));
        let upper = (parent >> PARENT_BITS) as u32;
        let record = Record {
            id,
            parent: TaskId::from_slot(parent & PARENT),
            kind: Kind::from_bits(word >> 2),
            life: self.life(),
            named: self.is_named(),
            site: self.site(),
            runtime: upper << LOWER_BITS | word >> RUNTIME_AT & LOWER,
            thread: (word >> 16).checked_sub(1).map(|number| number as u16),
            spawned: Ticks(self.spawned.load(Relaxed)),
            polled: Some(Ticks(self.polled.load(Relaxed))).filter(|at| at.0 != 0),
            totals: self.totals(),
        };
        self.holds(id).then_some(record)
    }
}

/// A slot as plain data, in the recorder's own units.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Record {
    pub(crate) id: TaskId,
    pub(crate) parent: Option<TaskId>,
    pub(crate) kind: Kind,
    pub(crate) life: Life,
    pub(crate) named: bool,
    pub(crate) site: SiteId,
    pub(crate) runtime: RuntimeIndex,
    /// The thread that polled it last.
    pub(crate) thread: Option<u16>,
    pub(crate) spawned: Ticks,
    pub(crate) polled: Option<Ticks>,
    pub(crate) totals: Totals,
}

impl Record {
    pub(crate) fn age_ns(&self, rate: &Rate) -> u64 {
        rate.nanos_since(self.spawned)
    }

    pub(crate) fn idle_ns(&self, rate: &Rate) -> u64 {
        rate.nanos_since(self.polled.unwrap_or(self.spawned))
    }
}

const _: () = assert!(size_of::<Slot>() == 64);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtimes::SHARED;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let slot = Slot::UNUSED;
        let largest = TaskId((1 << 53) - 1);
        for parent in [None, Some(TaskId(0)), Some(largest)] {
            for runtime in [0, 1, 255, 256, LOWER, LOWER + 1, SHARED] {
                slot.begin(&Birth {
                    id: TaskId(7),
                    parent,
                    kind: Kind::Blocking,
                    site: SiteId(3),
                    runtime,
                    named: true,
                    at: Ticks(100),
                });
                slot.poll_ended(Ticks(200), 50, u16::MAX - 1);
                assert!(slot.goes_from(Life::Alive, Life::Ending));
                let record = slot.read().expect("in use");
                assert_eq!((record.parent, record.runtime), (parent, runtime));
                assert_eq!((record.kind, record.life), (Kind::Blocking, Life::Ending));
                assert!(record.named);
                assert_eq!(record.thread, Some(u16::MAX - 1));
            }
        }
    }
}
