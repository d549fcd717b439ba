//! Who holds a lock, who waits for it, and who wrote last? Each tracked lock has a [`Track`]; what it knows is in a record of the process,
//! so that the agent can look at all locks at any time.
//!
//! Who takes a lock that is free stores five numbers and reads no clock. All that takes time is done by those who have to wait, and by
//! the agent.

mod held;
mod link;
mod place;
mod pool;
mod record;
mod slot;
#[cfg(test)]
mod tests;
mod wait;

use std::panic::Location;

pub(super) use self::held::Held;
use self::link::Link;
pub(crate) use self::pool::{left_out, locks, wanted};
pub(super) use self::record::LockRecord;
pub(super) use self::wait::Wait;
use super::is_on;
use super::party::Taker;
use super::view::{LockKind, Mode};

/// How a lock is asked for, and where.
#[derive(Clone, Copy)]
pub(super) struct Ask {
    pub(super) mode: Mode,
    pub(super) place: &'static Location<'static>,
    /// By a thread that waits, not by a task.
    pub(super) blocks: bool,
}

/// A lock's part in being tracked.
pub(super) struct Track {
    kind: LockKind,
    made_at: &'static Location<'static>,
    record: Link,
}

impl Track {
    pub(super) const fn new(kind: LockKind, made_at: &'static Location<'static>) -> Self {
        Track {
            kind,
            made_at,
            record: Link::new(),
        }
    }

    /// The lock was taken, by the code that runs here. To be called while it is held.
    #[inline]
    pub(super) fn took(&self, ask: Ask) -> Held {
        match self.record() {
            Some(record) => record.took(Taker::current(), ask),
            None => Held::UNTRACKED,
        }
    }

    /// What is held is about to be let go of. To be called while it still is.
    #[inline]
    pub(super) fn leaves(&self, held: Held) {
        if let Some(record) = self.known(held) {
            record.leaves(held);
        }
    }

    /// The holder is about to write.
    #[inline]
    pub(super) fn writes(&self, held: &mut Held) {
        if held.is_write_of_interest()
            && let Some(record) = self.known(*held)
        {
            record.writes(held);
        }
    }

    /// A holder that was alone lets others read. To be called before it does.
    pub(super) fn downgrades(&self, held: &mut Held) {
        if let Some(record) = self.known(*held) {
            record.downgrades(held);
        }
    }

    /// The code that runs here has to wait. None if that is not tracked.
    #[cold]
    pub(super) fn waits(&self, ask: Ask) -> Option<Wait> {
        Some(Wait::begin(self.record()?, ask))
    }

    /// The lock's record; none if stallscope is not on, or if there are too many locks.
    #[inline]
    pub(super) fn record(&self) -> Option<&'static LockRecord> {
        match self.present_record() {
            None => self.first_record(),
            // Where it once was on it stays on.
            record => record,
        }
    }

    /// The lock's record, if it was asked for one before.
    #[inline]
    pub(super) fn present_record(&self) -> Option<&'static LockRecord> {
        self.record.get()
    }

    #[cold]
    fn first_record(&self) -> Option<&'static LockRecord> {
        if is_on() {
            pool::claim(&self.record, self.kind, self.made_at)
        } else {
            None
        }
    }

    #[inline]
    fn known(&self, held: Held) -> Option<&'static LockRecord> {
        if held.is_tracked() {
            self.record.get()
        } else {
            None
        }
    }
}

impl Drop for Track {
    fn drop(&mut self) {
        if let Some(record) = self.record.get() {
            pool::give_back(record);
        }
    }
}
