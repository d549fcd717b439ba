//! Is stallscope on in this process? The first entry point decides, once.

use std::io::Write;
use std::ops::RangeInclusive;
use std::sync::OnceLock;
use std::time::Duration;

use crate::agent;
use crate::config::{Complaint, Config, Listen};
use crate::dump;
use crate::recorder::RECORDER;
use crate::watch;

/// What was decided.
pub(crate) struct Started {
    pub(crate) config: Config,
    pub(crate) complaints: Vec<Complaint>,
}

static STARTED: OnceLock<Started> = OnceLock::new();

/// Whether it was decided when the application was built: then nothing is ever started, and the compiler leaves out what never runs.
const BUILT_OFF: bool = cfg!(stallscope_off);

/// Starts recorder and agent with the first call. Whether stallscope is on.
pub(crate) fn start() -> bool {
    if BUILT_OFF {
        return false;
    }
    STARTED
        .get_or_init(|| first_start(Config::of_process()))
        .config
        .enabled
}

/// As [`start`], from a test: a process of tests listens only where it was told to.
pub(crate) fn start_in_test() -> bool {
    if BUILT_OFF {
        return false;
    }
    let first = || {
        let (mut config, complaints) = Config::of_process();
        if config.listen == Listen::Default {
            config.listen = Listen::Nowhere;
        }
        watch::look_from(config.long_poll);
        first_start((config, complaints))
    };
    STARTED.get_or_init(first).config.enabled
}

/// Whether it was decided that stallscope is off.
#[cfg(feature = "tracing-subscriber")]
pub(crate) fn is_off() -> bool {
    BUILT_OFF || STARTED.get().is_some_and(|started| !started.config.enabled)
}

/// Whether an entry point has started stallscope. Starts nothing.
#[inline]
pub(crate) fn is_on() -> bool {
    !BUILT_OFF && STARTED.get().is_some_and(|started| started.config.enabled)
}

/// From how long on a poll is a finding.
pub(crate) fn long_poll() -> Duration {
    STARTED
        .get()
        .map_or(Duration::MAX, |started| started.config.long_poll)
}

/// With which seeds tests that are perturbed are to be, whatever they say themselves.
pub(crate) fn seeds() -> Option<RangeInclusive<u64>> {
    STARTED.get()?.config.perturb.clone()
}

/// Whether clients may change what the application does.
pub(crate) fn allows_control() -> bool {
    STARTED
        .get()
        .is_some_and(|started| started.config.enabled && started.config.control)
}

/// Whether bytes that are registered are watched.
pub(crate) fn watches_memory() -> bool {
    STARTED
        .get()
        .is_some_and(|started| started.config.enabled && started.config.memory_watch)
}

/// How long a closure of a blocking pool may run.
pub(crate) fn stuck_blocking() -> Duration {
    STARTED
        .get()
        .map_or(Duration::MAX, |started| started.config.stuck_blocking)
}

/// The process leaves `main` in an orderly way: clients need not find its socket any more. Costs
/// one system call.
pub(crate) fn take_leave() {
    if let Some(started) = STARTED.get()
        && started.config.enabled
    {
        agent::take_leave();
    }
}

/// Prints one line where the person who starts the program looks. Never fails: a closed stderr is
/// no reason to.
pub(crate) fn warn(what: &str) {
    // In one piece: another thread may write, or the process end, between two.
    let _ = std::io::stderr().write_all(format!("stallscope: {what}\n").as_bytes());
}

fn first_start((config, mut complaints): (Config, Vec<Complaint>)) -> Started {
    if let Some(signal) = config.dump_signal.filter(|_| config.enabled)
        && let Err(why) = dump::listen_for(signal)
    {
        complaints.push(Complaint(format!("STALLSCOPE_DUMP_SIGNAL: {why}")));
    }
    if !complaints.is_empty() {
        let all: Vec<&str> = complaints
            .iter()
            .map(|complaint| complaint.0.as_str())
            .collect();
        warn(&all.join("; "));
    }
    let started = Started { config, complaints };
    if started.config.enabled {
        RECORDER.start();
        agent::start(&started);
        watch::start(started.config.long_poll);
    }
    started
}
