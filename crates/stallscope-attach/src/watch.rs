//! What repeated looks at a process prove: pure functions of what was seen and when.
//!
//! A look is a moment; a finding needs that something held between two of them. Each rule says only what no other course of events
//! explains: a task that was seen twice in the same state may have run in between, one that *cannot* be woken has not.

use std::collections::HashMap;
use std::time::Duration;

use crate::tasks::{Kind, State, Task};
pub use polls::{Doing, Due, LongPoll, Polls};

pub mod blame;
mod polls;

/// What holds for a task at a look, and has for long enough.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finding<'t> {
    /// The rule, as it is called everywhere.
    pub rule: Rule,
    /// The task, as it was seen at that look.
    pub task: &'t Task,
    /// For how long it has been so, as far as was watched: at least this long.
    pub held: Duration,
    /// It is told for the first time.
    pub is_new: bool,
}

/// What can be proven of a task from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Idle, detached, and nothing is left that could wake it.
    Unwakeable,
    /// Woken since it was spawned, and never polled.
    NeverPolled,
}

impl Rule {
    /// As in findings, filters and documentation.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unwakeable => "unwakeable",
            Self::NeverPolled => "never-polled",
        }
    }
}

/// From when on something that holds is told.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// A poll is too long from here on.
    pub long_poll: Duration,
    /// A task that waits for its first poll is forgotten from here on.
    pub never_polled: Duration,
}

impl Default for Limits {
    /// As the library inside of an application has them by default.
    fn default() -> Self {
        Self {
            long_poll: Duration::from_millis(20),
            never_polled: Duration::from_secs(2),
        }
    }
}

/// Looks at the tasks of one process, one after the other. It keeps what held at the last of them, and nothing of those before.
#[derive(Debug, Default)]
pub struct Watch {
    limits: Limits,
    /// What held at the last look.
    held: HashMap<Held, Since>,
}

#[derive(Debug, Clone, Copy)]
struct Since {
    at: Duration,
    told: bool,
}

/// Something that either goes on from one look to the next or does not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Held {
    /// By the task's address too: a number says nothing of another runtime's task.
    Unwakeable {
        task: u64,
        at: u64,
    },
    NeverPolled {
        task: u64,
        at: u64,
    },
}

impl Watch {
    /// Nothing has been seen yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Takes note of a look at all tasks, which came after all before it, and tells what has held for long enough. `at`: when, on a clock
    /// that only goes forward.
    pub fn note<'t>(&mut self, at: Duration, tasks: &'t [Task]) -> Vec<Finding<'t>> {
        let mut held = HashMap::new();
        let mut findings = Vec::new();
        for (what, task) in seen(tasks) {
            let before = self.held.get(&what).copied();
            let mut since = before.unwrap_or(Since { at, told: false });
            let lasted = at.saturating_sub(since.at);
            let (rule, limit) = match what {
                // Two looks: a waker may be on its way from one place to another at one moment.
                Held::Unwakeable { .. } => (Rule::Unwakeable, Duration::from_nanos(1)),
                Held::NeverPolled { .. } => (Rule::NeverPolled, self.limits.never_polled),
            };
            if lasted >= limit {
                findings.push(Finding {
                    rule,
                    task,
                    held: lasted,
                    is_new: !since.told,
                });
                since.told = true;
            }
            held.insert(what, since);
        }
        self.held = held;
        findings
    }
}

/// What is so at one look that would be a finding if it lasted.
fn seen(tasks: &[Task]) -> impl Iterator<Item = (Held, &Task)> {
    tasks.iter().filter_map(|task| {
        let Task {
            id, address: at, ..
        } = *task;
        if is_unwakeable(task) {
            Some((Held::Unwakeable { task: id, at }, task))
        } else if is_not_polled_yet(task) {
            Some((Held::NeverPolled { task: id, at }, task))
        } else {
            None
        }
    })
}

/// A `JoinHandle` can still abort the task, which polls it once more; an `AbortHandle` counts as a waker.
fn is_unwakeable(task: &Task) -> bool {
    task.kind != Kind::Blocking
        && task.state == State::Idle
        && task.detached == Some(true)
        && task.wakers == Some(0)
}

fn is_not_polled_yet(task: &Task) -> bool {
    task.kind != Kind::Blocking && task.state == State::Scheduled && task.never_polled
}

#[cfg(test)]
mod tests;
