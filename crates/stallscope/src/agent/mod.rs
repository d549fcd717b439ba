//! The agent: one thread of our own that waits for clients, answers them, and tidies up.
//!
//! Invariant: nothing here runs on the application's runtime or waits for it. All it sends there are the tasks by which workers tell which
//! threads they are, when a runtime without hooks has just started ([`crate::entry::scout`]), and wakes of tasks that a client aborts or asks. Only
//! for an answer of the latter it waits, a quarter of a second at most ([`crate::entry::async_stack`]).

mod endpoint;
mod serve;
mod session;

use std::sync::{Mutex, PoisonError};

use self::endpoint::Endpoint;
pub(crate) use self::session::Answer;
use crate::answer::Answers;
use crate::leaks::Thresholds;
use crate::process::{self, Started};

/// What went wrong or is worth knowing about the agent itself, for `doctor`.
static STATUS: Mutex<Status> = Mutex::new(Status {
    listening: None,
    problem: None,
});

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    /// Where clients connect.
    pub(crate) listening: Option<String>,
    /// Why they cannot.
    pub(crate) problem: Option<String>,
}

/// Starts the agent thread. Whatever fails becomes one line on stderr and an entry of `doctor`.
pub(crate) fn start(started: &Started) {
    // Here and not on the agent's thread: when the application runs, its socket exists, and what is
    // wrong has been said.
    let endpoint = Endpoint::open(&started.config.listen).unwrap_or_else(|problem| {
        report(&problem);
        None
    });
    status().listening = endpoint.as_ref().map(Endpoint::to_string);
    let token = started.config.token.clone();
    let complaints = started.complaints.clone();
    let long_poll = started.config.long_poll;
    let thresholds = Thresholds::of(&started.config);
    let control = started.config.control;
    let run = move || {
        if let Some(endpoint) = &endpoint {
            endpoint.sweep_neighbours();
        }
        serve::run(
            endpoint.as_ref(),
            token.as_deref(),
            Answers::new(complaints, long_poll, thresholds, control),
        );
    };
    // A signal that the application handles must not be taken by this thread; std's threads inherit
    // the mask of their parent, so there is nothing to do: a process-directed signal may land here,
    // as it may on any thread of tokio's.
    if let Err(error) = std::thread::Builder::new()
        .name("stallscope".to_owned())
        .spawn(run)
    {
        report(&format!(
            "no thread for the agent ({error}): recording goes on, but no client can connect"
        ));
    }
}

/// Removes the socket's file, so that no client tries to connect to a process that is about to end.
pub(crate) fn take_leave() {
    endpoint::remove_file();
}

pub(crate) fn current_status() -> Status {
    status().clone()
}

fn report(problem: &str) {
    status().problem = Some(problem.to_owned());
    process::warn(problem);
}

fn status() -> std::sync::MutexGuard<'static, Status> {
    STATUS.lock().unwrap_or_else(PoisonError::into_inner)
}
