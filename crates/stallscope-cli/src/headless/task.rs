//! A task in an answer: the JSON object scripts rely on, and the words people read.

use std::collections::HashMap;

use serde::Serialize;
use stallscope_wire::message::{Site, Task, TaskKind, TaskState};
use stallscope_wire::text::{place, source_path};

use crate::format::{UNKNOWN, duration, duration_or_none, milliseconds, printable};
use crate::task::has_times;

/// Spawn places by the number tasks refer to them with.
#[derive(Debug, Default)]
pub(super) struct Places(HashMap<u32, Place>);

#[derive(Debug)]
struct Place {
    site: Site,
    text: String,
}

impl Places {
    pub(super) fn add(&mut self, sites: Vec<Site>) {
        for site in sites {
            self.0.entry(site.id).or_insert_with(|| Place {
                text: place(&site),
                site,
            });
        }
    }

    /// Takes over those of another answer; an id means the same place in both.
    pub(super) fn extend(&mut self, others: Places) {
        self.0.extend(others.0);
    }

    /// `file:line:column` of the line that spawned it.
    pub(super) fn of(&self, task: &Task) -> Option<&str> {
        self.0.get(&task.site).map(|place| place.text.as_str())
    }

    /// The same, to be compared.
    pub(super) fn position(&self, task: &Task) -> Option<(&str, u32, u32)> {
        let site = &self.0.get(&task.site)?.site;
        Some((&site.file, site.line, site.column))
    }
}

impl From<Vec<Site>> for Places {
    fn from(sites: Vec<Site>) -> Self {
        let mut places = Places::default();
        places.add(sites);
        places
    }
}

/// A task as `ps --json`, `tree --json` and `where --json` give it. `null` is "unknown", not "zero".
#[derive(Debug, Serialize)]
pub(super) struct TaskJson<'a> {
    id: u64,
    parent: Option<u64>,
    parent_ended: bool,
    name: Option<&'a str>,
    kind: Option<&'static str>,
    state: Option<&'static str>,
    spawned_at: Option<&'a str>,
    age_ms: Option<f64>,
    idle_ms: Option<f64>,
    /// How long the poll in progress has lasted; 0 unless running.
    polling_ms: Option<f64>,
    polls: Option<u64>,
    busy_ms: Option<f64>,
    longest_poll_ms: Option<f64>,
    worker: Option<u32>,
    runtime: u32,
}

impl<'a> TaskJson<'a> {
    pub(super) fn new(task: &'a Task, places: &'a Places) -> Self {
        let time = |ns| has_times(task).then(|| milliseconds(ns));
        TaskJson {
            id: task.id,
            parent: task.parent,
            parent_ended: task.parent_ended,
            name: Some(task.name.as_str()).filter(|name| !name.is_empty()),
            kind: known_kind(task),
            state: known_state(task),
            spawned_at: places.of(task),
            age_ms: time(task.age_ns),
            idle_ms: time(task.idle_ns),
            polling_ms: time(task.polling_ns),
            polls: has_times(task).then_some(task.polls),
            busy_ms: time(task.busy_ns),
            longest_poll_ms: time(task.longest_poll_ns),
            worker: task.worker,
            runtime: task.runtime,
        }
    }
}

fn known_kind(task: &Task) -> Option<&'static str> {
    let kind = task.kind();
    (kind != TaskKind::Unknown).then(|| kind.as_str())
}

fn known_state(task: &Task) -> Option<&'static str> {
    let state = task.state();
    (state != TaskState::Unknown).then(|| state.as_str())
}

pub(super) fn kind(task: &Task) -> &'static str {
    known_kind(task).unwrap_or(UNKNOWN)
}

/// `idle`, `running 12ms`.
pub(super) fn state(task: &Task) -> String {
    let state = known_state(task).unwrap_or(UNKNOWN);
    if task.polling_ns == 0 {
        state.to_owned()
    } else {
        format!("{state} {}", duration(task.polling_ns))
    }
}

/// A time of the task, `-` for none so far and `?` where it is not known.
pub(super) fn time(task: &Task, ns: u64) -> String {
    if has_times(task) {
        duration_or_none(ns)
    } else {
        UNKNOWN.to_owned()
    }
}

pub(super) fn polls(task: &Task) -> String {
    if has_times(task) {
        task.polls.to_string()
    } else {
        UNKNOWN.to_owned()
    }
}

pub(super) fn worker(task: &Task) -> String {
    task.worker
        .map_or_else(|| "-".to_owned(), |worker| worker.to_string())
}

/// Where it was spawned.
pub(super) fn spawned_at(task: &Task, places: &Places) -> String {
    places
        .of(task)
        .map_or(UNKNOWN.to_owned(), |place| printable(source_path(place)))
}

#[cfg(test)]
mod tests {
    use stallscope_wire::message::{Site, Task};

    use super::{Places, spawned_at};

    #[test]
    fn a_place_in_a_registry_crate_begins_with_the_crate() {
        let site = Site {
            id: 7,
            file:
                "/home/me/.cargo/registry/src/a-registry-1949cf8c/hyper-util-0.1.17/src/rt/tokio.rs"
                    .into(),
            line: 33,
            column: 9,
        };
        let task = Task {
            site: 7,
            ..Task::default()
        };
        assert_eq!(
            spawned_at(&task, &Places::from(vec![site])),
            "hyper-util-0.1.17/src/rt/tokio.rs:33:9"
        );
    }
}
