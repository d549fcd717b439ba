//! What the agent says when asked: each question of the protocol, one file.
//!
//! Invariant: but for [`live`], which reads the recorder, the gauges in [`overview`], [`cancel`], which aborts, and [`async_stack`], which asks a task,
//! everything here is a pure function of rows and a query, and is tested as such.

mod async_stack;
mod cancel;
mod details;
mod doctor;
mod ended;
mod filter;
mod live;
mod locks;
mod order;
mod overview;
pub(crate) mod roll;
mod sites;
pub(crate) mod source;
mod stacks;
mod tasks;
mod tree;
mod versions;

use std::time::Duration;

use stallscope_wire::message::{FindingTask, Overview, Process, subscribe::Topic, update};

use self::cancel::Cancels;
use self::source::Source;
use crate::agent::Answer;
use crate::config::Complaint;
use crate::control::HANDLES;
use crate::dump;
use crate::ended::ENDED;
use crate::entry::async_stack as asking;
use crate::entry::scout::Missing;
use crate::entry::test;
use crate::findings::{Findings, Tasks};
use crate::leaks::{Leaks, Thresholds};
use crate::locks::Locks;
use crate::process;
use crate::recorder::{Keeper, RECORDER, TaskId};
use crate::runtimes::{RUNTIMES, workers};
use crate::sync::{self, CONFLICTS, memory, trial};
use crate::watch::{INBOX, Report};

/// Answers every question of the protocol. Owned by the agent thread.
pub(crate) struct Answers {
    keeper: Keeper,
    complaints: Vec<Complaint>,
    process: Process,
    findings: Findings,
    long_poll: Duration,
    missing: Missing,
    leaks: Leaks,
    locks: Locks,
    cancels: Cancels,
    memory: memory::Watcher,
}

impl Answers {
    pub(crate) fn new(
        complaints: Vec<Complaint>,
        long_poll: Duration,
        thresholds: Thresholds,
        control: bool,
    ) -> Self {
        Answers {
            keeper: RECORDER.keeper(),
            complaints,
            process: versions::process(control),
            findings: Findings::new(),
            long_poll,
            missing: Missing::default(),
            leaks: Leaks::new(thresholds),
            locks: Locks::default(),
            cancels: Cancels::default(),
            memory: memory::Watcher::default(),
        }
    }

    /// Makes findings of what the watchdog has seen.
    pub(crate) fn take_in(&mut self) {
        for report in INBOX.take() {
            let live = live::Live::now(&self.keeper);
            match report {
                Report::RollCall(call) => call.answer(&live),
                report => self.findings.take_in(report, &Describe(&live)),
            }
        }
    }

    fn look_for_conflicts(&mut self) {
        let conflicts = CONFLICTS.take();
        if !conflicts.is_empty() {
            let live = live::Live::now(&self.keeper);
            for conflict in conflicts {
                self.findings.conflict(&conflict, &Describe(&live));
            }
        }
    }

    /// Costs nothing as long as no bytes are registered.
    fn look_at_memory(&mut self) {
        if let Some(sight) = self.memory.look() {
            let sentence = self.findings.met(&sight);
            sight.charge(sentence);
        }
    }

    /// Costs nothing as long as nobody waits for a lock.
    fn look_at_locks(&mut self) {
        let clock = || u64::try_from(RECORDER.clock().uptime().as_nanos()).unwrap_or(u64::MAX);
        let now = clock();
        let wanted = sync::wanted();
        if wanted.is_empty() && self.locks.knows_nothing() {
            return;
        }
        let live = live::Live::now(&self.keeper);
        let known = locks::Known {
            source: &live,
            now: clock(),
            idle: &locks::workers_have_nothing_to_do,
        };
        for sign in self.locks.look(now, &wanted, &known) {
            self.findings.waits(&sign, &Describe(&live));
            trial::charge_wait(&sign);
        }
    }

    fn look_for_leaks(&mut self) {
        let live = live::Live::now(&self.keeper);
        let clock = || RECORDER.clock().uptime();
        let signs = self
            .leaks
            .look(clock(), sites::samples, &live, clock, workers);
        for sign in signs {
            let site = Source::site(&live, sign.site);
            self.findings.leaked(&sign, site, &Describe(&live));
        }
    }

    /// What all threads do now, as text.
    pub(crate) fn dump(&mut self) -> String {
        let live = live::Live::now(&self.keeper);
        let stacks = stacks::stacks(&live, &mut self.findings);
        dump::of(&stacks, &Describe(&live), &self.process)
    }

    /// What is due every now and then: lets the recorder tidy up, and looks for workers that have not been met.
    pub(crate) fn tidy(&mut self) {
        self.keeper.tidy();
        self.missing.meet_again();
        RUNTIMES.tidy();
        HANDLES.tidy();
        self.look_for_leaks();
        self.look_for_conflicts();
        self.look_at_locks();
        test::end_if_blocked();
        self.look_at_memory();
        self.findings.look_at_pools();
        self.findings.tidy();
    }
}

impl Answer for Answers {
    fn answer(&mut self, topic: &Topic) -> Result<update::Body, String> {
        if let Topic::Findings(_) = topic {
            self.look_for_conflicts(); // what has happened is told, whenever the agent last came by
        }
        let live = live::Live::now(&self.keeper);
        Ok(match topic {
            Topic::Overview(_) => {
                let overview = overview::overview(&live, &self.complaints);
                update::Body::Overview(Overview {
                    findings: u32::try_from(self.findings.count()).unwrap_or(u32::MAX),
                    long_poll_threshold_ns: u64::try_from(self.long_poll.as_nanos())
                        .unwrap_or(u64::MAX),
                    ..overview
                })
            }
            Topic::Sites(query) => {
                update::Body::Sites(sites::window(query, &live, self.leaks.history()))
            }
            Topic::Tasks(query) => update::Body::Tasks(tasks::window(query, &live)?),
            Topic::Tree(query) => update::Body::Tree(tree::window(query, &live)?),
            Topic::Details(query) => {
                let can_be_asked = asking::is_ours(TaskId(query.task));
                update::Body::Details(details::details(*query, can_be_asked, &live)?)
            }
            Topic::AsyncStack(query) => {
                let frames = |addresses: &[u64]| self.findings.frames_at(addresses);
                update::Body::AsyncStack(async_stack::async_stack(
                    *query,
                    &live,
                    asking::ask,
                    frames,
                )?)
            }
            Topic::Locks(query) => update::Body::Locks(locks::window(
                query,
                sync::locks(),
                sync::left_out(),
                &live,
                &|tid| stacks::thread_name(tid),
            )),
            Topic::Findings(query) => {
                update::Body::Findings(self.findings.window(query, RECORDER.clock().started_unix()))
            }
            Topic::Stacks(_) => update::Body::Stacks(stacks::stacks(&live, &mut self.findings)),
            Topic::Ended(query) => {
                let (latest, counts) = (ENDED.latest(), ENDED.counts());
                update::Body::Ended(ended::window(*query, latest, counts, &live))
            }
            Topic::Cancel(query) => update::Body::Cancel(self.cancels.cancel(
                *query,
                process::allows_control(),
                &HANDLES,
                || ENDED.latest(),
                &live,
            )?),
            Topic::Doctor(_) => {
                update::Body::Doctor(doctor::doctor(&self.complaints, self.findings.in_place()))
            }
        })
    }

    fn process(&self) -> Process {
        self.process.clone()
    }
}

/// What a finding says of a task: as much as is known while the task is still alive.
struct Describe<'a>(&'a live::Live<'a>);

impl Tasks for Describe<'_> {
    fn describe(&self, task: u64) -> FindingTask {
        details::describe(task, self.0)
    }
}
