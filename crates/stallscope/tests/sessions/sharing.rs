//! What several tasks share is told when it went wrong, with both lines, and never when it did not.

use stallscope_wire::message::{Certainty, Finding};

use crate::programs::place_of;
use crate::support::Program;

fn is_at(location: Option<&stallscope_wire::message::Location>, mark: &str) {
    let location = location.unwrap_or_else(|| panic!("a line: {mark}"));
    let (file, line) = place_of(mark);
    assert!(location.file.ends_with(file), "{location:?}");
    assert_eq!(location.line, line, "{mark}");
}

#[test]
fn what_went_wrong_is_told_with_both_lines() {
    let mut program = Program::start("sharing-badly");
    program.expect("all is done");
    let expected = [
        (
            "lost-update",
            "hits",
            "lost update: here",
            Some("lost update: here"),
        ),
        (
            "lost-update",
            "",
            "lost update in a region: here",
            Some("lost update in a region: the other"),
        ),
        (
            "torn-region",
            "transfer",
            "torn: the region",
            Some("torn: the write"),
        ),
        ("guard-across-await", "", "guard: taken here", None),
        ("guard-across-await", "", "guard: taken for another", None),
        ("span-across-await", "sweep", "span: made here", None),
        (
            "thread-local-across-await",
            "REQUEST",
            "thread local: read here",
            Some("thread local: set here"),
        ),
        (
            "overlapping-access",
            "device",
            "overlap: reads",
            Some("overlap: writes"),
        ),
    ];
    let mut client = program.connect();
    let mut findings = client.findings(false);
    findings.retain(|finding| finding.kind == "unsynchronized-state");
    let found = |rule: &str, mark: &str| -> Option<&Finding> {
        let line = place_of(mark).1;
        let is_it = |finding: &&Finding| {
            finding.rule == rule && finding.location.as_ref().is_some_and(|at| at.line == line)
        };
        findings.iter().find(is_it)
    };
    for (rule, what, at, other) in expected {
        let finding = found(rule, at).unwrap_or_else(|| panic!("{rule}: {findings:#?}"));
        is_at(finding.location.as_ref(), at);
        let parties = finding.parties.iter();
        let lines: Vec<_> = parties.map(|party| party.location.as_ref()).collect();
        assert_eq!(lines.len(), usize::from(other.is_some()), "{finding:#?}");
        if let Some(other) = other {
            is_at(lines[0], other);
        }
        assert!(finding.message.contains(what), "{}", finding.message);
        assert_eq!(finding.certainty(), Certainty::Proven);
        assert_eq!(finding.count, 1, "{finding:#?}");
        assert!(!finding.ongoing);
        assert!(
            finding
                .help
                .ends_with(&format!("unsynchronized-state-{rule}"))
        );
    }
    assert_eq!(findings.len(), expected.len(), "{findings:#?}");
    program.go_on();
}

#[test]
fn what_is_done_as_it_should_be_is_never_told() {
    let mut program = Program::start("sharing-well");
    program.expect("all is done");
    let mut findings = program.connect().findings(false);
    findings.retain(|finding| finding.kind == "unsynchronized-state");
    assert_eq!(findings, []);
    program.go_on();
}
