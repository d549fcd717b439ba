//! The watchdog: a thread of its own that looks at polls in progress and, at one that has lasted too
//! long, takes the evidence while it is still stuck.
//!
//! Invariant: it asks nothing of the application's runtime and waits for none of its threads. What it has seen goes to the agent, which has
//! the time to make sense of it.

mod evidence;
mod inbox;
mod stall;

use std::collections::HashMap;
use std::time::Duration;

use stallscope_stack::capture_within;
use stallscope_stack::kernel::Cause;

use self::evidence::Readings;
pub(crate) use self::evidence::{Evidence, Report};
pub(crate) use self::inbox::INBOX;
use self::stall::{Act, Poll, Stalls};
use crate::process;
use crate::recorder::{RECORDER, Rate, TaskId, ThreadRecord};
use crate::runtimes::RUNTIMES;

/// How long a running thread may take to show its stack. On a loaded machine it may have to wait for a processor first.
const PATIENCE: Duration = Duration::from_millis(50);

/// Starts the watchdog. If that fails, everything else works without it.
pub(crate) fn start(threshold: Duration) {
    let run = move || Watchdog::new(threshold).run();
    if let Err(error) = std::thread::Builder::new()
        .name("stallscope-watch".to_owned())
        .spawn(run)
    {
        process::warn(&format!(
            "no thread for the watchdog ({error}): long polls are not caught"
        ));
    }
}

struct Watchdog {
    threshold: Duration,
    stalls: Stalls,
    /// First readings of polls that are half-way to the threshold.
    readings: HashMap<u16, Readings>,
}

impl Watchdog {
    fn new(threshold: Duration) -> Self {
        let nanos = u64::try_from(threshold.as_nanos()).unwrap_or(u64::MAX);
        Watchdog {
            threshold,
            stalls: Stalls::new(nanos),
            readings: HashMap::new(),
        }
    }

    fn run(mut self) -> ! {
        loop {
            let rate = RECORDER.clock().rate();
            RECORDER.set_long_poll(rate.ticks(self.threshold));
            let now = nanos(RECORDER.clock().uptime());
            let polls: Vec<Poll> = RECORDER
                .threads()
                .iter()
                .filter_map(|thread| poll_of(thread, now, &rate))
                .collect();
            let (acts, due) = self.stalls.look(now, &polls);
            for act in acts {
                self.act(act, &rate);
            }
            let pause = due.saturating_sub(nanos(RECORDER.clock().uptime()));
            // At least a little: a look that is always late must not turn into a spin.
            std::thread::sleep(Duration::from_nanos(pause.max(200_000)));
        }
    }

    fn act(&mut self, act: Act, rate: &Rate) {
        match act {
            Act::Note(poll) => _ = self.readings.insert(poll.thread, Readings::take(poll.key)),
            Act::Capture { poll, length } => self.capture(poll, length),
            Act::Over {
                poll,
                length,
                forgiven,
            } => {
                self.readings.remove(&poll.thread);
                let exact = thread(poll.thread).and_then(|thread| {
                    let started = crate::recorder::Ticks(poll.key);
                    thread.long_polls.length_of(TaskId(poll.task), started)
                });
                let length =
                    exact.map_or(length, |ticks| rate.nanos(ticks).saturating_sub(forgiven));
                INBOX.put(Report::Over {
                    thread: poll.thread,
                    key: poll.key,
                    length,
                });
            }
            Act::Paused(length) => INBOX.put(Report::Paused { length }),
        }
    }

    fn capture(&mut self, poll: Poll, length: u64) {
        let Some(thread) = thread(poll.thread).filter(|thread| !thread.is_allowed()) else {
            return;
        };
        let before = self.readings.remove(&poll.thread);
        let after = Readings::take(poll.key);
        let (mut cause, mut starved) = (Cause::Unknown, false);
        let mut stack = Err("stacks of other threads are not available here".to_owned());
        let mut may_come = false;
        let mut again = None;
        if let Some(handle) = thread.handle() {
            if let Some(before) = before.filter(|readings| readings.key == poll.key) {
                cause = before.cause(&after, handle.tid(), self.threshold / 2);
                starved = before.others_starved(&after, thread.tid());
            }
            stack = capture_within(&handle, PATIENCE).map_err(|error| error.to_string());
            if cause == Cause::OnCpu && stack.is_ok() {
                again = capture_within(&handle, PATIENCE).ok();
            }
            // Without a stack there is no line. While the stall is young, the next look may get one.
            may_come = stack.is_err() && length < 4 * nanos(self.threshold);
        }
        let queued = queued_behind(thread);
        self.readings.insert(poll.thread, after);
        // The poll may have ended while all this was read: then it belongs to another one, or to none.
        let goes_on = thread
            .polling()
            .is_some_and(|now| now.task.0 == poll.task && now.since.0 == poll.key);
        if goes_on && !may_come {
            INBOX.put(Report::Stalled(Box::new(Evidence {
                thread: poll.thread,
                key: poll.key,
                tid: thread.tid(),
                worker: thread.worker().map(|(_, worker)| worker),
                task: TaskId(poll.task),
                length,
                cause,
                starved,
                queued,
                stack,
                again,
            })));
        }
    }
}

fn poll_of(thread: &ThreadRecord, now: u64, rate: &Rate) -> Option<Poll> {
    let polling = thread.polling()?;
    let since = now.saturating_sub(rate.nanos_since(polling.since));
    Some(Poll {
        thread: thread.number(),
        task: polling.task.0,
        key: polling.since.0,
        since,
    })
}

fn thread(number: u16) -> Option<&'static ThreadRecord> {
    RECORDER
        .threads()
        .iter()
        .find(|thread| thread.number() == number)
}

/// Tasks that are ready and wait: in the worker's own queue, as far as this build can see it, and in the runtime's.
fn queued_behind(thread: &ThreadRecord) -> u64 {
    let Some((index, worker)) = thread.worker() else {
        return 0;
    };
    let Some((_, watched)) = RUNTIMES.iter().find(|(runtime, _)| *runtime == index) else {
        return 0;
    };
    let Some(handle) = watched.handle() else {
        return 0;
    };
    let metrics = handle.metrics();
    #[cfg(tokio_unstable)]
    let own = if (worker as usize) < metrics.num_workers() {
        metrics.worker_local_queue_depth(worker as usize)
    } else {
        0
    };
    #[cfg(not(tokio_unstable))]
    let own = usize::from(worker == u32::MAX);
    (own + metrics.global_queue_depth()) as u64
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
