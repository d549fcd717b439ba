//! What the agent says when asked: each question of the protocol, one file.
//!
//! Invariant: but for [`live`], which reads the recorder, the gauges in [`overview`] and [`cancel`], which aborts,
//! everything here is a pure function of rows and a query, and is tested as such.

mod cancel;
mod details;
mod doctor;
mod ended;
mod filter;
mod live;
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
use crate::entry::scout::Missing;
use crate::findings::{Findings, Tasks};
use crate::leaks::{Leaks, Thresholds};
use crate::process;
use crate::recorder::{Keeper, RECORDER};
use crate::runtimes::{RUNTIMES, workers_are_idle};
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
    cancels: Cancels,
}

impl Answers {
    pub(crate) fn new(
        complaints: Vec<Complaint>,
        long_poll: Duration,
        thresholds: Thresholds,
    ) -> Self {
        Answers {
            keeper: RECORDER.keeper(),
            complaints,
            process: versions::process(),
            findings: Findings::new(),
            long_poll,
            missing: Missing::default(),
            leaks: Leaks::new(thresholds),
            cancels: Cancels::default(),
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

    fn look_for_leaks(&mut self) {
        let live = live::Live::now(&self.keeper);
        let clock = || RECORDER.clock().uptime();
        let signs = self
            .leaks
            .look(clock(), sites::samples, &live, clock, workers_are_idle);
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
        self.findings.look_at_pools();
        self.findings.tidy();
    }
}

impl Answer for Answers {
    fn answer(&mut self, topic: &Topic) -> Result<update::Body, String> {
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
            Topic::Details(query) => update::Body::Details(details::details(*query, &live)?),
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
