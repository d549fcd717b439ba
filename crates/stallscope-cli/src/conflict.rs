//! The sides of a conflict over shared state: what each did, at which line, and who it was.

use stallscope_wire::message::{Finding, FindingTask, Location, LockRole, Party};

use crate::format::printable;
use crate::rules;

/// One side of a finding. All but conflicts have only one.
pub(crate) struct Side<'a> {
    /// What happened at its line, in a word.
    pub(crate) did: &'static str,
    pub(crate) location: Option<&'a Location>,
    pub(crate) task: Option<&'a FindingTask>,
    /// 0 if it is not known.
    tid: u32,
    /// Name of the thread; empty if it is not known.
    thread: &'a str,
    /// If it has no task here, it had none. A thread that a watchpoint stopped cannot tell.
    knows_task: bool,
}

/// Whether a finding is about state that several share. It has sides then, and nothing of a poll: no worker, no
/// duration unless tasks wait, and mostly no stack.
pub(crate) fn is_conflict(finding: &Finding) -> bool {
    finding.kind == "unsynchronized-state"
}

/// The side to look at, then those that it met.
pub(crate) fn sides(finding: &Finding) -> Vec<Side<'_>> {
    let (here, there) = rules::sides(&finding.kind, &finding.rule);
    let knows_task = finding.rule != "memory-watch";
    let first = Side {
        did: here,
        location: finding.location.as_ref(),
        task: finding.task.as_ref(),
        tid: finding.tid,
        thread: "",
        knows_task,
    };
    let others = finding.parties.iter().map(|party| Side {
        did: role(party.role()).unwrap_or(there),
        location: party.location.as_ref(),
        task: party.task.as_ref(),
        tid: party.tid,
        thread: &party.thread,
        knows_task,
    });
    [first].into_iter().chain(others).collect()
}

/// The other side that tells most: who waits in the circle or the queue, where it is about locks.
pub(crate) fn met(finding: &Finding) -> Option<Side<'_>> {
    let waits = |party: &Party| party.role() == LockRole::Waits;
    let told = finding.parties.iter().position(waits).unwrap_or(0);
    sides(finding).into_iter().nth(1 + told)
}

/// What a side does with a lock; `None` where it is not about locks.
pub(crate) fn role(role: LockRole) -> Option<&'static str> {
    match role {
        LockRole::Waits => Some("waits"),
        LockRole::Holds => Some("holds"),
        LockRole::Unknown => None,
    }
}

impl<'a> Side<'a> {
    /// File and line; `None` if they are not known.
    pub(crate) fn place(&self) -> Option<(&'a str, u32)> {
        let location = self.location?;
        Some((location.file.as_str(), location.line))
            .filter(|(file, line)| !file.is_empty() && *line > 0)
    }

    /// Who it was, of a side that is no task: `"db-writer" 4712, outside of any task`.
    pub(crate) fn thread(&self) -> String {
        let outside = if self.knows_task {
            "outside of any task"
        } else {
            "in a task or none"
        };
        match (self.thread, self.tid) {
            ("", 0) => format!("not known, {outside}"),
            ("", tid) => format!("{tid}, {outside}"),
            (name, 0) => format!("\"{}\", {outside}", printable(name)),
            (name, tid) => format!("\"{}\" {tid}, {outside}", printable(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rule: &str, parties: Vec<Party>) -> Finding {
        Finding {
            kind: "unsynchronized-state".to_owned(),
            rule: rule.to_owned(),
            parties,
            ..Finding::default()
        }
    }

    fn words(finding: &Finding) -> Vec<&'static str> {
        sides(finding).iter().map(|side| side.did).collect()
    }

    #[test]
    fn each_side_is_told_by_what_it_did() {
        let lost = of("lost-update", vec![Party::default()]);
        assert_eq!(words(&lost), ["wrote", "lost"]);
        let party = |role: LockRole| Party {
            role: role.into(),
            ..Party::default()
        };
        let circle = [LockRole::Holds, LockRole::Waits].map(party);
        let deadlock = of("deadlock", circle.to_vec());
        assert_eq!(words(&deadlock), ["waits", "holds", "waits"]);
        assert_eq!(met(&deadlock).map(|side| side.did), Some("waits"));
        let later = of("of-a-later-version", vec![Party::default()]);
        assert_eq!(words(&later), ["here", "there"]);
    }

    #[test]
    fn a_side_without_a_task_is_a_thread() {
        let party = |thread: &str, tid| Party {
            thread: thread.to_owned(),
            tid,
            ..Party::default()
        };
        let touched = of("memory-watch", vec![party("", 7)]);
        assert_eq!(sides(&touched)[1].thread(), "7, in a task or none");
        let parties = vec![party("", 0), party("", 7), party("db", 0), party("db", 7)];
        let finding = of("overlapping-access", parties);
        let told: Vec<String> = sides(&finding).iter().skip(1).map(Side::thread).collect();
        assert_eq!(
            told,
            [
                "not known, outside of any task",
                "7, outside of any task",
                "\"db\", outside of any task",
                "\"db\" 7, outside of any task",
            ]
        );
    }
}
