//! What a tracked lock looks like at one moment: plain data, for rules and for clients. Times in nanoseconds.

use std::panic::Location;

use super::party::Party;

/// One lock.
#[derive(Clone, Debug)]
pub(crate) struct LockView {
    /// Names the lock as long as it exists; never given out again.
    pub(crate) id: u64,
    pub(crate) kind: LockKind,
    pub(crate) made_at: &'static Location<'static>,
    /// Some of those that hold it; a reader-writer lock can have more than are kept.
    pub(crate) holders: Vec<HolderView>,
    pub(crate) more_holders: u32,
    /// The first is the first in the queue.
    pub(crate) waiters: Vec<WaiterView>,
    /// How long ago somebody let go of it last while others were waiting; none if that never happened.
    pub(crate) released_ago: Option<u64>,
    pub(crate) acquisitions: u64,
    /// Acquisitions that had to wait.
    pub(crate) contended: u64,
    /// Of those that had to wait; 0 if none had.
    pub(crate) p99_wait: u64,
    pub(crate) longest_wait: u64,
}

/// What kind of lock it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum LockKind {
    Mutex,
    RwLock,
    BlockingMutex,
    BlockingRwLock,
}

impl LockKind {
    pub(crate) fn is_blocking(self) -> bool {
        matches!(self, LockKind::BlockingMutex | LockKind::BlockingRwLock)
    }
}

/// How a lock is held or asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// Alone: a mutex, or for writing.
    Exclusive,
    /// With other readers.
    Shared,
}

/// One who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HolderView {
    pub(crate) party: Party,
    pub(crate) mode: Mode,
    /// The call of `lock()`.
    pub(crate) place: &'static Location<'static>,
    /// Names this holding: a lock that is let go of and taken again has another one.
    pub(crate) holding: u64,
    /// At least so long: counted from when somebody looked first.
    pub(crate) held_for: u64,
    /// It was seen not to run while it held the lock: it awaits something.
    pub(crate) across_await: bool,
}

/// One who waits for a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WaiterView {
    pub(crate) party: Party,
    pub(crate) mode: Mode,
    /// The call of `lock()`.
    pub(crate) place: &'static Location<'static>,
    /// Names this wait.
    pub(crate) wait: u64,
    pub(crate) waits_for: u64,
    /// How long ago its future was polled last; 0 for a thread that is blocked.
    pub(crate) polled_ago: u64,
}
