//! What is a task called, and what of it is known?

use stallscope_wire::message::{Task, TaskKind};

use crate::format::printable;

/// `root future 0`, `task 88 "db-pool"`.
pub(crate) fn title(kind: TaskKind, id: u64, name: &str) -> String {
    let kind = match kind {
        TaskKind::Root => "root future",
        TaskKind::Task => "task",
        TaskKind::Blocking => "blocking task",
        TaskKind::Local => "local task",
        TaskKind::Unknown => "task of a kind unknown to this client",
    };
    if name.is_empty() {
        format!("{kind} {id}")
    } else {
        format!("{kind} {id} \"{}\"", printable(name))
    }
}

/// A blocking task was never announced: it is known only because it spawned another one.
pub(crate) fn has_times(task: &Task) -> bool {
    task.kind() != TaskKind::Blocking
}
