//! Which polls of a thread were long? The last few, written by the thread at their end, read by the
//! watchdog, so that a stall's length is known exactly even if nobody looked when it ended.

use std::sync::atomic::{AtomicU64, Ordering};

use super::clock::Ticks;
use super::id::TaskId;

const KEPT: usize = 16;

/// A ring of finished long polls: one writer, one reader. A reader that comes late has lost the oldest.
pub(crate) struct LongPolls {
    /// Long polls so far.
    count: AtomicU64,
    kept: [Kept; KEPT],
}

#[derive(Default)]
struct Kept {
    task: AtomicU64,
    started: AtomicU64,
    lasted: AtomicU64,
}

/// A finished long poll.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct LongPoll {
    pub(crate) task: TaskId,
    pub(crate) started: Ticks,
    /// In ticks.
    pub(crate) lasted: u64,
}

impl LongPolls {
    pub(super) fn new() -> Self {
        LongPolls {
            count: AtomicU64::new(0),
            kept: Default::default(),
        }
    }

    #[cold]
    pub(super) fn push(&self, poll: LongPoll) {
        let count = self.count.load(Ordering::Relaxed);
        let kept = &self.kept[count as usize % KEPT];
        kept.task.store(poll.task.to_slot(), Ordering::Relaxed);
        kept.lasted.store(poll.lasted, Ordering::Relaxed);
        kept.started.store(poll.started.0, Ordering::Relaxed);
        self.count.store(count + 1, Ordering::Release);
    }

    /// Long polls so far.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// How long the poll of this task that began then has lasted, in ticks; none if it is not among the last.
    pub(crate) fn length_of(&self, task: TaskId, started: Ticks) -> Option<u64> {
        self.count.load(Ordering::Acquire); // pairs with the Release in `push`
        self.kept.iter().find_map(|kept| {
            let matches = kept.started.load(Ordering::Relaxed) == started.0
                && kept.task.load(Ordering::Relaxed) == task.to_slot();
            matches.then(|| kept.lasted.load(Ordering::Relaxed))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_sixteen_are_known_by_task_and_beginning() {
        let polls = LongPolls::new();
        for number in 1..=20 {
            polls.push(LongPoll {
                task: TaskId(7),
                started: Ticks(number),
                lasted: number * 10,
            });
        }
        assert_eq!(polls.count(), 20);
        assert_eq!(polls.length_of(TaskId(7), Ticks(20)), Some(200));
        assert_eq!(polls.length_of(TaskId(7), Ticks(5)), Some(50));
        assert_eq!(polls.length_of(TaskId(7), Ticks(4)), None);
        assert_eq!(polls.length_of(TaskId(8), Ticks(20)), None);
    }
}
