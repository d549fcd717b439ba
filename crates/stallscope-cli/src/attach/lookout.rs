//! Looks at one process again and again, and knows what that has proven: for the command as long as its window, for the view until it is closed.

use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use stallscope_attach::tasks::Task;
use stallscope_attach::threads::Walked;
use stallscope_attach::watch::{Doing, Due};
use stallscope_attach::{Options, Process};

use super::Life;
use super::found::Found;
use super::naming::Naming;
use super::stops::{Stopped, Stops};
use super::watching::Watching;

/// Whoever has it says when to look.
pub(crate) struct Lookout<'p, 't> {
    process: &'p Process<'t>,
    life: &'p Life,
    began: Instant,
    watching: Watching<Walked>,
    naming: Naming,
    /// Where threads that compute may be stopped for their stacks.
    stops: Option<Stops>,
}

impl<'p, 't> Lookout<'p, 't> {
    pub(crate) fn new(process: &'p Process<'t>, life: &'p Life) -> io::Result<Self> {
        process.prepare_stacks();
        Ok(Lookout {
            process,
            life,
            naming: Naming::start(process.namer())?,
            began: Instant::now(),
            watching: Watching::new(),
            stops: None,
        })
    }

    /// Threads that compute for too long are stopped from now on, to read their stacks.
    pub(crate) fn with_stops(self) -> Self {
        Lookout {
            stops: Some(Stops::default()),
            ..self
        }
    }

    /// The stops that were made, where they may be.
    pub(crate) fn stopped(&self) -> Option<Stopped> {
        self.stops.as_ref().map(Stops::made)
    }

    pub(super) fn began(&self) -> Instant {
        self.began
    }

    /// Since the watch began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Looks at all tasks; whether the process was there still. What one shows while it ends is not to be told.
    pub(crate) fn look_at_tasks(&mut self) -> bool {
        let at = self.elapsed();
        let tasks = self.process.tasks(&Options::default());
        let lasts = self.life.lasts();
        if lasts {
            self.watching.tasks(at, Rc::new(tasks));
        }
        lasts
    }

    /// Looks at all threads that poll a task; the same.
    pub(crate) fn look_at_threads(&mut self) -> bool {
        for (number, frames) in self.naming.told() {
            self.watching.named(number, frames);
        }
        let start = self.elapsed();
        let threads = self.process.polling(|task| self.watching.watches(task));
        let look = start..self.elapsed();
        if !self.life.lasts() {
            return false;
        }
        let (process, began, stops) = (self.process, self.began, &mut self.stops);
        let walk = |due: &Due| match due.doing {
            Doing::Sleeps => process.walk(&due.thread).ok(),
            Doing::Computes => {
                let stops = stops
                    .as_mut()
                    .filter(|stops| stops.is_due(began.elapsed()))?;
                let walked = process.walk_running(&due.thread, due.polled).ok();
                stops.note(began.elapsed(), walked.as_ref().and_then(Walked::stopped));
                walked
            }
        };
        for (number, walked) in self.watching.threads(&look, &threads, walk) {
            if !self.naming.ask(number, walked) {
                self.watching.named(number, Vec::new());
            }
        }
        true
    }

    /// Whether a look at all tasks would tell whose a long poll is.
    pub(crate) fn misses_a_task(&self) -> bool {
        self.watching.misses_a_task()
    }

    /// All tasks by number, as they were listed last.
    pub(crate) fn tasks(&self) -> &Rc<Vec<Task>> {
        self.watching.listed()
    }

    pub(crate) fn found(&self) -> &Found {
        self.watching.found()
    }

    /// Waits for what is not named yet. `ended`: the process has.
    pub(crate) fn finish(mut self, ended: bool) -> Found {
        for (number, frames) in self.naming.finish() {
            self.watching.named(number, frames);
        }
        self.watching.finish(ended)
    }
}
