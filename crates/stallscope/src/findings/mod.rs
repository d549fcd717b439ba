//! Verdicts: what was wrong, where, how often, and how sure we are.
//!
//! [`rules`] decides from evidence and [`store`] keeps what was found; both are pure. [`analyst`] turns the bytes of a stack into frames, and [`log`]
//! writes findings into the application's log.

mod analyst;
mod finding;
mod log;
mod rules;
mod store;

use std::time::{Duration, Instant, SystemTime};

use stallscope_stack::RawStack;
use stallscope_wire::message::{self, FindingTask};

use self::analyst::Analyst;
use self::finding::{Occurrence, Place};
use self::rules::{Rule, Seen, Verdict};
use self::store::{Change, Stall, Store};
use crate::watch::{Evidence, Report};

/// Everything that was found in this process. Owned by the agent thread.
pub(crate) struct Findings {
    analyst: Analyst,
    store: Store,
    /// Long polls that had handed their worker on, by `block_in_place`.
    in_place: u64,
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
            } => self.store.over(Stall { thread, key }, length, unix_now()),
            Report::Paused { length } => self.store.paused(length, unix_now()),
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
        let Verdict::Is(rule, detail) = verdict else {
            self.in_place += 1;
            return;
        };
        let task = tasks.describe(evidence.task.0);
        let place = Place::of(&frames, &task);
        let occurrence = Occurrence {
            stall: Stall {
                thread: evidence.thread,
                key: evidence.key,
            },
            rule,
            detail,
            place,
            task,
            frames,
            tid: evidence.tid,
            worker: evidence.worker,
            queued: evidence.queued,
            length: evidence.length,
        };
        if let Change {
            finding,
            is_news: true,
        } = self.store.stalled(occurrence, unix_now())
            && let Some(finding) = self.store.get(finding)
        {
            log::write(finding);
        }
    }
}

impl Findings {
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
