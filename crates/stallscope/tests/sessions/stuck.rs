//! A blocking closure that does not return is told with its line, while it goes on; what a healthy pool does is not.

use std::ffi::OsStr;

use stallscope_stack::{Tid, Tripwire};
use stallscope_wire::message::{Finding, Severity};

use crate::programs::place_of;
use crate::support::Program;

const LIMIT: (&str, &str) = ("STALLSCOPE_STUCK_BLOCKING", "2s");

fn stuck(program: &str, how: &str) -> Program {
    let variables = [LIMIT, ("STUCK", how)];
    Program::start_with(
        program,
        variables.map(|(name, value)| (name, OsStr::new(value))),
    )
}

fn is_stuck(finding: &Finding) -> bool {
    finding.rule == "stuck-blocking"
}

fn is_told(program: &str, how: &str) {
    let mut program = stuck(program, how);
    let mut client = program.connect();
    let finding = client.finding_when(is_stuck);
    assert_eq!(
        (finding.kind.as_str(), finding.severity(), finding.count),
        ("task-leak", Severity::Warning, 1)
    );
    assert!(
        finding.ongoing && finding.longest_ns >= 2_000_000_000,
        "{finding:#?}"
    );
    assert!(
        finding.message.contains("a blocking closure on thread"),
        "{}",
        finding.message
    );
    let location = finding.location.as_ref().expect("a line");
    let (file, line) = match how {
        "computes" => place_of("burn: here"),
        other => place_of(&format!("stuck: {other}")),
    };
    assert!(location.file.ends_with(file), "{location:?}");
    // A computation is found somewhere in its loop.
    assert!(location.line == line || how == "computes", "{location:?}");
    assert_eq!(
        client.findings(false).len(),
        1,
        "closures may block: it is no long poll"
    );

    program.go_on();
    program.expect("it has returned");
    let over = client.finding_when(|finding| is_stuck(finding) && !finding.ongoing);
    assert_eq!((over.id, over.count), (finding.id, 1));
    program.go_on();
}

#[test]
fn a_closure_that_waits_for_good_is_told() {
    is_told("stuck-closure", "waits");
}

#[test]
fn a_closure_of_a_runtime_of_one_thread_is_told() {
    is_told("stuck-closure-on-one-thread", "waits");
}

#[test]
fn a_closure_that_does_not_sleep_all_the_time_is_told_where_that_can_be_proven() {
    for how in ["wakes", "computes"] {
        if has_wires() {
            is_told("stuck-closure", how);
        }
    }
}

/// Breakpoints are forbidden in many containers.
fn has_wires() -> bool {
    let here = has_wires as fn() -> bool as usize as u64;
    Tid::current().is_some_and(|tid| Tripwire::lay(tid, here).is_ok())
}

#[test]
fn a_healthy_pool_makes_no_finding() {
    let variables = [LIMIT].map(|(name, value)| (name, OsStr::new(value)));
    let mut program = Program::start_with("healthy-pool", variables);
    program.expect("the pool was healthy");
    let found: Vec<_> = program.connect().findings(false);
    assert_eq!(found, []);
    program.go_on();
}

#[test]
fn a_task_that_does_not_come_back_is_told_at_its_spawn_place_too() {
    let mut program = Program::start_with("endless", [(LIMIT.0, OsStr::new(LIMIT.1))]);
    let mut client = program.connect();
    let finding = client.finding_when(|finding| finding.rule == "never-yields");
    assert_eq!(finding.kind, "task-leak");
    let (file, line) = place_of("endless: spawned here");
    let location = finding.location.as_ref().expect("a line");
    assert!(location.file.ends_with(file), "{location:?}");
    assert_eq!(location.line, line, "{finding:#?}");
    assert!(finding.ongoing && finding.longest_ns >= 2_000_000_000);
    let mut rules: Vec<String> = client
        .findings(false)
        .into_iter()
        .map(|finding| finding.rule)
        .collect();
    rules.sort();
    assert_eq!(
        rules,
        ["never-yields", "sleep"],
        "block_in_place is intended"
    );
    program.go_on();
}
