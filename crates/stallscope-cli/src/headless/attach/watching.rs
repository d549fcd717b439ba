//! What looks from outside show within a time: at the threads often, since a poll may stand still for a moment only, at all tasks seldom.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use stallscope_attach::Process;
use stallscope_attach::tasks::{Kind, Task};
use stallscope_attach::threads::Walked;
use stallscope_attach::watch::{Finding, Limits, Polls, Watch, What};

use super::polls::Poll;
use crate::attach::Life;

/// Between two looks at the threads: a poll that is too long is seen by some of them.
const INTERVAL: Duration = Duration::from_millis(4);

/// Between two looks at all tasks.
const TASKS: Duration = Duration::from_millis(500);

/// For each part of its time that a watch spends on either, so many pass without.
const RARELY: u32 = 4;

/// What was seen of a window.
pub(super) struct Watched {
    pub(super) findings: Vec<Finding>,
    pub(super) polls: Vec<Poll>,
    /// How many tasks there were at the last look.
    pub(super) tasks: u64,
    pub(super) time: Duration,
    /// The process has ended before the window had.
    pub(super) ended: bool,
}

pub(super) fn watch(pid: u32, process: &Process<'_>, window: Duration) -> Watched {
    let life = Life::of(pid);
    process.prepare_stacks();
    let began = Instant::now();
    let mut watch = Watch::default();
    let mut polls = Polls::<Walked>::new(Limits::default().long_poll);
    let mut census = Census::default();
    let ended = loop {
        let is_last = began.elapsed() >= window;
        if is_last || census.is_due(began.elapsed()) {
            let look = process.look(began.elapsed());
            // What a process shows while it ends is not to be told.
            if !life.lasts() {
                break true;
            }
            watch.note(&look);
            census.note(look.tasks, look.at, began.elapsed());
        }
        let start = began.elapsed();
        let mut threads = process.threads();
        let look = start..began.elapsed();
        if !life.lasts() {
            break true;
        }
        for (_, polls) in &mut threads {
            *polls = polls.filter(|task| !census.is_closure(*task));
        }
        for due in polls.note(&look, &threads) {
            match due.what {
                What::Stack => {
                    if let Ok(walked) = process.walk(&due.thread) {
                        polls.keep(due.number, walked);
                    }
                }
                What::Task => census.want(due.task),
            }
        }
        if is_last {
            break false;
        }
        let took = began.elapsed().saturating_sub(start);
        let left = window.saturating_sub(began.elapsed());
        thread::sleep(left.min(INTERVAL.max(took * RARELY)));
    };
    let time = began.elapsed();
    let mut findings = watch.findings().to_vec();
    for finding in &mut findings {
        finding.ongoing &= !ended;
    }
    // Names take long, and the window is over.
    let told = polls.finish().into_iter().filter_map(|mut poll| {
        poll.ongoing &= !ended;
        let stack = poll.evidence.as_ref().map(|walked| process.name(walked));
        Poll::judge(&poll, stack, census.find(poll.task))
    });
    Watched {
        polls: told.collect(),
        findings,
        tasks: census.tasks.len() as u64,
        time,
        ended,
    }
}

/// Whose number is whose: all tasks, as they were listed last.
#[derive(Default)]
struct Census {
    /// By number.
    tasks: Vec<Task>,
    /// Those in which a thread slept; it may be long ago that they were listed. `None`: not found yet.
    wanted: BTreeMap<u64, Option<Task>>,
    /// The next look at all tasks.
    due: Duration,
    /// What all looks took.
    spent: Duration,
}

impl Census {
    fn is_due(&self, now: Duration) -> bool {
        now >= self.due
    }

    fn note(&mut self, tasks: Vec<Task>, from: Duration, to: Duration) {
        let took = to.saturating_sub(from);
        self.spent += took;
        self.due = to + TASKS.max(took * RARELY);
        self.tasks = tasks;
        let missing: Vec<u64> = self
            .wanted
            .iter()
            .filter(|(_, task)| task.is_none())
            .map(|(task, _)| *task)
            .collect();
        for task in missing {
            let found = self.listed(task).cloned();
            self.wanted.insert(task, found);
        }
    }

    /// A task is to be told: it is kept or, if it is new, looked for at once unless that has taken too much time already.
    fn want(&mut self, task: u64) {
        if self.wanted.contains_key(&task) {
            return;
        }
        let found = self.listed(task).cloned();
        if found.is_none() {
            self.due = self.due.min(self.spent * RARELY);
        }
        self.wanted.insert(task, found);
    }

    fn find(&self, task: u64) -> Option<&Task> {
        self.wanted.get(&task)?.as_ref()
    }

    /// A closure on the blocking pool, which is there to block.
    fn is_closure(&self, task: u64) -> bool {
        self.listed(task)
            .is_some_and(|task| task.kind == Kind::Blocking)
    }

    fn listed(&self, task: u64) -> Option<&Task> {
        let at = self.tasks.binary_search_by_key(&task, |task| task.id);
        self.tasks.get(at.ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attach::words::samples::task;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn a_task_that_is_not_known_yet_is_looked_for_at_once_if_there_was_time_to_spare() {
        let mut census = Census::default();
        assert!(census.is_due(MS(0)));
        census.note(vec![task(7)], MS(0), MS(10));
        assert!(!census.is_due(MS(300)));
        census.want(7);
        assert!(!census.is_due(MS(300)), "it is known");
        census.want(8);
        assert!(!census.is_due(MS(39)) && census.is_due(MS(40)));
        census.note(vec![task(8)], MS(40), MS(50));
        assert!(census.find(7).is_some() && census.find(8).is_some());
        census.want(8);
        assert!(!census.is_due(MS(500)) && census.is_due(MS(550)));
    }

    #[test]
    fn looks_at_very_many_tasks_are_rare() {
        let mut census = Census::default();
        census.note(Vec::new(), MS(0), MS(1000));
        assert!(!census.is_due(MS(4999)) && census.is_due(MS(5000)));
    }

    #[test]
    fn closures_of_the_blocking_pool_may_block() {
        let mut census = Census::default();
        let closure = Task {
            kind: Kind::Blocking,
            ..task(9)
        };
        census.note(vec![task(7), closure], MS(0), MS(1));
        assert!(census.is_closure(9) && !census.is_closure(7) && !census.is_closure(8));
    }
}
