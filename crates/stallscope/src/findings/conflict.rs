//! State that several touched without agreeing on an order, as a finding with the lines of both sides.

use stallscope_wire::message::{FindingTask, Location, Party};

use super::finding::{Occurrence, Place};
use super::rules::Rule;
use super::store::Episode;
use super::{Findings, Tasks, unix_now};
use crate::sync::{self, Conflict, Side};

impl Findings {
    /// Something happened between two sides, and is over.
    pub(crate) fn conflict(&mut self, conflict: &Conflict, tasks: &dyn Tasks) {
        self.conflicts += 1;
        let episode = Episode::Event(self.conflicts);
        let (place, at) = (place_of(&conflict.at), &conflict.at);
        let others = conflict.other.iter();
        self.found(Occurrence {
            detail: conflict.what.to_owned(),
            times: conflict.times,
            tid: at.tid,
            task: task_of(at, tasks),
            parties: others.map(|other| party(other, tasks)).collect(),
            ..Occurrence::of(episode, conflict.rule, place)
        });
        self.store.over(episode, 0, unix_now());
    }
}

impl Conflict {
    /// As a finding would tell it.
    pub(crate) fn sentence(&self) -> String {
        let others: Vec<Party> = self
            .other
            .iter()
            .map(|other| Party {
                location: Some(location_of(other)),
                ..Party::default()
            })
            .collect();
        sentence(self.rule, self.what, &place_of(&self.at), &others)
    }
}

/// One side as it is told.
pub(super) fn party(side: &Side, tasks: &dyn Tasks) -> Party {
    Party {
        location: Some(location_of(side)),
        task: task_of(side, tasks),
        tid: side.tid,
        ..Party::default()
    }
}

/// None for a thread outside of any task.
pub(super) fn task_of(side: &Side, tasks: &dyn Tasks) -> Option<FindingTask> {
    match side.party {
        sync::Party::Task(task) => Some(tasks.describe(task.0)),
        sync::Party::Thread(_) => None,
    }
}

pub(super) fn location_of(side: &Side) -> Location {
    Location {
        function: String::new(),
        file: side.place.file.to_owned(),
        line: side.place.line,
        column: side.place.column,
    }
}

pub(super) fn place_of(side: &Side) -> Place {
    Place::line(side.place.file, side.place.line, side.place.column)
}

/// "`hits`: src/hits.rs:7 wrote a value made from …"
pub(super) fn sentence(rule: Rule, what: &str, place: &Place, parties: &[Party]) -> String {
    let at = place.text();
    let lines: Vec<String> = parties
        .iter()
        .filter_map(|party| party.location.as_ref())
        .map(|location| format!("{}:{}", location.file, location.line))
        .collect();
    let other = match lines.as_slice() {
        [] => "an unknown line".to_owned(),
        lines => lines.join(" and "),
    };
    let told = rule
        .about()
        .did
        .replace("{at}", &at)
        .replace("{other}", &other);
    if what.is_empty() {
        told
    } else {
        format!("`{what}`: {told}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_lines_are_in_the_sentence() {
        let place = Place::line("src/hits.rs", 7, 5);
        let other = Party {
            location: Some(Location {
                file: "src/report.rs".to_owned(),
                line: 30,
                ..Location::default()
            }),
            ..Party::default()
        };
        let told = sentence(Rule::LostUpdate, "hits", &place, &[other]);
        assert_eq!(
            told,
            "`hits`: src/hits.rs:7 wrote a value made from an older one than what src/report.rs:30 had written: that write is lost"
        );
        let told = sentence(Rule::GuardAcrossAwait, "", &place, &[]);
        assert!(
            told.starts_with("the guard taken at src/hits.rs:7 was held"),
            "{told}"
        );
    }
}
