//! Which tasks have ended, how, and when?

use stallscope_wire::message::{
    self, EndedQuery, EndedWindow, Outcome as WireOutcome, Task, TaskKind, TaskState,
};

use super::live::Live;
use super::source::{Source, places};
use crate::ended::{Counts, EndedTask, Outcome};
use crate::recorder::{RECORDER, Rate};

/// A window over the latest of these tasks.
pub(super) fn window(
    query: EndedQuery,
    mut latest: Vec<EndedTask>,
    counts: Counts,
    live: &Live<'_>,
) -> EndedWindow {
    if query.limit > 0 {
        latest.truncate(query.limit as usize);
    }
    let site = |task: &EndedTask| RECORDER.site_of(task.place).0;
    EndedWindow {
        tasks: latest
            .iter()
            .map(|task| ended(task, site(task), &live.rate, live))
            .collect(),
        sites: places(latest.iter().map(site), live),
        finished: counts.finished,
        panicked: counts.panicked,
        aborted: counts.aborted,
    }
}

/// A task that has ended, as it goes over the wire.
pub(super) fn ended(
    task: &EndedTask,
    site: u32,
    rate: &Rate,
    source: &dyn Source,
) -> message::EndedTask {
    let parent = task.last.parent.map(|parent| parent.0);
    let (outcome, panic) = match &task.outcome {
        Outcome::Finished => (WireOutcome::Finished, None),
        Outcome::Panicked(message) => (WireOutcome::Panicked, message.as_deref()),
        Outcome::Aborted => (WireOutcome::Aborted, None),
    };
    message::EndedTask {
        task: Some(Task {
            id: task.id.0,
            parent,
            parent_ended: parent.is_some_and(|parent| !source.is_live(parent)),
            name: task.name.as_deref().unwrap_or_default().to_owned(),
            kind: TaskKind::Task.into(),
            state: TaskState::Ended.into(),
            site,
            age_ns: rate.nanos(task.last.at.since(task.last.spawned)),
            idle_ns: 0,
            polls: task.last.totals.polls,
            busy_ns: rate.nanos(task.last.totals.busy),
            longest_poll_ns: rate.nanos(task.last.totals.longest),
            worker: task.last.worker,
            runtime: task.last.runtime,
            polling_ns: 0,
        }),
        outcome: outcome.into(),
        panic: panic.map(str::to_owned),
        ago_ns: rate.nanos_since(task.last.at),
    }
}
