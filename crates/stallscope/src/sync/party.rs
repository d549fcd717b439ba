//! Who touches shared state: a task, a root future, or a plain thread.

use std::cell::Cell;

use crate::recorder::{RECORDER, TaskId};

/// One who reads, writes, holds or waits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) enum Party {
    /// A task, a closure given to `spawn_blocking`, or a root future.
    Task(TaskId),
    /// A thread outside of any of these, by its id of the kernel.
    Thread(u32),
}

impl Party {
    /// Whose code runs here. Makes no record for a thread that has none.
    #[inline]
    pub(crate) fn current() -> Self {
        match tokio::task::try_id() {
            Some(id) => Party::Task(TaskId::of(id)),
            None => Self::outside_of_tasks(),
        }
    }

    fn outside_of_tasks() -> Self {
        RECORDER
            .current_root_if_known()
            .map_or_else(|| Party::Thread(thread_id()), Party::Task)
    }

    /// As one number that is never 0.
    #[inline]
    pub(crate) fn to_bits(self) -> u64 {
        match self {
            Party::Task(id) => (id.0 + 1) << 1,
            Party::Thread(tid) => u64::from(tid) << 1 | 1,
        }
    }

    pub(crate) fn from_bits(bits: u64) -> Option<Self> {
        match (bits & 1, bits >> 1) {
            (0, number) => number.checked_sub(1).map(|id| Party::Task(TaskId(id))),
            (_, tid) => u32::try_from(tid).ok().map(Party::Thread),
        }
    }
}

/// The calling thread's id of the kernel: asked for once.
#[inline]
pub(crate) fn thread_id() -> u32 {
    thread_local! {
        static TID: Cell<u32> = const { Cell::new(0) };
    }
    match TID.get() {
        0 => {
            TID.set(kernel_thread_id());
            TID.get()
        }
        tid => tid,
    }
}

#[cfg(unix)]
fn kernel_thread_id() -> u32 {
    u32::try_from(rustix::thread::gettid().as_raw_nonzero().get()).unwrap_or(0)
}

#[cfg(not(unix))]
fn kernel_thread_id() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_party_is_one_number() {
        for party in [
            Party::Task(TaskId(0)),
            Party::Task(TaskId((1 << 53) - 1)),
            Party::Thread(1),
            Party::Thread(u32::MAX),
        ] {
            assert_ne!(party.to_bits(), 0);
            assert_eq!(Party::from_bits(party.to_bits()), Some(party));
        }
        assert_eq!(Party::from_bits(0), None);
    }

    #[tokio::test]
    async fn tasks_closures_and_threads_are_told_apart() {
        let spawned = tokio::spawn(async { (Party::current(), tokio::task::id()) });
        let (task, id) = spawned.await.expect("no panic");
        assert_eq!(task, Party::Task(TaskId::of(id)));
        let closure = tokio::task::spawn_blocking(|| (Party::current(), tokio::task::id()));
        let (closure, id) = closure.await.expect("no panic");
        assert_eq!(closure, Party::Task(TaskId::of(id)));
        let thread = std::thread::spawn(Party::current).join().expect("no panic");
        assert!(matches!(thread, Party::Thread(_)), "{thread:?}");
    }
}
