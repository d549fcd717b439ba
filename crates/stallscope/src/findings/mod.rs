//! Verdicts: what was wrong, where, how often, and how sure we are.
//!
//! [`rules`] decides from evidence and [`store`] keeps what was found; both are pure. [`analyst`] turns the bytes of a stack into frames, and [`log`]
//! writes findings into the application's log.

mod analyst;
mod blocking;
mod conflict;
mod finding;
pub(crate) mod inquiry;
mod leak;
mod locks;
mod log;
mod memory;
mod poll;
mod rules;
mod sentence;
mod store;
mod trouble;
mod unyielding;

use std::time::{Duration, Instant, SystemTime};

use stallscope_stack::RawStack;
use stallscope_wire::message::{self, Certainty, FindingTask};

use self::analyst::Analyst;
use self::finding::{Occurrence, Place};
use self::inquiry::Inquiry;
pub(crate) use self::rules::Rule;
use self::rules::{Seen, Verdict};
use self::store::{Change, Episode, Stall, Store};
use crate::process;
use crate::watch::{Evidence, Pools, Report};

/// Everything that was found in this process. Owned by the agent thread.
pub(crate) struct Findings {
    analyst: Analyst,
    store: Store,
    /// Long polls that had handed their worker on, by `block_in_place`.
    in_place: u64,
    /// Conflicts over shared state, so far: names each.
    conflicts: u64,
    inquiry: Inquiry,
    pools: Pools,
}

/// Who knows the task that stalled.
pub(crate) trait Tasks {
    fn describe(&self, task: u64) -> FindingTask;
}

impl Findings {
    pub(crate) fn new() -> Self {
        Findings {
            analyst: Analyst::default(),
            store: Store::default(),
            in_place: 0,
            conflicts: 0,
            inquiry: Inquiry::default(),
            pools: Pools::default(),
        }
    }

    /// Takes in what the watchdog has seen.
    pub(crate) fn take_in(&mut self, report: Report, tasks: &dyn Tasks) {
        match report {
            Report::Stalled(evidence) => self.stalled(&evidence, tasks),
            Report::Over {
                thread,
                key,
                length,
            } => {
                let stall = Stall { thread, key };
                self.store.over(Episode::Stall(stall), length, unix_now());
                self.came_back(stall, length);
                self.inquiry.over(stall, length);
            }
            Report::Asked(question) => self.inquiry.asked(question),
            Report::RollCall(_) => {} // for whoever has the records
            Report::Troubled(troubled) => self.troubled(&troubled),
            Report::Unexplained(stack) => self.analyst.explain(&stack),
            Report::Paused { length } => {
                self.pools.forgive(length);
                self.store.paused(length, unix_now());
            }
        }
    }

    /// What was found, the most harmful first.
    pub(crate) fn window(
        &self,
        query: &message::FindingsQuery,
        started_unix: Duration,
    ) -> message::Findings {
        let since = if query.since_ns == 0 {
            0
        } else {
            nanos(started_unix).saturating_add(query.since_ns)
        };
        self.store
            .window(since, query.with_info, query.limit, unix_now())
    }

    /// Gives memory back that is not needed any more.
    pub(crate) fn tidy(&mut self) {
        self.analyst.tidy(Instant::now());
    }

    /// Findings that blame a line, so far.
    pub(crate) fn count(&self) -> u64 {
        self.store.count()
    }

    /// Long polls that had handed their worker on, by `block_in_place`: intended, and harmless.
    pub(crate) fn in_place(&self) -> u64 {
        self.in_place
    }

    /// The frames of a stack, for a listing of all threads.
    pub(crate) fn frames(
        &mut self,
        stack: &stallscope_stack::RawStack,
    ) -> (Vec<message::Frame>, String) {
        self.analyst.frames(stack)
    }

    /// The frames at return addresses, innermost first.
    pub(crate) fn frames_at(&mut self, addresses: &[u64]) -> Vec<message::Frame> {
        self.analyst.frames_at(addresses)
    }

    fn stalled(&mut self, evidence: &Evidence, tasks: &dyn Tasks) {
        let first = self.judge(evidence, evidence.stack.as_ref().ok());
        let (verdict, frames) = match (&first.0, &evidence.again) {
            // Seen with nothing but its own code: a second look decides whether it only computes.
            (Verdict::Is(Rule::Cpu, _), Some(again)) => match self.judge(evidence, Some(again)) {
                second @ (Verdict::Is(Rule::FileIo, _), _) => second,
                _ => first,
            },
            _ => first,
        };
        let stall = Stall {
            thread: evidence.thread,
            key: evidence.key,
        };
        let Some(certainty) = self.certainty(evidence, &frames) else {
            return;
        };
        let Verdict::Is(rule, detail) = verdict else {
            self.in_place += 1;
            self.inquiry.judged(stall, evidence.runtime, None);
            return;
        };
        let task = evidence.task.map(|task| tasks.describe(task.0));
        let place = Place::of(&frames, task.as_ref());
        let occurrence = Occurrence {
            detail,
            task,
            certainty,
            frames,
            tid: evidence.tid,
            worker: evidence.worker,
            queued: evidence.queued,
            span: evidence.span.clone(),
            length: evidence.length,
            ..Occurrence::of(Episode::Stall(stall), rule, place)
        };
        self.inquiry
            .judged(stall, evidence.runtime, Some(&occurrence));
        if !rule.about().is_info {
            self.goes_on(stall, evidence.length, occurrence.task.as_ref());
        }
        self.found(occurrence);
    }

    /// Keeps it, and writes a line into the application's log where it is news.
    fn found(&mut self, occurrence: Occurrence) {
        // In tests, polls are looked at before they have become long.
        let is_long =
            !occurrence.rule.is_long_poll() || occurrence.length >= nanos(process::long_poll());
        if let Change {
            finding,
            is_news: true,
        } = self.store.stalled(occurrence, unix_now())
            && is_long
            && let Some(finding) = self.store.get(finding)
        {
            log::write(finding);
        }
    }
}

impl Findings {
    /// How sure it is that this was one poll of a task; none if it was not.
    fn certainty(&mut self, evidence: &Evidence, frames: &[message::Frame]) -> Option<Certainty> {
        if evidence.task.is_some() {
            return Some(Certainty::Proven);
        }
        if !poll::is_of_a_worker(frames) {
            return None;
        }
        match &evidence.earlier {
            None => Some(Certainty::Proven),
            Some(earlier) => {
                poll::is_same(&self.analyst.frames(earlier).0, frames).then_some(Certainty::Likely)
            }
        }
    }

    fn judge(
        &mut self,
        evidence: &Evidence,
        stack: Option<&RawStack>,
    ) -> (Verdict, Vec<message::Frame>) {
        let frames = stack
            .map(|stack| self.analyst.frames(stack).0)
            .unwrap_or_default();
        let seen = Seen {
            cause: &evidence.cause,
            behind: stack.and_then(RawStack::just_left),
            frames: &frames,
            starved: evidence.starved,
        };
        (rules::long_poll(&seen), frames)
    }
}

/// Wall clock, nanoseconds since 1970.
fn unix_now() -> u64 {
    nanos(
        SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default(),
    )
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
