//! A task that does not come back from a poll at all: besides the line that holds it, its spawn place leaks.
//!
//! Made of long polls that were found anyway, so that what is intended (`block_in_place`, `allow_blocking`) or no line's fault is not
//! told here either.

use stallscope_wire::message::{Certainty, FindingTask, TaskKind};

use super::finding::{Occurrence, Place};
use super::rules::Rule;
use super::store::{Episode, Stall};
use super::{Findings, nanos, unix_now};
use crate::process;

impl Findings {
    /// A poll of this task was seen to go on.
    pub(super) fn goes_on(&mut self, poll: Stall, length: u64, task: Option<&FindingTask>) {
        let limit = nanos(process::stuck_blocking());
        if let Some(occurrence) = unyielding(poll, length, task, limit) {
            self.found(occurrence);
        }
    }

    pub(super) fn came_back(&mut self, poll: Stall, length: u64) {
        self.store
            .over(Episode::Unyielding(poll), length, unix_now());
    }
}

fn unyielding(
    poll: Stall,
    length: u64,
    task: Option<&FindingTask>,
    limit: u64,
) -> Option<Occurrence> {
    // A root future that runs on is what `main` does.
    let task = task.filter(|task| length >= limit && task.kind() == TaskKind::Task)?;
    let site = task.spawned_at.as_ref()?;
    let place = Place::line(&site.file, site.line, site.column);
    Some(Occurrence {
        task: Some(task.clone()),
        certainty: Certainty::Likely,
        length,
        ..Occurrence::of(Episode::Unyielding(poll), Rule::NeverYields, place)
    })
}

#[cfg(test)]
mod tests {
    use stallscope_wire::message::Site;

    use super::*;

    const POLL: Stall = Stall { thread: 1, key: 7 };

    fn task(kind: TaskKind) -> FindingTask {
        FindingTask {
            id: 88,
            kind: kind.into(),
            spawned_at: Some(Site {
                id: 1,
                file: "src/main.rs".to_owned(),
                line: 63,
                column: 9,
            }),
            ..FindingTask::default()
        }
    }

    #[test]
    fn a_task_is_told_at_its_spawn_place_once_the_limit_has_passed() {
        let task = task(TaskKind::Task);
        assert!(unyielding(POLL, 4_999, Some(&task), 5_000).is_none());
        let told = unyielding(POLL, 5_000, Some(&task), 5_000).expect("the limit");
        assert_eq!(told.rule, Rule::NeverYields);
        assert!(matches!(told.place, Place::Line { line: 63, .. }));
    }

    #[test]
    fn a_root_future_and_an_unknown_task_are_not() {
        let root = task(TaskKind::Root);
        assert!(unyielding(POLL, 5_000, Some(&root), 5_000).is_none());
        assert!(unyielding(POLL, 5_000, None, 5_000).is_none());
    }
}
