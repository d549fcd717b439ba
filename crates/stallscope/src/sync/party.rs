//! Who touches shared state: a task, a root future, or a plain thread.

use super::here::{self, Here};
use crate::recorder::{RECORDER, TaskId};

/// One who reads, writes, holds or waits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) enum Party {
    /// A task, a closure given to `spawn_blocking`, or a root future.
    Task(TaskId),
    /// A thread outside of any of these, by its id of the kernel.
    Thread(u32),
}

/// Who takes a lock, as it is stored: looked up once, and in registers from then on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Taker {
    /// As [`Party::to_bits`].
    pub(crate) party: u64,
    pub(crate) thread: u32,
}

impl Taker {
    /// The code that runs here: [`Party::current`], and its thread.
    #[inline]
    pub(crate) fn current() -> Self {
        let party = match tokio::task::try_id() {
            Some(id) => Party::Task(TaskId::of(id)).to_bits(),
            None => Party::bits_outside_of_tasks(),
        };
        Taker {
            party,
            thread: thread_id(),
        }
    }
}

#[cfg(test)]
impl From<Party> for Taker {
    /// On this thread.
    fn from(party: Party) -> Self {
        Taker {
            party: party.to_bits(),
            thread: thread_id(),
        }
    }
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

    #[inline(never)]
    fn bits_outside_of_tasks() -> u64 {
        Self::outside_of_tasks().to_bits()
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
    here::with(|here| match here.tid.get() {
        0 => first_thread_id(here),
        tid => tid,
    })
}

#[cold]
fn first_thread_id(here: &Here) -> u32 {
    here.tid.set(kernel_thread_id());
    here.tid.get()
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
