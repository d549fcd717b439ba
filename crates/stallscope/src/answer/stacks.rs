//! What does every worker and blocking thread do at this moment?

use std::time::Duration;

use stallscope_stack::capture_within;
use stallscope_stack::kernel::{Cause, RunState, ThreadState};
use stallscope_wire::message::{Stacks, ThreadStack};

use super::live::Live;
use crate::findings::Findings;
use crate::recorder::{RECORDER, ThreadRecord};

/// Threads that are shown. A listing of more is no use, and each running one costs time.
const MOST_THREADS: usize = 1024;
const PATIENCE: Duration = Duration::from_millis(20);

pub(super) fn stacks(live: &Live<'_>, findings: &mut Findings) -> Stacks {
    let threads = RECORDER
        .threads()
        .iter()
        .filter(|thread| thread.handle().is_some())
        .take(MOST_THREADS);
    Stacks {
        threads: threads
            .map(|thread| stack_of(thread, live, findings))
            .collect(),
    }
}

/// As the system shows it; empty if it does not.
pub(super) fn thread_name(tid: impl std::fmt::Display) -> String {
    let name = std::fs::read_to_string(format!("/proc/self/task/{tid}/comm"));
    name.unwrap_or_default().trim().to_owned()
}

fn stack_of(thread: &ThreadRecord, live: &Live<'_>, findings: &mut Findings) -> ThreadStack {
    let polling = thread.polling();
    let shown = ThreadStack {
        tid: thread.tid(),
        worker: thread.worker().map(|(_, worker)| worker),
        runtime: thread.worker().map_or(0, |(runtime, _)| runtime),
        task: polling.map(|poll| poll.task.0),
        polling_ns: polling.map_or(0, |poll| live.rate.nanos_since(poll.since)),
        ..ThreadStack::default()
    };
    let Some(handle) = thread.handle() else {
        return shown;
    };
    let state = ThreadState::read(handle.tid());
    let run_state = match state.run_state {
        RunState::Running => "running",
        RunState::Sleeping => "sleeping",
        RunState::Uninterruptible => "in the kernel",
        _ => "unknown",
    };
    let doing = match Cause::now(&state) {
        Cause::Unknown if state.run_state == RunState::Running => Cause::OnCpu,
        cause => cause,
    };
    let mut shown = ThreadStack {
        name: thread_name(handle.tid()),
        state: run_state.to_owned(),
        doing: doing.to_string(),
        ..shown
    };
    match capture_within(&handle, PATIENCE) {
        Ok(stack) => (shown.stack, shown.missing) = findings.frames(&stack),
        Err(error) => shown.missing = error.to_string(),
    }
    shown
}
