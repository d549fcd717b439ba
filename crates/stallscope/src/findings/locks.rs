//! Locks that keep tasks waiting, as findings with the lines of all who wait and hold.

use stallscope_wire::message::{self, LockRole};

use super::conflict;
use super::finding::{Occurrence, Place};
use super::rules::Rule;
use super::store::Episode;
use super::{Findings, Tasks, unix_now};
use crate::locks::{Doing, Sign};
use crate::sync::Side;

impl Findings {
    /// Tasks wait for good or in a long queue, or do so no more.
    pub(crate) fn waits(&mut self, sign: &Sign, tasks: &dyn Tasks) {
        let episode = Episode::Lock(sign.episode);
        if sign.is_over {
            self.store.over(episode, sign.lasts, unix_now());
            return;
        }
        let party = |(doing, side): &(Doing, _)| message::Party {
            role: role(*doing).into(),
            ..conflict::party(side, tasks)
        };
        self.found(Occurrence {
            task: conflict::task_of(&sign.at, tasks),
            certainty: sign.certainty,
            tid: sign.at.tid,
            queued: sign.queued,
            parties: sign.others.iter().map(party).collect(),
            length: sign.lasts,
            ..Occurrence::of(episode, sign.rule, conflict::place_of(&sign.at))
        });
    }
}

impl Sign {
    /// As a finding would tell it.
    pub(crate) fn sentence(&self) -> String {
        let party = |(doing, side): &(Doing, Side)| message::Party {
            role: role(*doing).into(),
            location: Some(conflict::location_of(side)),
            ..message::Party::default()
        };
        let others: Vec<message::Party> = self.others.iter().map(party).collect();
        sentence(
            self.rule,
            &conflict::place_of(&self.at),
            &others,
            self.queued,
        )
    }
}

fn role(doing: Doing) -> LockRole {
    match doing {
        Doing::Waits => LockRole::Waits,
        Doing::Holds => LockRole::Holds,
    }
}

/// Who waits is told of; where the others hold is on the finding's page.
pub(super) fn sentence(
    rule: Rule,
    place: &Place,
    parties: &[message::Party],
    queued: u64,
) -> String {
    let waits = |party: &&message::Party| party.role() == LockRole::Waits;
    let waiting: Vec<message::Party> = parties.iter().filter(waits).cloned().collect();
    if rule == Rule::Deadlock && waiting.is_empty() {
        return own_lock(place, parties);
    }
    let told = conflict::sentence(rule, "", place, &waiting);
    match (rule, queued) {
        (Rule::Convoy, _) => format!("{told} ({queued} at most)"),
        _ => told,
    }
}

fn own_lock(place: &Place, parties: &[message::Party]) -> String {
    let line = |party: &message::Party| {
        let location = party.location.as_ref()?;
        Some(format!(", taken at {}:{}", location.file, location.line))
    };
    let at = place.text();
    let taken = parties.iter().find_map(line).unwrap_or_default();
    format!("{at} waits for a lock that it holds itself{taken}: it will not go on")
}

#[cfg(test)]
mod tests {
    use stallscope_wire::message::Location;

    use super::*;

    fn party(role: LockRole, line: u32) -> message::Party {
        message::Party {
            role: role.into(),
            location: Some(Location {
                file: "src/transfer.rs".to_owned(),
                line,
                ..Location::default()
            }),
            ..message::Party::default()
        }
    }

    #[test]
    fn each_rule_is_told_with_the_lines_that_wait() {
        let place = Place::Line {
            function: String::new(),
            file: "src/transfer.rs".to_owned(),
            line: 7,
            column: 5,
        };
        let circle = [
            party(LockRole::Waits, 9),
            party(LockRole::Holds, 8),
            party(LockRole::Holds, 6),
        ];
        assert_eq!(
            sentence(Rule::Deadlock, &place, &circle, 0),
            "src/transfer.rs:7 waits for a lock whose holder waits, in a circle, at src/transfer.rs:9: none of them will go on"
        );
        assert_eq!(
            sentence(Rule::Deadlock, &place, &[party(LockRole::Holds, 6)], 0),
            "src/transfer.rs:7 waits for a lock that it holds itself, taken at src/transfer.rs:6: it will not go on"
        );
        let told = sentence(Rule::Convoy, &place, &[party(LockRole::Waits, 9)], 40);
        assert!(
            told.ends_with("at src/transfer.rs:9 (40 at most)"),
            "{told}"
        );
    }
}
