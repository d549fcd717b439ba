//! Which threads sleep or compute on within one poll? Answered from looks at threads alone, which are cheap: there can be many.
//!
//! A look reads of each thread what it polls, then the kernel's count of its switches and its times, then where it stands, then what it polls
//! once more. Only what the second reading says is what it polls; the first one spares threads that poll nothing the rest.
//!
//! A thread that is seen twice in the same system call, and was put on no processor in between, has slept from the moment at which the first look
//! saw it there until the second counted its switches. What it polls was read at the first look after that moment: so that it polled until the
//! second.
//!
//! A thread that runs may have begun a new poll of the same task, but not in the same [`Turn`] of its worker; or once, with another task's poll
//! in between. A turn is known at a look only if both readings of what the thread polls agree on it and the task: then its times were read
//! within that turn, and what they count between two such looks was computed within it. The other poll hides between two readings that saw the task,
//! of two looks or of one. So what the thread has computed between two looks at most is not counted, nor is less than the longest look took: the
//! rest is that task's for certain. What is left open is whether it was one poll, or two of which the second followed on the first almost at once;
//! the worker took no task from its queues meanwhile. Only time on a processor counts, which the kernel tells to within some milliseconds: for the
//! rest the task is not to blame.

use std::collections::HashMap;
use std::mem;
use std::ops::Range;
use std::time::Duration;

use stallscope_stack::kernel::{Cause, Position, RunState};

use crate::memory::Thread;
use crate::tasks::{Kind, Polled, Task, Turn};

/// Looks at the threads of one process, one after the other. `E` is what is kept of a poll besides, its stack.
#[derive(Debug)]
pub struct Polls<E> {
    threshold: Duration,
    /// The number of the next stay.
    next: u64,
    /// Those that lasted at the last look, by thread.
    stays: HashMap<u32, Stay<E>>,
    /// Those that were too long and are over, until they are taken.
    ended: Vec<LongPoll<E>>,
}

/// A poll in which a thread sleeps or computes for longer than it should.
#[derive(Debug, Clone, PartialEq)]
pub struct LongPoll<E> {
    /// Tells it from every other poll of these looks.
    pub number: u64,
    /// What the thread does.
    pub doing: Doing,
    /// The task, and the turn of its worker.
    pub polled: Polled,
    /// The thread, as it was at the first look at which it did so.
    pub thread: Thread,
    /// From the first to the last look at which it did so, on the clock of the looks.
    pub seen: Range<Duration>,
    /// What was [kept](Polls::keep) of it.
    pub evidence: Option<E>,
    /// It did so at the last look still.
    pub ongoing: bool,
    /// The thread, as it was at the last look at which it did so.
    last: Thread,
    /// Of one that computes: its time on a processor between two looks or at one, at most. It may have polled another task then.
    unseen: Duration,
}

/// What a thread does within a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// It sleeps in the kernel, in one system call or page fault.
    Sleeps,
    /// It runs, in one turn of its worker.
    Computes,
}

impl<E> LongPoll<E> {
    /// For how long it did so at least. Of one that computes: its time on a processor.
    pub fn held(&self) -> Duration {
        let elapsed = self.seen.end.saturating_sub(self.seen.start);
        match self.doing {
            Doing::Sleeps => elapsed,
            Doing::Computes => ran(&self.thread, &self.last)
                .min(elapsed)
                .saturating_sub(self.unseen),
        }
    }

    /// Why it did not get on.
    pub fn cause(&self) -> Cause {
        match self.doing {
            Doing::Sleeps => self
                .thread
                .kernel
                .as_ref()
                .map_or(Cause::Unknown, Cause::now),
            Doing::Computes => Cause::OnCpu,
        }
    }

    /// Whether it can be told as a poll of `task`, which has its number. `None`: nothing else is known of the task.
    ///
    /// A closure on the blocking pool is not polled, it may take its time. Of a task that computes it has to be known that it is none of a
    /// `LocalSet`: many short polls of such a one fit into one turn of the worker.
    pub fn is_of(&self, task: Option<&Task>) -> bool {
        match (self.doing, task.map(|task| task.kind)) {
            (_, Some(Kind::Blocking)) => false,
            (Doing::Sleeps, _) | (Doing::Computes, Some(Kind::Task)) => true,
            (Doing::Computes, _) => false,
        }
    }
}

/// A poll that may become too long, of which the stack is to be read now: there may be no other time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Names it for [`Polls::keep`].
    pub number: u64,
    /// What the thread does: one that computes has to be stopped for its stack.
    pub doing: Doing,
    /// What it polls.
    pub polled: Polled,
    /// The thread, as it was when it was first seen so.
    pub thread: Thread,
}

/// A thread's stay in one system call or turn, within one task.
#[derive(Debug)]
struct Stay<E> {
    poll: LongPoll<E>,
    /// Its stack was asked for.
    asked: bool,
}

impl<E> Polls<E> {
    /// Nothing has been seen yet. A poll is too long from `threshold` on.
    pub fn new(threshold: Duration) -> Self {
        Self {
            threshold,
            next: 0,
            stays: HashMap::new(),
            ended: Vec::new(),
        }
    }

    /// Takes note of a look at all threads that [poll a task](crate::Process::polling), and asks for the stacks of those that have stayed
    /// for half of the threshold, each once. `look`: when it began and ended, on a clock that only goes forward.
    pub fn note(&mut self, look: &Range<Duration>, threads: &[(Thread, Polled)]) -> Vec<Due> {
        let mut before = mem::take(&mut self.stays);
        let mut due = Vec::new();
        for (thread, polled) in threads {
            let Some(doing) = doing(thread, polled.turn) else {
                continue;
            };
            let known = before.remove(&thread.tid);
            let mut stay = match known {
                Some(known) if known.goes_on(thread, *polled, doing) => known,
                other => {
                    self.end(other);
                    self.begin(thread, *polled, doing, look.end)
                }
            };
            stay.see(thread, look);
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
        if let Some(stay) = stays.find(|stay| stay.poll.number == number) {
            stay.poll.evidence = Some(evidence);
        }
    }

    /// Those that are too long, and went on at the last look.
    pub fn ongoing(&self) -> impl Iterator<Item = &LongPoll<E>> {
        let polls = self.stays.values().map(|stay| &stay.poll);
        polls.filter(|poll| poll.held() >= self.threshold)
    }

    /// Those that were too long and have ended since they were taken last.
    pub fn take_ended(&mut self) -> Vec<LongPoll<E>> {
        mem::take(&mut self.ended)
    }

    fn begin(&mut self, thread: &Thread, polled: Polled, doing: Doing, at: Duration) -> Stay<E> {
        self.next += 1;
        Stay {
            poll: LongPoll {
                number: self.next,
                doing,
                polled,
                thread: thread.clone(),
                seen: at..at,
                evidence: None,
                ongoing: true,
                last: thread.clone(),
                unseen: Duration::ZERO,
            },
            asked: false,
        }
    }

    fn end(&mut self, stay: Option<Stay<E>>) {
        let too_long = stay.filter(|stay| stay.poll.held() >= self.threshold);
        self.ended.extend(too_long.map(|stay| LongPoll {
            ongoing: false,
            ..stay.poll
        }));
    }
}

impl<E> Stay<E> {
    /// It goes on, says a look.
    fn see(&mut self, thread: &Thread, look: &Range<Duration>) {
        let poll = &mut self.poll;
        poll.seen.end = look.start.max(poll.seen.start);
        if poll.doing == Doing::Computes {
            let at_this_look = look.end.saturating_sub(look.start);
            poll.unseen = poll.unseen.max(ran(&poll.last, thread)).max(at_this_look);
        }
        poll.last = thread.clone();
    }

    fn ask(&mut self, threshold: Duration) -> Option<Due> {
        if self.asked || self.poll.held() < threshold / 2 {
            return None;
        }
        self.asked = true;
        Some(Due {
            number: self.poll.number,
            doing: self.poll.doing,
            polled: self.poll.polled,
            thread: self.poll.thread.clone(),
        })
    }

    /// Whether the thread sleeps on, and would have had to run for another poll; or runs on, and would have had to begin another turn for that.
    fn goes_on(&self, thread: &Thread, polled: Polled, doing: Doing) -> bool {
        let first = &self.poll.thread;
        self.poll.polled.task == polled.task
            && self.poll.doing == doing
            && match doing {
                Doing::Sleeps => {
                    first.position() == thread.position() && switches(first) == switches(thread)
                }
                Doing::Computes => self.poll.polled.turn == polled.turn,
            }
    }
}

/// What the thread does, if enough is known to tell at the next look whether it goes on with it.
fn doing(thread: &Thread, turn: Option<Turn>) -> Option<Doing> {
    if is_asleep(thread) {
        return Some(Doing::Sleeps);
    }
    let runs = thread.run_state() == RunState::Running && turn.is_some();
    runs.then_some(Doing::Computes)
}

/// How long a thread was on a processor between two looks. Zero if that is not known.
fn ran(before: &Thread, after: &Thread) -> Duration {
    let kernel = before.kernel.as_ref().zip(after.kernel.as_ref());
    let times = kernel.and_then(|(before, after)| before.ran_until(after));
    times.map_or(Duration::ZERO, |(on_cpu, _)| on_cpu)
}

/// Whether it sleeps in the kernel, and its switches tell whether it goes on sleeping.
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
