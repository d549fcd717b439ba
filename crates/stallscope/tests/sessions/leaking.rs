//! Places that leak tasks are told, with figures; what stays, drains or comes and goes is not.

use std::ffi::OsStr;

use stallscope_wire::message::{Certainty, Finding, Severity, TaskKind};

use crate::programs::place_of;
use crate::support::Program;

/// With the thresholds that short runs need.
fn start(name: &str) -> Program {
    let short = [
        ("STALLSCOPE_LEAK_WINDOW", OsStr::new("5s")),
        ("STALLSCOPE_LEAK_GRACE", OsStr::new("3s")),
    ];
    Program::start_with(name, short)
}

fn is_at(finding: &Finding, mark: &str) {
    let location = finding.location.as_ref().expect("a line");
    let (file, line) = place_of(mark);
    assert!(location.file.ends_with(file), "{location:?}");
    assert_eq!(location.line, line, "{finding:#?}");
}

#[test]
fn a_place_whose_tasks_never_end_is_told_while_it_grows() {
    let mut program = start("growing");
    let mut client = program.connect();
    let finding = client.finding_when(|finding| finding.rule == "growth");
    is_at(&finding, "growing: here");
    assert_eq!(
        (
            finding.kind.as_str(),
            finding.certainty(),
            finding.severity()
        ),
        ("task-leak", Certainty::Likely, Severity::Warning)
    );
    let leak = finding.leak.expect("figures");
    assert!(leak.live >= 30 && leak.ended == 0, "{leak:?}");
    assert!((3.0..=11.0).contains(&leak.growth_per_second), "{leak:?}");
    let task = finding.task.as_ref().expect("an example");
    assert_eq!(
        (task.kind(), task.ancestors.as_slice()),
        (TaskKind::Task, [0].as_slice())
    );
    let later = client.finding_when(|later| {
        later.id == finding.id && later.leak.is_some_and(|later| later.live > leak.live)
    });
    assert!(later.ongoing && later.count == 1, "{later:#?}");
    assert_eq!(
        later.leak.map(|later| later.live_at_first),
        Some(leak.live_at_first)
    );
    let mut findings = client.findings(false);
    findings.retain(|other| other.kind == "task-leak" && other.id != finding.id);
    assert_eq!(findings, [], "they were polled, and their parent is alive");
    program.go_on();
}

#[test]
fn tasks_that_requests_leave_behind_are_told() {
    let mut program = start("leaving-behind");
    let mut client = program.connect();
    let finding = client.finding_when(|finding| finding.rule == "orphan");
    is_at(&finding, "left behind: here");
    assert!(
        finding.leak.is_some_and(|leak| leak.orphans >= 2),
        "{finding:#?}"
    );
    assert!(
        finding.message.contains("parents that have ended"),
        "{}",
        finding.message
    );
    program.go_on();
}

#[test]
fn what_stays_drains_or_comes_and_goes_is_no_leak() {
    let mut program = start("staying");
    program.expect("it has stayed");
    assert_eq!(program.connect().findings(false), []);
    program.go_on();
}
