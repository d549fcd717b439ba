//! Does a test fail for what its tasks and threads did to state they share, and in which words?

use std::fmt::Write;

use crate::sync::trial::Trial;
use crate::sync::{Conflict, Party};

/// Places that are told one by one.
pub(super) const MOST_PLACES: usize = 5;

/// Why the test fails; none if it does not.
pub(super) fn complaint(trial: &Trial) -> Option<String> {
    let conflicts = trial.conflicts();
    (!conflicts.is_empty()).then(|| tell(&conflicts))
}

fn tell(conflicts: &[Conflict]) -> String {
    let mut told = "state was used by several without an order they agree on".to_owned();
    for conflict in conflicts.iter().take(MOST_PLACES) {
        let _ = write!(
            told,
            "\n\n{}\n  {}",
            conflict.sentence(),
            whose(conflict.at.party)
        );
        if let Some(other) = conflict.other {
            let _ = write!(told, ", after {}", whose(other.party));
        }
        if conflict.times > 1 {
            let _ = write!(told, "; {} times", conflict.times);
        }
        let _ = write!(
            told,
            "\n  what it means and what to do: {}",
            conflict.rule.help()
        );
    }
    if let more @ 1.. = conflicts.len().saturating_sub(MOST_PLACES) {
        let _ = write!(told, "\n\n{more} more places");
    }
    told
}

pub(super) fn whose(party: Party) -> String {
    match party {
        Party::Task(id) if id.root_index().is_some() => "the body of the test".to_owned(),
        Party::Task(id) => format!("task {}", id.0),
        Party::Thread(id) => format!("thread {id}"),
    }
}
