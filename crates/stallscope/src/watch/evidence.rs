//! What is known of a stall when it is caught.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use stallscope_stack::kernel::{Cause, SchedTimes, ThreadState};
use stallscope_stack::{RawStack, Tid};

use crate::recorder::{RECORDER, TaskId, ThreadRecord};

/// What the watchdog tells the agent.
pub(crate) enum Report {
    /// A poll has lasted too long, and goes on.
    Stalled(Box<Evidence>),
    /// A poll that was reported as stalled is over.
    Over { thread: u16, key: u64, length: u64 },
    /// The whole process stood still.
    Paused { length: u64 },
}

/// A stall as it was found.
pub(crate) struct Evidence {
    /// Number of the thread's record, and the beginning of the poll in ticks: together they name the stall.
    pub(crate) thread: u16,
    pub(crate) key: u64,
    pub(crate) tid: u32,
    pub(crate) worker: Option<u32>,
    pub(crate) task: TaskId,
    /// How long the poll has lasted, nanoseconds.
    pub(crate) length: u64,
    pub(crate) cause: Cause,
    /// Another thread of the process was kept from running most of the time: who waits for a thread may wait for that one.
    pub(crate) starved: bool,
    /// Tasks that were ready and waited.
    pub(crate) queued: u64,
    /// The stack, or why there is none.
    pub(crate) stack: Result<RawStack, String>,
    /// Of a thread that runs, a second one a moment later: one sample may fall between two calls of a loop.
    pub(crate) again: Option<RawStack>,
}

/// What the kernel says of the watched threads at one moment.
pub(super) struct Readings {
    /// The poll this is about.
    pub(super) key: u64,
    at: Instant,
    states: HashMap<Tid, ThreadState>,
}

impl Readings {
    /// Reads the polling threads in full, of the others the times.
    pub(super) fn take(key: u64) -> Self {
        let handles = RECORDER.threads().iter().filter_map(ThreadRecord::handle);
        let states = handles
            .map(|handle| (handle.tid(), ThreadState::read(handle.tid())))
            .collect();
        Readings {
            key,
            at: Instant::now(),
            states,
        }
    }

    /// What kept the thread between this reading and a later one. It has computed only if it used at least `least` of a processor:
    /// a poll that got none for long and is now being served is the machine's fault, not the line's.
    pub(super) fn cause(&self, later: &Readings, tid: Tid, least: Duration) -> Cause {
        let (Some(before), Some(after)) = (self.states.get(&tid), later.states.get(&tid)) else {
            return Cause::Unknown;
        };
        let on_cpu = before.ran_until(after).map(|(on_cpu, _)| on_cpu);
        match (Cause::between(before, after, self.elapsed(later)), on_cpu) {
            (Cause::OnCpu, Some(on_cpu)) if on_cpu < least => Cause::WaitingForCpu,
            // It ran for a part of the time and waited for a processor for another, neither of which is half.
            (Cause::Unknown, Some(_)) => Cause::WaitingForCpu,
            (cause, _) => cause,
        }
    }

    /// Whether a thread other than this one waited for a processor at least half of the time.
    pub(super) fn others_starved(&self, later: &Readings, tid: u32) -> bool {
        let half = self.elapsed(later) / 2;
        self.states.iter().filter(|(other, _)| other.number().unsigned_abs() != tid).any(|(other, before)| {
            let waited = |times: Option<SchedTimes>| times.map(|times| times.waiting_for_cpu);
            let after = later.states.get(other).and_then(|after| waited(after.times));
            matches!((waited(before.times), after), (Some(before), Some(after)) if after.saturating_sub(before) >= half)
        })
    }

    fn elapsed(&self, later: &Readings) -> Duration {
        later.at.saturating_duration_since(self.at)
    }
}
