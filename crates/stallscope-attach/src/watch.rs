//! What repeated looks at a process prove: pure functions of what was seen and when.
//!
//! A look is a moment; a finding needs that something held between two of them. Each rule says only what no other course of events
//! explains: a task that was seen twice in the same state may have run in between, one that *cannot* be woken has not.

use std::collections::HashMap;
use std::time::Duration;

use crate::tasks::{Kind, State, Task};
pub use polls::{Due, LongPoll, Polls, What};

pub mod blame;
mod polls;

/// One look at the tasks of a process.
#[derive(Debug, Clone)]
pub struct Look {
    /// When, on a clock that only goes forward.
    pub at: Duration,
    /// All tasks.
    pub tasks: Vec<Task>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The rule, as it is called everywhere.
    pub rule: Rule,
    /// The task, as it was seen last.
    pub task: Task,
    /// For how long it has been so, as far as was watched: at least this long.
    pub held: Duration,
    /// It was so at the last look still.
    pub ongoing: bool,
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

/// Looks at one process, one after the other, and what they have proven.
#[derive(Debug, Default)]
pub struct Watch {
    limits: Limits,
    /// What held at the last look, and since when.
    held: HashMap<Held, Duration>,
    findings: Vec<Finding>,
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

    /// Take note of a look, which came after all before it.
    pub fn note(&mut self, look: &Look) {
        for finding in &mut self.findings {
            finding.ongoing = false;
        }
        let mut held = HashMap::new();
        for (what, task) in seen(look) {
            let since = self.held.get(&what).copied().unwrap_or(look.at);
            let lasted = look.at.saturating_sub(since);
            let (rule, limit) = match what {
                // Two looks: a waker may be on its way from one place to another at one moment.
                Held::Unwakeable { .. } => (Rule::Unwakeable, Duration::from_nanos(1)),
                Held::NeverPolled { .. } => (Rule::NeverPolled, self.limits.never_polled),
            };
            held.insert(what, since);
            if lasted >= limit {
                self.tell(Finding {
                    rule,
                    task: task.clone(),
                    held: lasted,
                    ongoing: true,
                });
            }
        }
        self.held = held;
    }

    /// All that was proven up to now, in the order in which it was. What goes on is told once, with how long it has lasted.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    fn tell(&mut self, finding: Finding) {
        let known = self.findings.iter_mut().find(|known| {
            known.rule == finding.rule
                && known.task.id == finding.task.id
                && known.task.address == finding.task.address
        });
        match known {
            Some(known) if known.held <= finding.held => *known = finding,
            Some(_) => {}
            None => self.findings.push(finding),
        }
    }
}

/// What is so at one look that would be a finding if it lasted.
fn seen(look: &Look) -> impl Iterator<Item = (Held, &Task)> {
    look.tasks.iter().filter_map(|task| {
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
