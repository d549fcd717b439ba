//! What is wrong with the process, the worst first, and which finding is meant.

use std::cmp::Reverse;

use stallscope_wire::message::{self, Finding, Severity};

use super::cursor::{Cursor, Listed};

/// The findings as the agent sent them last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    state: State,
    cursor: Cursor<Finding>,
}

impl Listed for Finding {
    type Id = u64;

    fn id(&self) -> Option<u64> {
        Some(self.id)
    }
}

#[derive(Clone, Debug, Default)]
enum State {
    #[default]
    Awaited,
    Here(Report),
    /// The agent is older than the topic.
    Unreported {
        told: bool,
    },
}

#[derive(Clone, Debug)]
struct Report {
    findings: Vec<Finding>,
    /// How many there are, of which `findings` are the first.
    total: u64,
    /// Wall clock of the agent when it answered, nanoseconds since 1970.
    at_unix_ns: u64,
}

/// What stands above the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Panel {
    /// Nothing has been heard of findings, or it has been said that nothing will be.
    Hidden,
    /// One sentence: the agent cannot tell.
    Unreported,
    /// One sentence: all is well.
    Clear,
    /// This many findings.
    List(usize),
}

impl Findings {
    /// Takes over an answer of the agent.
    pub(crate) fn apply(&mut self, answer: message::Findings, at_unix_ns: u64) {
        let mut findings = answer.findings;
        let sent = findings.len();
        // They blame no line. An agent that sends them all the same is newer than this client.
        findings.retain(|finding| finding.severity() != Severity::Info);
        let left_out = (sent - findings.len()) as u64;
        findings.sort_by_key(|finding| {
            (
                Reverse(weight(finding.severity())),
                Reverse(finding.ongoing),
                Reverse(finding.total_ns),
                finding.id,
            )
        });
        let total = answer
            .total
            .saturating_sub(left_out)
            .max(findings.len() as u64);
        self.state = State::Here(Report {
            findings,
            total,
            at_unix_ns,
        });
        self.cursor.keep_in_view(self.state.findings());
    }

    /// The agent does not know what a finding is.
    pub(crate) fn refused(&mut self) {
        if !matches!(self.state, State::Unreported { .. }) {
            self.state = State::Unreported { told: false };
        }
    }

    /// Somebody has pressed a key, so what was to be told has been read.
    pub(crate) fn read(&mut self) {
        if let State::Unreported { told } = &mut self.state {
            *told = true;
        }
    }

    /// How many rows the screen has for them.
    pub(crate) fn resize(&mut self, rows: usize) {
        self.cursor.resize(rows, self.state.findings());
    }

    // ------------------------------------------------------------ what is shown

    pub(crate) fn panel(&self) -> Panel {
        match &self.state {
            State::Awaited | State::Unreported { told: true } => Panel::Hidden,
            State::Unreported { told: false } => Panel::Unreported,
            State::Here(report) if report.findings.is_empty() => Panel::Clear,
            State::Here(report) => Panel::List(report.findings.len()),
        }
    }

    pub(crate) fn are_unreported(&self) -> bool {
        matches!(self.state, State::Unreported { .. })
    }

    /// The worst first.
    pub(crate) fn all(&self) -> &[Finding] {
        self.state.findings()
    }

    /// How many there are, also of those that were not sent.
    pub(crate) fn total(&self) -> u64 {
        match &self.state {
            State::Here(report) => report.total,
            State::Awaited | State::Unreported { .. } => 0,
        }
    }

    /// The agent's wall clock when it answered last, nanoseconds since 1970; 0 before it has.
    pub(crate) fn at_unix_ns(&self) -> u64 {
        match &self.state {
            State::Here(report) => report.at_unix_ns,
            State::Awaited | State::Unreported { .. } => 0,
        }
    }

    /// Those that the screen has room for, each with whether it is selected.
    pub(crate) fn shown(&self) -> impl Iterator<Item = (&Finding, bool)> {
        self.cursor.shown(self.all())
    }

    pub(crate) fn selected(&self) -> Option<&Finding> {
        self.cursor.selected(self.all())
    }

    pub(crate) fn with_id(&self, id: u64) -> Option<&Finding> {
        self.all().iter().find(|finding| finding.id == id)
    }

    // ------------------------------------------------------------ what the user does

    /// Moves the selection by that many rows.
    pub(crate) fn move_by(&mut self, rows: i64) {
        self.cursor.move_by(rows, self.state.findings());
    }

    /// Back to "the first, whichever that is".
    pub(crate) fn move_to_first(&mut self) {
        self.cursor.move_to_first(self.state.findings());
    }
}

impl State {
    fn findings(&self) -> &[Finding] {
        match self {
            State::Here(report) => &report.findings,
            State::Awaited | State::Unreported { .. } => &[],
        }
    }
}

/// For how long a finding that goes on has gone on this time, at the agent's time `now_unix_ns`; `None` if it is over.
pub(crate) fn lasts_ns(finding: &Finding, now_unix_ns: u64) -> Option<u64> {
    if !finding.ongoing {
        return None;
    }
    Some(match finding.occurrences.last() {
        // A leak has no occurrences: it goes on since it was found.
        _ if finding.leak.is_some() => now_unix_ns.saturating_sub(finding.first_seen_unix_ns),
        Some(latest) => latest.duration_ns,
        None => finding.longest_ns,
    })
}

/// A severity from a newer agent that this client has no name for is worth less than a warning, but it is shown.
fn weight(severity: Severity) -> u8 {
    match severity {
        Severity::High => 3,
        Severity::Warning => 2,
        Severity::Unknown => 1,
        Severity::Info => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(id: u64, severity: Severity, ongoing: bool, total_ns: u64) -> Finding {
        Finding {
            id,
            severity: severity.into(),
            ongoing,
            total_ns,
            ..Finding::default()
        }
    }

    fn of(findings: Vec<Finding>) -> Findings {
        let mut model = Findings::default();
        model.resize(2);
        model.apply(
            message::Findings {
                total: findings.len() as u64,
                findings,
            },
            0,
        );
        model
    }

    fn ids(findings: &Findings) -> Vec<u64> {
        findings.all().iter().map(|finding| finding.id).collect()
    }

    #[test]
    fn the_worst_comes_first_and_what_blames_no_line_not_at_all() {
        let findings = of(vec![
            finding(1, Severity::Warning, false, 900),
            finding(2, Severity::Info, true, 9_999),
            finding(3, Severity::High, false, 50),
            finding(4, Severity::High, false, 70),
            finding(5, Severity::High, true, 10),
            finding(6, Severity::Warning, true, 1),
        ]);
        assert_eq!(ids(&findings), [5, 4, 3, 6, 1]);
    }

    #[test]
    fn the_selection_stays_with_the_finding_when_a_worse_one_comes() {
        let mut findings = of(vec![
            finding(1, Severity::High, false, 9),
            finding(2, Severity::High, false, 5),
        ]);
        findings.move_by(1);
        let worse = vec![
            finding(1, Severity::High, false, 9),
            finding(2, Severity::High, false, 5),
            finding(3, Severity::High, true, 1),
        ];
        findings.apply(
            message::Findings {
                total: 3,
                findings: worse,
            },
            0,
        );
        assert_eq!(ids(&findings), [3, 1, 2]);
        assert_eq!(findings.selected().map(|finding| finding.id), Some(2));
        let shown: Vec<u64> = findings.shown().map(|(finding, _)| finding.id).collect();
        assert_eq!(shown, [1, 2], "the selected row stays on the screen");
    }

    #[test]
    fn an_old_agent_is_told_of_once() {
        let mut findings = Findings::default();
        findings.refused();
        assert_eq!(findings.panel(), Panel::Unreported);
        findings.read();
        findings.refused();
        assert_eq!(findings.panel(), Panel::Hidden);
    }
}
