//! Places that leak tasks are told, with figures; what stays for good reason, drains, or comes and goes is not.

use std::ffi::OsStr;

use stallscope_wire::message::{
    Certainty, Finding, Severity, Site, SiteQuery, SiteStats, TaskKind, subscribe::Topic, update,
};

use crate::programs::place_of;
use crate::support::{Client, Program};

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

#[cfg(tokio_unstable)]
#[test]
fn a_task_of_a_runtime_that_nobody_drives_is_told() {
    let mut program = start("undriven-tasks");
    let mut client = program.connect();
    let finding = client.finding_when(|finding| finding.rule == "never-polled");
    is_at(&finding, "never polled: here");
    assert_eq!(
        (finding.kind.as_str(), finding.certainty()),
        ("task-leak", Certainty::Likely)
    );
    let mut others = client.findings(false);
    others.retain(|other| other.id != finding.id);
    assert_eq!(others, []);
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
fn ten_thousand_steady_connections_are_no_leak() {
    let mut program = start("steady-connections");
    let mut client = expect_no_finding(&mut program);
    let connections = client.place("steady: connection");
    assert!(connections.live > 9900, "{connections:?}");
    assert!(connections.ended > 50, "{connections:?}");
    program.go_on();
}

#[test]
fn tasks_that_end_with_their_request_or_soon_after_are_no_leak() {
    let mut program = start("tied-to-requests");
    let mut client = expect_no_finding(&mut program);
    for mark in ["tied: heartbeat", "tied: job"] {
        let tasks = client.place(mark);
        assert!(tasks.live > 0 && tasks.ended > 50, "{mark}: {tasks:?}");
    }
    // Tasks of a `JoinSet` are seen with tokio's unstable hooks only.
    #[cfg(tokio_unstable)]
    {
        let parts = client.place("tied: part");
        assert!(parts.live > 0 && parts.ended > 150, "{parts:?}");
    }
    program.go_on();
    program.expect("all jobs have ended");
}

#[test]
fn a_refresher_a_burst_and_an_idle_pool_that_outlive_who_started_them_are_no_leak() {
    let mut program = start("outliving");
    let mut client = expect_no_finding(&mut program);
    let refresher = client.place("outliving: refresher");
    assert_eq!((refresher.live, refresher.orphans), (1, 1), "{refresher:?}");
    let burst = client.place("outliving: burst");
    assert!(burst.spawned == 600 && burst.ended > 500, "{burst:?}");
    let pool = client.place("outliving: pool");
    assert_eq!((pool.live, pool.spawned), (12, 12), "{pool:?}");
    let grace = 3_000_000_000;
    assert!(
        pool.orphans == 12 && pool.longest_idle_ns > grace,
        "{pool:?}"
    );
    program.go_on();
}

/// Until it has stayed for longer than window and grace time.
fn expect_no_finding(program: &mut Program) -> Client {
    program.expect("it has stayed");
    let mut client = program.connect();
    assert_eq!(client.findings(false), []);
    client
}

impl Client {
    /// What is known of the tasks spawned at the line below this mark.
    fn place(&mut self, mark: &str) -> SiteStats {
        let Ok(update::Body::Sites(window)) = self.ask(Topic::Sites(SiteQuery::default())) else {
            panic!("no places");
        };
        let (file, line) = place_of(mark);
        let is_it = |site: &Site| site.line == line && site.file.ends_with(file);
        window
            .sites
            .into_iter()
            .find(|stats| stats.site.as_ref().is_some_and(is_it))
            .unwrap_or_else(|| panic!("nothing was spawned at `{mark}`"))
    }
}
