//! The watchdog: a thread of its own that looks at polls in progress and, at one that has lasted too
//! long, takes the evidence while it is still stuck.
//!
//! Invariant: it asks nothing of the application's runtime and waits for none of its threads. What it has seen goes to the agent, which has
//! the time to make sense of it.

mod aging;
mod blocking;
mod capture;
mod evidence;
mod gauges;
mod inbox;
pub(crate) mod pauses;
mod proof;
mod returns;
mod runtime;
mod stall;
mod whereabouts;
mod workers;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub(crate) use self::blocking::{Elderly, Pools};
use self::evidence::Readings;
pub(crate) use self::evidence::{Evidence, Report, Troubled};
use self::gauges::Signs;
pub(crate) use self::gauges::Trouble;
pub(crate) use self::inbox::INBOX;
pub(crate) use self::returns::POLL_RETURNS;
use self::stall::{Act, Poll, Stalls};
pub(crate) use self::whereabouts::Whereabouts;
use self::workers::Workers;
use crate::process;
use crate::recorder::{RECORDER, Rate, ThreadRecord, Ticks};
use crate::runtimes::{RUNTIMES, RuntimeIndex, Watched};

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
            let runtimes: Vec<_> = RUNTIMES.iter().collect();
            let (suspected, busy) = self.workers.look(now, &runtimes);
            let told = RECORDER
                .threads()
                .iter()
                .filter_map(|thread| poll_of(thread, now, &rate));
            let polls: Vec<Poll> = told.chain(suspected).collect();
            let (acts, due) = self.stalls.look(now, &polls, busy);
            for act in acts {
                self.act(act, &rate);
            }
            self.look_at_runtimes(now, &runtimes);
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
    fn look_at_runtimes(&mut self, now: u64, runtimes: &[(RuntimeIndex, Arc<Watched>)]) {
        let is_listed = |runtime| runtimes.iter().any(|(listed, _)| *listed == runtime);
        self.signs.keep_only(is_listed);
        let hooked = runtimes.iter().filter(|(_, watched)| watched.is_hooked());
        for (runtime, watched) in hooked {
            let runtime = *runtime;
            let Some(handle) = watched.handle() else {
                continue;
            };
            let gauges = runtime::gauges(runtime, &handle);
            for sign in self.signs.look(now, runtime, &gauges) {
                let stacks = if sign.is_over {
                    Some(Vec::new())
                } else {
                    runtime::stacks(&sign, gauges.pool_threads)
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
    fn look_at_runtimes(&mut self, _: u64, _: &[(RuntimeIndex, Arc<Watched>)]) {}
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
