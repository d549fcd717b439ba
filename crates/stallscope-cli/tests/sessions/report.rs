//! `report` watches a window of time: what belongs to it, when it returns, and the status it returns with.

use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{Finding, FindingsQuery};

use crate::answers::{pid, process, small, tiers, with};
use crate::support::Sandbox;
use crate::support::agent::{Agent, Part};
use crate::support::conflicts;
use crate::support::findings::{self, at_ms};
use crate::support::service::Service;

/// Where the clock of the fake agent stands.
const UPTIME: Duration = Duration::from_millis(10_234);

/// Seen last so many milliseconds after the start; the windows of these tests begin shortly before [`UPTIME`].
fn seen(ms: u64, finding: Finding) -> Finding {
    Finding {
        last_seen_unix_ns: at_ms(ms),
        ..finding
    }
}

/// A service whose findings change from question to question.
fn learns(findings: Vec<Vec<Finding>>) -> Service {
    Service {
        findings,
        ..Service::small()
    }
}

fn plays(part: Part) -> (Sandbox, Agent) {
    let sandbox = Sandbox::new();
    let agent = Agent::at(&sandbox.socket(pid()), part);
    (sandbox, agent)
}

fn ids(answer: &Value) -> Vec<u64> {
    let findings = answer["findings"].as_array().expect("findings");
    findings
        .iter()
        .map(|finding| finding["id"].as_u64().expect("an id"))
        .collect()
}

#[test]
fn a_report_is_what_findings_are_and_its_window() {
    let (sandbox, _agent) = small();
    let report = sandbox.run("report --for 50ms --json").json();
    let findings = sandbox.run("findings --json").json();
    let watched = report["window"]["watched_ms"].as_f64().expect("a time");
    assert!(watched >= 50.0, "{watched}");
    assert_eq!(
        report,
        json!({
            "schema": 1,
            "process": process(),
            "tiers": tiers(),
            "runtime": findings["runtime"],
            "window": {"asked_ms": 50.0, "watched_ms": watched, "cut_short": null},
            "matched": report["matched"],
            "findings": report["findings"],
        })
    );
    // The leak holds since before the window: the same in both.
    let leak = |answer: &Value| {
        let findings = answer["findings"].as_array().expect("findings");
        findings.iter().find(|finding| finding["id"] == 5).cloned()
    };
    assert_eq!(leak(&report), leak(&findings));
    assert!(leak(&report).is_some());
}

#[test]
fn it_holds_what_was_seen_in_the_window_and_what_still_holds() {
    let over = seen(2_000, findings::file_read());
    let within = seen(
        10_300,
        Finding {
            id: 4,
            ..findings::file_read()
        },
    );
    let (sandbox, agent) = with(learns(vec![
        vec![over.clone(), findings::endless()],
        vec![over, findings::endless(), within],
    ]));
    let began = Instant::now();
    let report = sandbox.run("report --for 1s --json").json();
    let took = began.elapsed();
    assert_eq!(ids(&report), [1, 4]);
    assert!(took >= Duration::from_secs(1), "{took:?}");
    assert!(took < Duration::from_secs(20), "{took:?}");

    let queries: Vec<FindingsQuery> = agent
        .heard()
        .into_iter()
        .filter_map(|question| match question.topic {
            Some(Topic::Findings(query)) => Some(query),
            _ => None,
        })
        .collect();
    assert!(queries.len() >= 2, "asked again and again: {queries:?}");
    let since = Duration::from_nanos(queries[0].since_ns);
    assert!(
        since <= UPTIME && since + took >= UPTIME,
        "since the command began, on the agent's clock: {since:?}"
    );
    assert!(queries.iter().all(|query| *query == queries[0]));
}

#[test]
fn the_last_answer_of_the_window_counts() {
    let holds = Finding {
        ongoing: true,
        ..seen(2_000, findings::leak())
    };
    let withdrawn = Finding {
        ongoing: false,
        ..holds.clone()
    };
    let (sandbox, _agent) = with(learns(vec![vec![holds], vec![withdrawn]]));
    assert_eq!(ids(&sandbox.run("report --for 1s --json").json()), [0; 0]);
}

#[test]
fn people_read_how_long_was_watched() {
    let (sandbox, _agent) = with(learns(vec![vec![]]));
    let report = sandbox.run("report --for 50ms");
    assert!(
        report.answer().ends_with("\nno findings in 50ms\n"),
        "{report:?}"
    );
    let (sandbox, _agent) = with(learns(vec![vec![findings::leak()]]));
    let report = sandbox.run("report --for 50ms");
    assert!(
        report
            .answer()
            .contains("\n1 finding in 50ms\n\nwarning  task-leak/growth  412 tasks"),
        "{report:?}"
    );
}

#[test]
fn when_the_program_ends_the_last_whole_answer_is_the_report() {
    // The greeting, twice overview and findings, an overview.
    let service = learns(vec![
        vec![],
        vec![findings::endless()],
        vec![findings::leak()],
    ]);
    let (sandbox, _agent) = plays(Part::EndsAfter(service.clone(), 6));
    let began = Instant::now();
    let report = sandbox.run("report --for 60s --json").json();
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "not the whole window"
    );
    assert_eq!(ids(&report), [1]);
    assert_eq!(report["window"]["asked_ms"], 60_000.0);
    assert_eq!(report["window"]["cut_short"], "the program ended");

    let (sandbox, _agent) = plays(Part::EndsAfter(service, 6));
    let report = sandbox.run("report --for 60s --fail-on sleep");
    report.expect_status(1);
    assert!(
        report
            .stdout
            .contains("s, when the program ended\n\nhigh  long-poll/sleep"),
        "{report:?}"
    );
}

#[test]
fn a_program_that_ends_before_its_first_answer_is_no_target() {
    let (sandbox, _agent) = plays(Part::EndsAfter(Service::small(), 2));
    let report = sandbox.run("report --for 60s --json");
    assert!(
        report
            .complaint(3)
            .contains("closed the connection before its answer was complete"),
        "{report:?}"
    );
}

#[test]
fn a_program_that_stands_still_does_not_hold_up_the_report() {
    let (sandbox, _agent) = plays(Part::StopsAfter(learns(vec![vec![findings::leak()]]), 3));
    let began = Instant::now();
    let report = sandbox.run("report --for 300ms --json").json();
    let took = began.elapsed();
    // Where nothing else is said, an answer is waited for that long.
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(ids(&report), [5]);
    let why = report["window"]["cut_short"].as_str().expect("why");
    assert!(why.contains("gave no answer"), "{why}");
}

#[test]
fn fail_on_decides_the_status() {
    let (sandbox, _agent) = with(learns(vec![vec![
        findings::endless(),
        findings::overload(),
    ]]));
    let statuses = [
        ("", 0),
        ("--fail-on long-poll", 1),
        ("--fail-on sleep", 1),
        ("--fail-on long-poll/sleep", 1),
        ("--fail-on task-leak,long-poll", 1),
        ("--fail-on deadlock --fail-on sleep", 1),
        ("--fail-on task-leak", 0),
        ("--fail-on cpu,task-leak/growth", 0),
    ];
    for (fail_on, status) in statuses {
        for json in ["", "--json"] {
            let report = sandbox.run(&format!("report --for 1ms {json} {fail_on}"));
            report.expect_status(status);
            assert_eq!(report.stderr, "", "{fail_on}");
            assert!(report.stdout.contains("asleep for 9.7 s"), "{report:?}");
        }
    }
}

#[test]
fn a_conflict_fails_a_report_by_its_kind_and_by_its_rule() {
    let (sandbox, _agent) = with(learns(vec![vec![seen(11_000, conflicts::lost_update())]]));
    let statuses = [
        ("unsynchronized-state", 1),
        ("lost-update", 1),
        ("unsynchronized-state/deadlock,convoy", 0),
        ("long-poll,task-leak", 0),
    ];
    for (fail_on, status) in statuses {
        let report = sandbox.run(&format!("report --for 1ms --fail-on {fail_on}"));
        report.expect_status(status);
        for side in [
            "wrote      apps/shop/src/hits.rs:3",
            "lost       apps/shop/src/report.rs:30",
        ] {
            assert!(report.stdout.contains(side), "{report:?}");
        }
    }
}

#[test]
fn what_only_informs_never_fails() {
    let informs = Finding {
        rule: "unknown".to_owned(),
        ..findings::overload()
    };
    let (sandbox, _agent) = with(learns(vec![vec![seen(11_000, informs)]]));
    let report = sandbox.run("report --for 1ms --all --fail-on long-poll --json");
    assert_eq!(ids(&report.json()), [7]);
    let report = sandbox.run("report --for 1ms --json");
    assert_eq!(ids(&report.json()), [0; 0]);
}

#[test]
fn a_mistake_in_the_arguments_is_told_before_anything_is_watched() {
    let sandbox = Sandbox::new();
    let told = [
        (
            "report",
            "the following required arguments were not provided: --for <TIME>; see `stallscope --help`",
        ),
        (
            "report --for 10",
            "invalid value '10' for '--for <TIME>': expected a time with its unit, for instance 10s or 500ms; see \
             `stallscope --help`",
        ),
        (
            "report --for 0s",
            "invalid value '0s' for '--for <TIME>': a report watches for some time: `stallscope findings` shows what is \
             known now; see `stallscope --help`",
        ),
        (
            "report --for 10s --fail-on task-leak,slep",
            "invalid value 'slep' for '--fail-on <KIND>': `slep` is neither kind nor rule: the kinds are long-poll, \
             task-leak, unsynchronized-state; `stallscope report --help` names their rules; see `stallscope --help`",
        ),
    ];
    for (line, complaint) in told {
        assert_eq!(sandbox.run(line).complaint(2), complaint, "{line}");
    }
}

#[test]
fn whoever_reads_no_further_still_learns_the_status() {
    let (sandbox, _agent) = small();
    let mut child = sandbox
        .stallscope("report --for 1ms --fail-on long-poll")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    drop(child.stdout.take());
    let mut complaint = String::new();
    child
        .stderr
        .take()
        .expect("piped")
        .read_to_string(&mut complaint)
        .expect("text");
    let status = child.wait().expect("its end");
    assert_eq!((status.code(), complaint.as_str()), (Some(1), ""));
}
