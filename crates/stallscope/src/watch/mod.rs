//! The watchdog: a thread of its own that looks at polls in progress and, at one that has lasted too
//! long, takes the evidence while it is still stuck.
//!
//! Invariant: it asks nothing of the application's runtime and waits for none of its threads. What it has seen goes to the agent, which has
//! the time to make sense of it.

mod aging;
mod blocking;
mod evidence;
mod gauges;
mod inbox;
pub(crate) mod pauses;
mod returns;
mod runtime;
mod stall;
mod workers;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use stallscope_stack::kernel::{Cause, ThreadState};
use stallscope_stack::{CaptureError, Method, RawStack, capture_within};

pub(crate) use self::blocking::{Elderly, Pools, Whereabouts};
use self::evidence::Readings;
pub(crate) use self::evidence::{Evidence, Report, Troubled};
use self::gauges::Signs;
pub(crate) use self::gauges::Trouble;
pub(crate) use self::inbox::INBOX;
pub(crate) use self::returns::POLL_RETURNS;
use self::stall::{Act, Poll, Stalls};
use self::workers::{Standing, Workers};
use crate::process;
use crate::recorder::{RECORDER, Rate, ThreadRecord, Ticks};
#[cfg(tokio_unstable)]
use crate::runtimes::RUNTIMES;
use crate::spans::Witness;

/// How long a running thread may take to show its stack. On a loaded machine it may have to wait for a processor first.
const PATIENCE: Duration = Duration::from_millis(50);
/// How long it may take for a stalled thread that is known to run: one that computes inside the kernel answers when its system call is over, and
/// reading a large file that is in memory is one call. Other stalls wait meanwhile; how long they were is known all the same.
const LONG_PATIENCE: Duration = Duration::from_secs(1);

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

/// Has polls looked at from this age on, if they were looked at only later so far.
pub(crate) fn look_from(age: Duration) {
    LOOK_FROM.fetch_min(nanos(age.max(Duration::from_millis(1))), Ordering::Relaxed);
}

/// The least that [`look_from`] was told, nanoseconds.
static LOOK_FROM: AtomicU64 = AtomicU64::new(u64::MAX);

/// Whether there are tests, which ask more of the watchdog than applications do.
fn tests_ask() -> bool {
    LOOK_FROM.load(Ordering::Relaxed) != u64::MAX
}

struct Watchdog {
    threshold: Duration,
    stalls: Stalls,
    workers: Workers,
    signs: Signs,
    /// First readings of polls that are half-way to the threshold.
    readings: HashMap<u16, Readings>,
}

impl Watchdog {
    fn new(threshold: Duration) -> Self {
        let nanos = u64::try_from(threshold.as_nanos()).unwrap_or(u64::MAX);
        Watchdog {
            threshold,
            stalls: Stalls::new(nanos),
            workers: Workers::new(nanos),
            signs: Signs::new(nanos),
            readings: HashMap::new(),
        }
    }

    fn run(mut self) -> ! {
        loop {
            let wanted = Duration::from_nanos(LOOK_FROM.load(Ordering::Relaxed));
            if wanted < self.threshold {
                self = Watchdog::new(wanted);
            }
            let rate = RECORDER.clock().rate();
            RECORDER.set_long_poll(rate.ticks(self.threshold));
            let now = nanos(RECORDER.clock().uptime());
            let (suspected, busy) = self.workers.look(now);
            let told = RECORDER
                .threads()
                .iter()
                .filter_map(|thread| poll_of(thread, now, &rate));
            let polls: Vec<Poll> = told.chain(suspected).collect();
            let (acts, due) = self.stalls.look(now, &polls, busy);
            for act in acts {
                self.act(act, &rate);
            }
            self.look_at_runtimes(now);
            self.stalls.worked_until(nanos(RECORDER.clock().uptime()));
            let pause = due.saturating_sub(nanos(RECORDER.clock().uptime()));
            // At least a little: a look that is always late must not turn into a spin.
            let pause = Duration::from_nanos(pause.max(200_000));
            if tests_ask() {
                // Not for long: a test that begins may want polls looked at earlier.
                pauses::sleep(pause.min(Duration::from_millis(20)));
            } else {
                std::thread::sleep(pause);
            }
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
                let exact = poll
                    .task
                    .zip(thread(poll.thread))
                    .and_then(|(task, thread)| thread.long_polls.length_of(task, Ticks(poll.key)));
                let length =
                    exact.map_or(length, |ticks| rate.nanos(ticks).saturating_sub(forgiven));
                INBOX.put(Report::Over {
                    thread: poll.thread,
                    key: poll.key,
                    length,
                });
            }
            Act::Paused(length) => {
                self.signs.forgive(length);
                INBOX.put(Report::Paused { length });
            }
        }
    }

    #[cfg(tokio_unstable)]
    fn look_at_runtimes(&mut self, now: u64) {
        for (runtime, watched) in RUNTIMES.iter().filter(|(_, watched)| watched.is_hooked()) {
            let Some(handle) = watched.handle() else {
                continue;
            };
            let gauges = runtime::gauges(runtime, &handle);
            for sign in self.signs.look(now, runtime, &gauges) {
                let stacks = if sign.is_over {
                    Some(Vec::new())
                } else {
                    runtime::stacks(&sign)
                };
                if let Some(stacks) = stacks {
                    INBOX.put(Report::Troubled(Box::new(Troubled {
                        sign,
                        threads: gauges.pool_threads,
                        stacks,
                    })));
                }
            }
        }
    }

    /// Stable tokio does not tell what there is to look at.
    #[cfg(not(tokio_unstable))]
    #[allow(clippy::unused_self)] // it is the other one that needs it
    fn look_at_runtimes(&mut self, _now: u64) {}

    fn capture(&mut self, poll: Poll, length: u64) {
        let Some(thread) = thread(poll.thread).filter(|thread| !thread.is_allowed()) else {
            return;
        };
        let before = self.readings.remove(&poll.thread);
        let witness = poll
            .task
            .map(|task| Witness::of(thread, task, Ticks(poll.key)));
        let after = Readings::take(poll.key);
        let handle = thread.handle();
        let mut earlier = None;
        if poll.task.is_none() {
            let now = nanos(RECORDER.clock().uptime());
            let later = handle.as_ref().and_then(|handle| after.of(handle.tid()));
            match self.workers.standing(&poll, later, now) {
                Standing::Proven => {}
                Standing::Likely(first) => earlier = Some(first),
                Standing::Unknown => return,
            }
        }
        let (mut cause, mut starved) = (Cause::Unknown, false);
        let mut stack = Err("stacks of other threads are not available here".to_owned());
        let mut may_come = false;
        let mut again = None;
        let mut answered = None;
        if let Some(handle) = handle {
            if let Some(before) = before.filter(|readings| readings.key == poll.key) {
                cause = before.cause(&after, handle.tid(), self.threshold / 4);
                starved = before.others_starved(&after, thread.tid());
            }
            // A thread that computes inside the kernel answers when its system call is over, and that is the moment to hear it: what it
            // does next is another matter.
            let in_time = Instant::now();
            let patience = match cause {
                Cause::OnCpu | Cause::WaitingForCpu => LONG_PATIENCE,
                _ => PATIENCE,
            };
            let captured = capture_within(&handle, patience);
            if cause == Cause::OnCpu && captured.is_ok() && in_time.elapsed() < PATIENCE {
                again = capture_within(&handle, PATIENCE).ok();
            }
            // Without a stack there is no line. While the stall is young, the next look may get one; a thread that computes inside
            // the kernel answers when its system call is over.
            let young = if cause == Cause::OnCpu { 50 } else { 4 };
            may_come = captured.as_ref().is_err_and(CaptureError::may_pass)
                && length < young * nanos(self.threshold);
            // Readings of a thread that was just about to change say nothing; two others will.
            may_come |= cause == Cause::Unknown
                && length < 4 * nanos(self.threshold)
                && ThreadState::unreadable().is_none();
            answered = captured.as_ref().ok().and_then(answered_at);
            stack = captured.map_err(|error| error.to_string());
        }
        let span = witness.and_then(Witness::span);
        let queued = runtime::queued_behind(thread);
        self.readings.insert(poll.thread, after);
        let was_in_it = || answered.is_some_and(|at| was_in(&poll, thread, at));
        if (self.goes_on(&poll, thread) || was_in_it()) && !may_come {
            INBOX.put(Report::Stalled(Box::new(Evidence {
                thread: poll.thread,
                key: poll.key,
                tid: thread.tid(),
                worker: thread.worker().map(|(_, worker)| worker),
                runtime: thread.worker().map(|(runtime, _)| runtime),
                task: poll.task,
                length,
                cause,
                starved,
                queued,
                span,
                stack,
                again,
                earlier,
            })));
        }
    }

    /// The poll may have ended while all this was read: then it belongs to another one, or to none.
    fn goes_on(&self, poll: &Poll, thread: &ThreadRecord) -> bool {
        match poll.task {
            Some(task) => thread
                .polling()
                .is_some_and(|now| now.task == task && now.since.0 == poll.key),
            None => self.workers.goes_on(poll),
        }
    }
}

/// When an interrupted thread has given its stack, nanoseconds since the start of recording.
fn answered_at(stack: &RawStack) -> Option<u64> {
    match stack.method {
        Method::Interrupted { at, .. } => Some(nanos(
            RECORDER.clock().uptime().saturating_sub(at.elapsed()),
        )),
        Method::Untouched => None,
    }
}

/// Whether a poll that is over by now was still going on at a moment.
fn was_in(poll: &Poll, thread: &ThreadRecord, at: u64) -> bool {
    let lasted = poll
        .task
        .and_then(|task| thread.long_polls.length_of(task, Ticks(poll.key)));
    lasted.is_some_and(|lasted| at < poll.since + RECORDER.clock().rate().nanos(lasted))
}

fn poll_of(thread: &ThreadRecord, now: u64, rate: &Rate) -> Option<Poll> {
    let polling = thread.polling()?;
    let since = now.saturating_sub(rate.nanos_since(polling.since));
    Some(Poll {
        thread: thread.number(),
        task: Some(polling.task),
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

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
