//! What came of aborting a task, in words; for `stallscope cancel` and the terminal view.

use std::time::Duration;

use stallscope_wire::message::{Cancellation, EndedTask, Outcome, Task, TaskKind};

use crate::format::{duration, printable};

/// Goes on after the task: `was aborted and is gone (12ms)`. `waited` is the time since the abort was asked for.
pub(crate) fn sentence(told: &Cancellation, waited: Duration) -> String {
    let waited = duration(u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX));
    if told.alive {
        let why = why_alive(told.task.as_ref());
        return format!("is still alive {waited} after it was aborted: {why}");
    }
    let outcome = told.ended.as_ref().map(EndedTask::outcome);
    match outcome.unwrap_or_default() {
        Outcome::Aborted => format!("was aborted and is gone ({waited})"),
        Outcome::Finished => "finished by itself before the abort reached it".to_owned(),
        Outcome::Panicked => match told.ended.as_ref().and_then(|ended| ended.panic.as_ref()) {
            Some(message) => format!("ended with a panic: {}", printable(message)),
            None => "ended with a panic".to_owned(),
        },
        Outcome::Unknown => format!("is gone ({waited})"),
    }
}

fn why_alive(task: Option<&Task>) -> String {
    match task {
        Some(task) if task.kind() == TaskKind::Blocking => {
            "a blocking closure that runs cannot be aborted".to_owned()
        }
        Some(task) if task.polling_ns > 0 => format!(
            "a poll of it has lasted {}, and it is dropped when that ends",
            duration(task.polling_ns)
        ),
        Some(_) => "no worker has come round to dropping it; see `stallscope stacks`".to_owned(),
        None => "what it does is not seen here; see `stallscope stacks`".to_owned(),
    }
}
