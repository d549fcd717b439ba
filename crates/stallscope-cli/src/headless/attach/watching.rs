//! Looks at a process for a time: at its threads often, since a poll may stand still for a moment only, at all tasks seldom.

use std::thread;
use std::time::Duration;

use stallscope_attach::Process;
use stallscope_attach::threads::Running;

use crate::attach::{Found, Life, Lookout, Stopped};
use crate::failure::Failure;

/// Between two looks at the threads: a poll that is too long is seen by some of them.
const INTERVAL: Duration = Duration::from_millis(4);

/// Between two looks at all tasks.
const TASKS: Duration = Duration::from_millis(500);

/// For each part of its time that a watch spends on either, so many pass without.
const RARELY: u32 = 4;

/// What was seen of a window.
pub(super) struct Watched {
    pub(super) found: Found,
    /// How many tasks there were at the last look.
    pub(super) tasks: u64,
    pub(super) time: Duration,
    /// The process has ended before the window had.
    pub(super) ended: bool,
    /// The stops that were made, if threads that run could be stopped.
    pub(super) stopped: Option<Stopped>,
}

/// `running`: what is done about threads that compute for too long.
pub(super) fn watch(
    pid: u32,
    process: &Process<'_>,
    window: Duration,
    running: Running,
) -> Result<Watched, Failure> {
    let life = Life::of(pid);
    let mut lookout = Lookout::new(process, &life)?;
    if running == Running::Stop {
        lookout = lookout.with_stops();
    }
    let mut census = Census::default();
    let ended = loop {
        let start = lookout.elapsed();
        let is_last = start >= window;
        if is_last || census.is_due(start) {
            if !lookout.look_at_tasks() {
                break true;
            }
            census.taken(start, lookout.elapsed());
        }
        let start = lookout.elapsed();
        if !lookout.look_at_threads() {
            break true;
        }
        if lookout.misses_a_task() {
            census.hurry();
        }
        if is_last {
            break false;
        }
        let took = lookout.elapsed().saturating_sub(start);
        let left = window.saturating_sub(lookout.elapsed());
        thread::sleep(left.min(INTERVAL.max(took * RARELY)));
    };
    Ok(Watched {
        time: lookout.elapsed(),
        tasks: lookout.tasks().len() as u64,
        stopped: lookout.stopped(),
        found: lookout.finish(ended),
        ended,
    })
}

/// When to look at all tasks.
#[derive(Default)]
struct Census {
    due: Duration,
    /// What all looks took.
    spent: Duration,
}

impl Census {
    fn is_due(&self, now: Duration) -> bool {
        now >= self.due
    }

    fn taken(&mut self, from: Duration, to: Duration) {
        let took = to.saturating_sub(from);
        self.spent += took;
        self.due = to + TASKS.max(took * RARELY);
    }

    /// There is a task to be looked for: at once, unless that has taken too much time already.
    fn hurry(&mut self) {
        self.due = self.due.min(self.spent * RARELY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn a_task_that_is_not_known_yet_is_looked_for_at_once_if_there_was_time_to_spare() {
        let mut census = Census::default();
        assert!(census.is_due(MS(0)));
        census.taken(MS(0), MS(10));
        assert!(!census.is_due(MS(300)));
        census.hurry();
        assert!(!census.is_due(MS(39)) && census.is_due(MS(40)));
        census.taken(MS(40), MS(50));
        assert!(!census.is_due(MS(500)) && census.is_due(MS(550)));
    }

    #[test]
    fn looks_at_very_many_tasks_are_rare() {
        let mut census = Census::default();
        census.taken(MS(0), MS(1000));
        assert!(!census.is_due(MS(4999)) && census.is_due(MS(5000)));
    }
}
