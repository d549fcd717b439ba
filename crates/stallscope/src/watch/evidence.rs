//! What is known of a stall when it is caught.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use stallscope_stack::kernel::{Cause, Position, RunState, ThreadState};
use stallscope_stack::{RawStack, Tid};
use stallscope_wire::message::Span;

use super::gauges::Sign;
use crate::answer::roll::RollCall;
use crate::findings::inquiry::Question;
use crate::recorder::{RECORDER, TaskId, ThreadRecord};
use crate::runtimes::RuntimeIndex;

/// What the watchdog tells the agent.
pub(crate) enum Report {
    /// A poll has lasted too long, and goes on.
    Stalled(Box<Evidence>),
    /// A poll that was reported as stalled is over.
    Over { thread: u16, key: u64, length: u64 },
    /// The watchdog does not find on this stack where the scheduler called the poll.
    Unexplained(Box<RawStack>),
    /// Something is wrong with a runtime that no single poll shows.
    Troubled(Box<Troubled>),
    /// The whole process stood still.
    Paused { length: u64 },
    /// Somebody wants to know what was made of some polls.
    Asked(Question),
    /// Somebody wants to know which tasks of a runtime are alive.
    RollCall(RollCall),
}

/// A stall as it was found.
pub(crate) struct Evidence {
    /// Number of the thread's record, and the beginning of the poll in ticks: together they name the stall.
    pub(crate) thread: u16,
    pub(crate) key: u64,
    pub(crate) tid: u32,
    pub(crate) worker: Option<u32>,
    /// The runtime of that worker.
    pub(crate) runtime: Option<RuntimeIndex>,
    /// None on a runtime that does not tell its polls.
    pub(crate) task: Option<TaskId>,
    /// How long the poll has lasted, nanoseconds.
    pub(crate) length: u64,
    pub(crate) cause: Cause,
    /// Another thread of the process was kept from running most of the time: who waits for a thread may wait for that one.
    pub(crate) starved: bool,
    /// Tasks that were ready and waited.
    pub(crate) queued: u64,
    /// The span of the application's `tracing` that the poll was in.
    pub(crate) span: Option<Span>,
    /// The stack, or why there is none.
    pub(crate) stack: Result<RawStack, String>,
    /// Of a thread that runs, a second one a moment later: one sample may fall between two calls of a loop.
    pub(crate) again: Option<RawStack>,
    /// Set if nothing proves that all this was one poll: it is likely if this earlier stack shows the same.
    pub(crate) earlier: Option<RawStack>,
}

/// A runtime in trouble.
pub(crate) struct Troubled {
    pub(crate) sign: Sign,
    /// Threads of its blocking pool.
    pub(crate) threads: usize,
    /// Of threads that matter, with their numbers.
    pub(crate) stacks: Vec<(u32, RawStack)>,
}

/// Threads that are read besides the watched ones: reading takes some 0.1 ms each.
const MOST_OTHERS: usize = 64;

/// What the kernel says of the process's threads at one moment.
pub(super) struct Readings {
    /// The poll this is about.
    pub(super) key: u64,
    at: Instant,
    states: HashMap<Tid, ThreadState>,
}

impl Readings {
    /// Reads the watched threads, and others of the process: whoever holds a lock may be any of them.
    pub(super) fn take(key: u64) -> Self {
        let handles = RECORDER.threads().iter().filter_map(ThreadRecord::handle);
        let watched = handles.map(|handle| handle.tid()).collect();
        let states = to_read(&watched, threads_of_process(), Tid::current())
            .map(|tid| (tid, ThreadState::read(tid)))
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
        let elapsed = self.elapsed(later);
        match (
            Cause::between(before, after, elapsed),
            before.ran_until(after),
        ) {
            (Cause::OnCpu, Some((on_cpu, _))) if on_cpu < least => Cause::WaitingForCpu,
            // It neither ran nor wanted to, and where it waited cannot be read.
            (Cause::Unknown, Some((on_cpu, waiting)))
                if after.position == Position::Unknown && on_cpu + waiting < elapsed / 2 =>
            {
                Cause::Unknown
            }
            // It ran for a part of the time and waited for a processor for another, neither of which is half.
            (Cause::Unknown, Some(_)) => Cause::WaitingForCpu,
            (cause, _) => cause,
        }
    }

    /// What was read of a thread.
    pub(super) fn of(&self, tid: Tid) -> Option<&ThreadState> {
        self.states.get(&tid)
    }

    /// Whether a thread other than this one waited for a processor at least half of the time.
    pub(super) fn others_starved(&self, later: &Readings, tid: u32) -> bool {
        let half = self.elapsed(later) / 2;
        let mut others = self
            .states
            .iter()
            .filter(|(other, _)| other.number().unsigned_abs() != tid);
        others.any(|(other, before)| {
            let after = later.states.get(other);
            after.is_some_and(|after| is_starved(before, after, half))
        })
    }

    fn elapsed(&self, later: &Readings) -> Duration {
        later.at.saturating_duration_since(self.at)
    }
}

/// Whether a thread waited for a processor for at least `half` of the time between two readings. The kernel adds a wait up when it is over:
/// of one that goes on, it only shows that the thread is ready and was not once given a processor.
fn is_starved(before: &ThreadState, after: &ThreadState, half: Duration) -> bool {
    let Some((on_cpu, waited)) = before.ran_until(after) else {
        return false;
    };
    let switches = |state: &ThreadState| state.times.map(|times| times.switches);
    let is_ready = |state: &ThreadState| state.run_state == RunState::Running;
    let waits_still =
        is_ready(before) && is_ready(after) && switches(before) == switches(after) && on_cpu < half;
    waited >= half || waits_still
}

/// The watched threads and some others, each once.
fn to_read(
    watched: &HashSet<Tid>,
    all: impl Iterator<Item = Tid>,
    own: Option<Tid>,
) -> impl Iterator<Item = Tid> {
    // The own one runs while it reads, and holds nothing.
    let others = all.filter(move |tid| Some(*tid) != own && !watched.contains(tid));
    watched.iter().copied().chain(others.take(MOST_OTHERS))
}

fn threads_of_process() -> impl Iterator<Item = Tid> {
    let entries = std::fs::read_dir("/proc/self/task").into_iter().flatten();
    entries.filter_map(|entry| {
        let number = entry.ok()?.file_name().to_str()?.parse().ok()?;
        Tid::new(number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use stallscope_stack::kernel::SchedTimes;

    const HALF: Duration = Duration::from_millis(50);

    fn ready(on_cpu: u64, waiting: u64, switches: u64) -> ThreadState {
        let ms = Duration::from_millis;
        ThreadState {
            tid: Tid::new(7).expect("positive"),
            run_state: RunState::Running,
            position: Position::Running,
            wait_channel: None,
            times: Some(SchedTimes {
                on_cpu: ms(on_cpu),
                waiting_for_cpu: ms(waiting),
                switches,
            }),
            faults: None,
            descriptors: Vec::new(),
        }
    }

    #[test]
    fn each_thread_is_read_once_and_others_than_the_watched_up_to_a_number() {
        let tid = |number| Tid::new(number).expect("positive");
        let watched: HashSet<Tid> = [tid(1), tid(3), tid(900)].into();
        let mut read: Vec<_> = to_read(&watched, (1..200).map(tid), Some(tid(2))).collect();
        read.sort();
        let others = (4..200).map(tid).take(MOST_OTHERS);
        let expected: Vec<_> = [tid(1), tid(3)]
            .into_iter()
            .chain(others)
            .chain([tid(900)])
            .collect();
        assert_eq!(read, expected);
    }

    #[test]
    fn a_wait_for_a_processor_counts_when_it_is_over_and_while_it_goes_on() {
        let before = ready(10, 10, 5);
        assert!(is_starved(&before, &ready(20, 70, 6), HALF));
        assert!(is_starved(&before, &ready(10, 10, 5), HALF));
    }

    #[test]
    fn a_thread_that_runs_or_sleeps_is_not_starved() {
        let before = ready(10, 10, 5);
        assert!(!is_starved(&before, &ready(110, 10, 5), HALF));
        assert!(!is_starved(&before, &ready(12, 11, 9), HALF));
        let sleeps = ThreadState {
            run_state: RunState::Sleeping,
            ..ready(10, 10, 5)
        };
        assert!(!is_starved(&sleeps, &sleeps, HALF));
    }
}
