//! Which threads sleep on within one poll? Answered from looks at threads alone, which are cheap: there can be many.
//!
//! A thread that is seen twice in the same system call, and was put on no processor in between, has slept all that time. So what it
//! said it polls at the first look it polled until the second. Nothing of the kind can be said of a thread that runs: it may have
//! begun a new poll of the same task.

use std::collections::HashMap;
use std::mem;
use std::ops::Range;
use std::time::Duration;

use stallscope_stack::kernel::{Position, RunState};

use crate::memory::Thread;

/// Looks at the threads of one process, one after the other. `E` is what is kept of a poll besides, its stack.
#[derive(Debug)]
pub struct Polls<E> {
    threshold: Duration,
    /// The number of the next stay.
    next: u64,
    /// Those that lasted at the last look, by thread.
    stays: HashMap<u32, Stay<E>>,
    over: Vec<LongPoll<E>>,
}

/// A poll in which a thread sleeps for longer than it should.
#[derive(Debug, Clone, PartialEq)]
pub struct LongPoll<E> {
    /// The number of the task.
    pub task: u64,
    /// The thread, as it was when it was first seen asleep.
    pub thread: Thread,
    /// From the first to the last look at which it slept, on the clock of the looks: at least this long.
    pub slept: Range<Duration>,
    /// What was [kept](Polls::keep) of it.
    pub evidence: Option<E>,
    /// It slept at the last look still.
    pub ongoing: bool,
}

impl<E> LongPoll<E> {
    /// For how long it slept at least.
    pub fn held(&self) -> Duration {
        self.slept.end.saturating_sub(self.slept.start)
    }
}

/// A stay of a thread in the kernel, of which more is to be found out now: there may be no other time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// What is to be found out.
    pub what: What,
    /// Names it for [`Polls::keep`].
    pub number: u64,
    /// The thread, as it was when it was first seen asleep.
    pub thread: Thread,
    /// The number of the task.
    pub task: u64,
}

/// What is to be found out of a stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// It may become too long: where the thread is.
    Stack,
    /// It is too long: whose number it is that the thread has told. That can take long, so it must not be asked before.
    Task,
}

/// A thread's stay in one system call, within one task.
#[derive(Debug)]
struct Stay<E> {
    number: u64,
    poll: LongPoll<E>,
    /// What was asked for up to now.
    asked: Option<What>,
}

impl<E> Polls<E> {
    /// Nothing has been seen yet. A poll is too long from `threshold` on.
    pub fn new(threshold: Duration) -> Self {
        Self {
            threshold,
            next: 0,
            stays: HashMap::new(),
            over: Vec::new(),
        }
    }

    /// Takes note of a look at all threads, each with the number of the task it polls, and asks for what is needed of those that stay. The
    /// stack is asked for when half of the threshold has passed. `look`: when it began and ended, on a clock that only goes forward.
    pub fn note(&mut self, look: &Range<Duration>, threads: &[(Thread, Option<u64>)]) -> Vec<Due> {
        let mut before = mem::take(&mut self.stays);
        let mut due = Vec::new();
        for (thread, task) in threads {
            let Some(task) = task.filter(|_| is_asleep(thread)) else {
                continue;
            };
            let known = before.remove(&thread.tid);
            let mut stay = match known {
                Some(known) if known.goes_on(thread, task) => known,
                other => {
                    self.end(other);
                    self.begin(thread, task, look.end)
                }
            };
            stay.poll.slept.end = look.start.max(stay.poll.slept.start);
            due.extend(stay.ask(self.threshold));
            self.stays.insert(thread.tid, stay);
        }
        for stay in before.into_values() {
            self.end(Some(stay));
        }
        due
    }

    /// Keeps what was seen of a stay that was due.
    pub fn keep(&mut self, number: u64, evidence: E) {
        let mut stays = self.stays.values_mut();
        if let Some(stay) = stays.find(|stay| stay.number == number) {
            stay.poll.evidence = Some(evidence);
        }
    }

    /// All that were too long, in the order in which they began.
    pub fn finish(self) -> Vec<LongPoll<E>> {
        let threshold = self.threshold;
        let last = self.stays.into_values().map(|stay| LongPoll {
            ongoing: true,
            ..stay.poll
        });
        let too_long = last.filter(|poll| poll.held() >= threshold);
        let mut all: Vec<_> = self.over.into_iter().chain(too_long).collect();
        all.sort_by_key(|poll| (poll.slept.start, poll.thread.tid));
        all
    }

    fn begin(&mut self, thread: &Thread, task: u64, at: Duration) -> Stay<E> {
        self.next += 1;
        Stay {
            number: self.next,
            poll: LongPoll {
                task,
                thread: thread.clone(),
                slept: at..at,
                evidence: None,
                ongoing: false,
            },
            asked: None,
        }
    }

    fn end(&mut self, stay: Option<Stay<E>>) {
        let too_long = stay.filter(|stay| stay.poll.held() >= self.threshold);
        self.over.extend(too_long.map(|stay| stay.poll));
    }
}

impl<E> Stay<E> {
    /// Each once, the stack first.
    fn ask(&mut self, threshold: Duration) -> impl Iterator<Item = Due> + use<E> {
        let held = self.poll.held();
        let stack = self.asked.is_none() && held >= threshold / 2;
        let stack = stack.then(|| self.due(What::Stack));
        let task = self.asked != Some(What::Task) && held >= threshold;
        let task = task.then(|| self.due(What::Task));
        let last = task.as_ref().or(stack.as_ref());
        self.asked = last.map(|due| due.what).or(self.asked);
        stack.into_iter().chain(task)
    }

    fn due(&self, what: What) -> Due {
        Due {
            what,
            number: self.number,
            thread: self.poll.thread.clone(),
            task: self.poll.task,
        }
    }

    /// Whether the thread has not run since, which it would have had to for another poll.
    fn goes_on(&self, thread: &Thread, task: u64) -> bool {
        let first = &self.poll.thread;
        self.poll.task == task
            && first.position() == thread.position()
            && switches(first) == switches(thread)
    }
}

/// Whether it sleeps in the kernel, and enough is known to tell whether it goes on sleeping.
fn is_asleep(thread: &Thread) -> bool {
    matches!(
        thread.run_state(),
        RunState::Sleeping | RunState::Uninterruptible
    ) && matches!(
        thread.position(),
        Position::InSystemCall { .. } | Position::InFault { .. }
    ) && switches(thread).is_some()
}

/// How often it was put on a processor.
fn switches(thread: &Thread) -> Option<u64> {
    Some(thread.kernel.as_ref()?.times?.switches)
}

#[cfg(test)]
mod tests;
