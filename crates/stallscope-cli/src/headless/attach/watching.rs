//! What looks from outside show within a time: at the threads often, since a poll may stand still for a moment only, at all tasks seldom.

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use stallscope_attach::memory::Thread;
use stallscope_attach::tasks::{Kind, State, Task};
use stallscope_attach::threads::ThreadStack;
use stallscope_attach::watch::{Finding, Look, Watch};
use stallscope_attach::{Options, Process};
use stallscope_wire::message::Frame;

use super::thread::frames;
use crate::attach::Life;

/// Between two looks at the threads: a poll that is too long is seen by two of them.
const INTERVAL: Duration = Duration::from_millis(8);

/// Between two looks at all tasks.
const TASKS: Duration = Duration::from_millis(500);

/// Of its time, a watch spends at most one part in so many on either.
const RARELY: u32 = 4;

/// What was seen of a window.
pub(super) struct Watched {
    pub(super) found: Vec<Found>,
    /// How many tasks there were at the last look.
    pub(super) tasks: u64,
    pub(super) time: Duration,
    /// The process has ended before the window had.
    pub(super) ended: bool,
}

/// A finding, and what goes with it.
pub(super) struct Found {
    pub(super) finding: Finding,
    /// Of the thread in a long poll, innermost frame first; empty where it could not be read.
    pub(super) stack: Vec<Frame>,
    /// It still held at the last look.
    pub(super) ongoing: bool,
}

pub(super) fn watch(pid: u32, process: &Process<'_>, window: Duration) -> Watched {
    let life = Life::of(pid);
    let began = Instant::now();
    let mut tasks = Told::default();
    let mut polls = Polls::default();
    let mut count = 0;
    let mut tasks_due = Duration::ZERO;
    let mut ended = false;
    loop {
        let at = began.elapsed();
        let is_last = at >= window;
        let look = if at >= tasks_due || is_last {
            let look = Look {
                at,
                tasks: process.tasks(&Options::default()),
                threads: Vec::new(),
            };
            let done = began.elapsed();
            tasks_due = done + TASKS.max(done.saturating_sub(at) * RARELY);
            Some(look)
        } else {
            None
        };
        let asleep = began.elapsed();
        let threads = process.threads();
        // What a process shows while it ends is not to be told.
        if !life.lasts() {
            ended = true;
            break;
        }
        if let Some(look) = look {
            count = look.tasks.len() as u64;
            tasks.note(&look);
        }
        polls.note(process, asleep, threads);
        if is_last {
            break;
        }
        let took = began.elapsed().saturating_sub(asleep);
        let left = window.saturating_sub(began.elapsed());
        thread::sleep(left.min(INTERVAL.max(took * RARELY)));
    }
    let mut found = polls.found();
    found.extend(tasks.found());
    for found in &mut found {
        found.ongoing &= !ended;
    }
    Watched {
        found,
        tasks: count,
        time: began.elapsed(),
        ended,
    }
}

/// What was told up to now, and what up to the look before.
#[derive(Default)]
struct Told {
    watch: Watch,
    before: Vec<Finding>,
}

impl Told {
    fn note(&mut self, look: &Look) {
        self.before = self.watch.findings().to_vec();
        self.watch.note(look);
    }

    fn found(&self) -> impl Iterator<Item = Found> {
        self.watch.findings().iter().map(|finding| Found {
            finding: finding.clone(),
            stack: Vec::new(),
            // What went on at the last look was told anew by it.
            ongoing: !self.before.contains(finding),
        })
    }
}

/// Polls that last: known by threads that stay asleep, while they say that they poll a task.
#[derive(Default)]
struct Polls {
    told: Told,
    stacks: HashMap<Poll, Vec<Frame>>,
    /// The tasks of those that were told. `None`: it was not to be found.
    tasks: HashMap<u64, Option<Task>>,
}

/// The number of a task, and how often its thread had been put on a processor when it fell asleep.
type Poll = (u64, Option<u64>);

impl Polls {
    fn note(&mut self, process: &Process<'_>, at: Duration, threads: Vec<(Thread, Option<u64>)>) {
        let tasks = threads.iter().filter_map(|(_, polls)| *polls);
        self.told.note(&Look {
            at,
            tasks: tasks.map(stand_in).collect(),
            threads,
        });
        self.look_closer(process);
    }

    /// Reads stack and task of each poll that is new. There is but one try: it goes on now or never.
    fn look_closer(&mut self, process: &Process<'_>) {
        let polls = self.told.watch.findings().iter();
        let new: Vec<&Finding> = polls
            .filter(|finding| !self.stacks.contains_key(&key(finding)))
            .collect();
        if new.is_empty() {
            return;
        }
        let threads = process.stacks();
        for finding in &new {
            let stack = threads.iter().find(|seen| is_still_there(finding, seen));
            self.stacks
                .insert(key(finding), stack.map(frames).unwrap_or_default());
        }
        if new.iter().all(|new| self.tasks.contains_key(&new.task.id)) {
            return;
        }
        let mut tasks = process.tasks(&Options::default());
        for finding in new {
            let id = finding.task.id;
            let at = tasks.iter().position(|task| task.id == id);
            let task = at.map(|at| tasks.swap_remove(at));
            self.tasks.entry(id).or_insert(task);
        }
    }

    /// Closures on the blocking pool are there to block, and of a task that was not found nobody knows whether it is one.
    fn found(&self) -> Vec<Found> {
        let whose = |mut found: Found| {
            let task = self.tasks.get(&found.finding.task.id)?.clone()?;
            let stack = self.stacks.get(&key(&found.finding));
            found.stack = stack.cloned().unwrap_or_default();
            // Where it was suspended when it was read does not matter: it was running.
            found.finding.task = Task {
                state: State::Running,
                suspended_at: None,
                waits_for: None,
                ..task
            };
            (found.finding.task.kind != Kind::Blocking).then_some(found)
        };
        self.told.found().filter_map(whose).collect()
    }
}

/// A task of which only the number is known, and that a thread polls it.
fn stand_in(id: u64) -> Task {
    Task {
        id,
        address: 0,
        kind: Kind::Task,
        state: State::Running,
        future: String::new(),
        detached: None,
        wakers: None,
        suspended_at: None,
        waits_for: None,
        stack: Vec::new(),
        never_polled: false,
        notes: Vec::new(),
    }
}

fn key(finding: &Finding) -> Poll {
    let switches = finding.thread.as_ref().and_then(switches);
    (finding.task.id, switches)
}

fn switches(thread: &Thread) -> Option<u64> {
    Some(thread.kernel.as_ref()?.times?.switches)
}

/// Whether the thread has not run since it was found.
fn is_still_there(finding: &Finding, seen: &ThreadStack) -> bool {
    finding.thread.as_ref().is_some_and(|thread| {
        thread.tid == seen.thread.tid
            && switches(thread).is_some()
            && switches(thread) == switches(&seen.thread)
    })
}
