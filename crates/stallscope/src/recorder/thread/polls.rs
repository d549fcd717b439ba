//! Which poll is the thread in, since when, and within which others did that one begin?

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::super::clock::Ticks;
use super::super::id::TaskId;

/// The polls in progress on one thread: more than one if a runtime is driven from within a task.
#[derive(Default)]
pub(in crate::recorder) struct Polls {
    /// The innermost, in the form of [`TaskId::to_slot`]; 0 if there is none.
    current: AtomicU64,
    started: AtomicU64,
    /// Polls that were in progress when a nested one began.
    depth: AtomicU32,
    outer: [Outer; NESTED],
    /// Guards of tracked blocking locks that the thread had taken when the innermost one began.
    guards_before: AtomicU32,
}

#[derive(Default)]
struct Outer {
    task: AtomicU64,
    started: AtomicU64,
    guards_before: AtomicU32,
}

/// A poll that has ended, as its thread sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::recorder) struct Ended {
    pub(in crate::recorder) began: Ticks,
    /// Guards of tracked blocking locks that the thread had taken before.
    pub(in crate::recorder) guards_before: u32,
}

/// How deep polls may nest before the outermost are forgotten.
const NESTED: usize = 4;

/// A poll in progress, as seen from another thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Polling {
    pub(crate) task: TaskId,
    pub(crate) since: Ticks,
}

/// A poll in progress, as its thread sees it.
#[cfg(feature = "tracing-subscriber")]
pub(crate) struct OwnPoll {
    pub(crate) since: Ticks,
    /// It runs within another poll of the thread.
    pub(crate) is_nested: bool,
}

impl Polls {
    #[inline]
    pub(in crate::recorder) fn started(&self, task: TaskId, now: Ticks, guards: u32) {
        if self.current.load(Ordering::Relaxed) != 0 {
            self.nest();
        }
        self.started.store(now.0, Ordering::Relaxed);
        self.guards_before.store(guards, Ordering::Relaxed);
        self.current.store(task.to_slot(), Ordering::Release);
    }

    /// The poll of `task` ends; none if no such poll was seen to begin.
    #[inline]
    pub(in crate::recorder) fn ended(&self, task: TaskId) -> Option<Ended> {
        if self.current.load(Ordering::Relaxed) != task.to_slot() {
            return None;
        }
        let ended = Ended {
            began: Ticks(self.started.load(Ordering::Relaxed)),
            guards_before: self.guards_before.load(Ordering::Relaxed),
        };
        if self.depth.load(Ordering::Relaxed) == 0 {
            self.current.store(0, Ordering::Release);
        } else {
            self.unnest();
        }
        Some(ended)
    }

    /// Whether the poll in progress is one of this task. For the thread itself.
    #[inline]
    pub(in crate::recorder) fn is_of(&self, task: TaskId) -> bool {
        self.current.load(Ordering::Relaxed) == task.to_slot()
    }

    /// The poll in progress. For any thread.
    pub(super) fn now(&self) -> Option<Polling> {
        let task = TaskId::from_slot(self.current.load(Ordering::Acquire))?;
        let since = Ticks(self.started.load(Ordering::Relaxed));
        // The poll may have ended and another begun in between: then the time belongs to no one.
        (self.current.load(Ordering::Acquire) == task.to_slot()).then_some(Polling { task, since })
    }

    /// The poll in progress. For the thread itself.
    #[cfg(feature = "tracing-subscriber")]
    #[inline]
    pub(in crate::recorder) fn own(&self) -> Option<OwnPoll> {
        (self.current.load(Ordering::Relaxed) != 0).then(|| OwnPoll {
            since: Ticks(self.started.load(Ordering::Relaxed)),
            is_nested: self.depth.load(Ordering::Relaxed) > 0,
        })
    }

    /// The thread has ended.
    pub(super) fn forget(&self) {
        self.depth.store(0, Ordering::Relaxed);
        self.current.store(0, Ordering::Relaxed);
    }

    #[cold]
    fn nest(&self) {
        let depth = self.depth.load(Ordering::Relaxed);
        if let Some(outer) = self.outer.get(depth as usize) {
            outer
                .task
                .store(self.current.load(Ordering::Relaxed), Ordering::Relaxed);
            outer
                .started
                .store(self.started.load(Ordering::Relaxed), Ordering::Relaxed);
            outer.guards_before.store(
                self.guards_before.load(Ordering::Relaxed),
                Ordering::Relaxed,
            );
        }
        self.depth.store(depth + 1, Ordering::Relaxed);
    }

    #[cold]
    fn unnest(&self) {
        let depth = self.depth.load(Ordering::Relaxed).saturating_sub(1);
        self.depth.store(depth, Ordering::Relaxed);
        let unknown = Outer::default();
        let outer = self.outer.get(depth as usize).unwrap_or(&unknown);
        let of = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let (task, started) = (of(&outer.task), of(&outer.started));
        self.started.store(started, Ordering::Relaxed);
        self.guards_before.store(
            outer.guards_before.load(Ordering::Relaxed),
            Ordering::Relaxed,
        );
        self.current.store(task, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn began(polls: &Polls, task: u64) -> Option<Ticks> {
        polls.ended(TaskId(task)).map(|ended| ended.began)
    }

    #[test]
    fn a_poll_within_a_poll_gives_both_their_own_time() {
        let polls = Polls::default();
        polls.started(TaskId(7), Ticks(100), 0);
        polls.started(TaskId(9), Ticks(200), 0);
        assert_eq!(
            polls.now(),
            Some(Polling {
                task: TaskId(9),
                since: Ticks(200)
            })
        );
        assert_eq!(began(&polls, 9), Some(Ticks(200)));
        assert_eq!(
            polls.now(),
            Some(Polling {
                task: TaskId(7),
                since: Ticks(100)
            })
        );
        assert_eq!(began(&polls, 7), Some(Ticks(100)));
        assert_eq!(polls.now(), None);
    }

    #[test]
    fn nesting_deeper_than_is_kept_loses_the_deep_ones_only() {
        let polls = Polls::default();
        for task in 1..=7 {
            polls.started(TaskId(task), Ticks(task), 0);
        }
        for task in (1..=7).rev() {
            let ended = began(&polls, task);
            let kept = task == 7 || task <= NESTED as u64;
            assert_eq!(ended, kept.then_some(Ticks(task)), "task {task}");
            if !kept {
                polls.unnest(); // as the hook of the forgotten poll would have
            }
        }
        assert_eq!(polls.now(), None);
    }

    #[test]
    fn an_end_without_a_beginning_is_ignored() {
        let polls = Polls::default();
        polls.started(TaskId(7), Ticks(100), 0);
        assert_eq!(began(&polls, 8), None);
        assert_eq!(began(&polls, 7), Some(Ticks(100)));
    }

    #[test]
    fn each_poll_knows_which_guards_are_older_than_it_is() {
        let polls = Polls::default();
        polls.started(TaskId(1), Ticks(1), 3);
        polls.started(TaskId(2), Ticks(2), 4);
        let before = |task| polls.ended(TaskId(task)).map(|ended| ended.guards_before);
        assert_eq!((before(2), before(1)), (Some(4), Some(3)));
    }
}
