//! Is stallscope on in this process? The first entry point decides, once.

use std::io::Write;
use std::sync::OnceLock;
use std::time::Duration;

use crate::agent;
use crate::config::{Complaint, Config};
use crate::recorder::RECORDER;
use crate::watch;

/// What was decided.
pub(crate) struct Started {
    pub(crate) config: Config,
    pub(crate) complaints: Vec<Complaint>,
}

static STARTED: OnceLock<Started> = OnceLock::new();

/// Starts recorder and agent with the first call. Whether stallscope is on.
pub(crate) fn start() -> bool {
    STARTED.get_or_init(first_start).config.enabled
}

/// From how long on a poll is a finding.
pub(crate) fn long_poll() -> Duration {
    STARTED
        .get()
        .map_or(Duration::MAX, |started| started.config.long_poll)
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

fn first_start() -> Started {
    let (config, complaints) = Config::of_process();
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
