//! What `findings` tells: to people, and as the JSON that is a contract.

use std::fs;

use insta::assert_snapshot;
use serde_json::{Value, json};
use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{Finding, FindingsQuery, Severity};

use crate::answers::{process, small, tiers, with};
use crate::support::Session;
use crate::support::conflicts;
use crate::support::findings;
use crate::support::service::Service;

/// A service of which only this is known.
fn knows(findings: Vec<Finding>) -> Service {
    Service {
        findings: vec![findings],
        ..Service::small()
    }
}

#[test]
fn findings_begin_with_the_verdict() {
    let (sandbox, _agent) = small();
    assert_snapshot!(sandbox.run("findings").answer());
}

#[test]
fn what_only_informs_is_shown_on_request() {
    let (sandbox, agent) = with(knows(vec![findings::overload()]));
    let shown = sandbox.run("findings");
    assert!(
        shown.answer().ends_with("\nno findings so far\n"),
        "{shown:?}"
    );
    let all = sandbox.run("findings --all");
    assert!(
        all.answer()
            .contains("\n1 finding so far\n\ninfo  long-poll/cpu-starved  worker 0 waited 48 ms"),
        "{all:?}"
    );
    let asked: Vec<_> = agent
        .heard()
        .into_iter()
        .filter_map(|question| match question.topic {
            Some(Topic::Findings(query)) => Some(query),
            _ => None,
        })
        .collect();
    let query = |with_info| FindingsQuery {
        with_info,
        ..FindingsQuery::default()
    };
    assert_eq!(asked, [query(false), query(true)]);
}

#[test]
fn json_has_every_field_of_the_contract() {
    let (sandbox, _agent) = small();
    let answer = sandbox.run("findings --json").json();
    let runtime = json!({"workers": 3, "live_tasks": 5, "alive_tasks": 5, "polls": 88_171, "dropped_events": 0});
    assert_eq!(
        answer,
        json!({
            "schema": 1,
            "process": process(),
            "tiers": tiers(),
            "runtime": runtime,
            "matched": 3,
            "findings": answer["findings"],
        })
    );
    let ids: Vec<_> = answer["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .map(|finding| &finding["id"])
        .collect();
    assert_eq!(ids, [3, 1, 5], "in the agent's order");
    assert_eq!(answer["findings"][0], file_read());
    assert_eq!(answer["findings"][1], endless());
    assert_eq!(
        answer["findings"][2]["leak"],
        json!({
            "live": 412, "live_at_first": 16, "growth_per_s": 9.0, "spawned": 463, "ended": 51, "oldest_ms": 46_000.0,
            "orphans": 408,
        })
    );
    assert_eq!(
        answer["findings"][2]["task"],
        json!({
            "id": 95, "name": null, "kind": "task", "spawned_at": "demo-apps/hybrid-service/src/session.rs:88:9",
            "ancestors": [20, 12],
        })
    );
}

/// As in the design of the contract, with the fields that came later.
fn file_read() -> Value {
    let module = json!({"address": "0x558100042a10", "module": "/srv/hybrid-service", "build_id": "0b5c4e",
                        "module_offset": "0x42a10"});
    let frame = |known: Value| {
        let mut frame = module.clone();
        let fields = known.as_object().expect("fields").clone();
        frame.as_object_mut().expect("an object").extend(fields);
        frame
    };
    json!({
        "id": 3, "kind": "long-poll", "rule": "file-io", "severity": "high", "certainty": "proven", "count": 17,
        "first_seen": "2026-11-20T21:33:00.123Z", "last_seen": "2026-11-20T21:33:09.876Z", "ongoing": false,
        "location": {
            "function": "hybrid_service::report::render",
            "file": "demo-apps/hybrid-service/src/report.rs",
            "line": 41,
        },
        "task": {
            "id": 88, "name": "render", "kind": "task",
            "spawned_at": "demo-apps/hybrid-service/src/main.rs:63:9",
            "ancestors": [12, 1],
        },
        "span": {
            "name": "request", "target": "hybrid_service::http", "fields": "method=GET path=\"/report\"",
            "file": "demo-apps/hybrid-service/src/http.rs", "line": 27,
        },
        "leak": null,
        "parties": [],
        "tid": 4713, "worker": 1,
        "duration_ms": {"max": 341.2, "total": 2210.0},
        "queued_behind": {"max": 12},
        "stack": [
            frame(json!({
                "function": "std::fs::read",
                "file": "/rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/std/src/fs.rs",
                "line": 312, "column": null, "in_app": false, "origin": "std", "inlined": false,
            })),
            frame(json!({
                "function": "hybrid_service::report::render",
                "file": "demo-apps/hybrid-service/src/report.rs",
                "line": 41, "column": 17, "in_app": true, "origin": "app", "inlined": true,
            })),
        ],
        "occurrences": [
            {"at": "2026-11-20T21:33:00.123Z", "duration_ms": 341.2},
            {"at": "2026-11-20T21:33:09.876Z", "duration_ms": 20.5},
        ],
        "message": "worker 1 blocked 341 ms in std::fs::read at src/report.rs:41 (read on /var/data/big.csv), 12 tasks waiting",
        "help": "docs/findings.md#long-poll-file-io",
    })
}

/// What is not known is `null`, or empty where it is a list.
fn endless() -> Value {
    json!({
        "id": 1, "kind": "long-poll", "rule": "sleep", "severity": "high", "certainty": "proven", "count": 1,
        "first_seen": "2026-11-20T21:33:00.500Z", "last_seen": "2026-11-20T21:33:00.500Z", "ongoing": true,
        "location": null,
        "task": {"id": 0, "name": null, "kind": "root", "spawned_at": null, "ancestors": []},
        "span": null,
        "leak": null,
        "parties": [],
        "tid": null, "worker": null,
        "duration_ms": {"max": 9734.0, "total": 9734.0},
        "queued_behind": {"max": 0},
        "stack": [],
        "occurrences": [],
        "message": "the thread in block_on has been asleep for 9.7 s",
        "help": "docs/findings.md#long-poll-sleep",
    })
}

#[test]
fn a_conflict_is_told_with_both_lines_and_their_source() {
    let (sandbox, _agent) = with(knows(vec![conflicts::lost_update()]));
    let directory = sandbox.path().join("apps/shop/src");
    fs::create_dir_all(&directory).expect("our own directory");
    let hits = "async fn count(hits: &Shared<u64>) {\n    let seen = hits.get();\n    hits.set(seen + 1);\n}\n";
    fs::write(directory.join("hits.rs"), hits).expect("our own directory");
    // As from anywhere in its workspace. Of the other side there is no source.
    let mut command = sandbox.stallscope("findings");
    let session = Session::of(command.current_dir(&directory));
    assert_snapshot!(session.answer());
}

#[test]
fn who_waits_and_who_holds_is_told_of_each_line() {
    let (sandbox, _agent) = with(knows(vec![conflicts::deadlock()]));
    assert_snapshot!(sandbox.run("findings").answer());
}

#[test]
fn a_task_that_never_yields_is_told_with_its_time() {
    let (sandbox, _agent) = with(knows(vec![conflicts::never_yields()]));
    assert_snapshot!(sandbox.run("findings").answer());
}

#[test]
fn json_of_a_conflict_has_the_other_sides() {
    let (sandbox, _agent) = with(knows(vec![conflicts::lost_update(), conflicts::deadlock()]));
    let answer = sandbox.run("findings --json").json();
    let lost = &answer["findings"][0];
    let place = |file: &str, line: u32| json!({"function": null, "file": format!("apps/shop/src/{file}"), "line": line});
    assert_eq!(lost["location"], place("hits.rs", 3));
    assert_eq!(
        lost["parties"],
        json!([{"location": place("report.rs", 30), "task": null, "tid": 4720, "thread": null, "role": null}])
    );
    assert_eq!(lost["duration_ms"], json!({"max": 0.0, "total": 0.0}));
    assert_eq!(lost["stack"], json!([]));
    let task = |id: u64| json!({"id": id, "name": null, "kind": "task", "spawned_at": null, "ancestors": []});
    let at = |line| place("transfer.rs", line);
    assert_eq!(
        answer["findings"][1]["parties"],
        json!([
            {"location": at(19), "task": task(90), "tid": null, "thread": null, "role": "waits"},
            {"location": at(6), "task": task(88), "tid": null, "thread": null, "role": "holds"},
            {"location": at(52), "task": null, "tid": 4731, "thread": "settlement", "role": "waits"},
        ])
    );
}

#[test]
fn a_severity_of_a_later_version_is_unknown_and_no_reason_to_hide() {
    let (sandbox, _agent) = with(knows(vec![Finding {
        severity: 17,
        certainty: 17,
        task: None,
        ..findings::file_read()
    }]));
    let answer = sandbox.run("findings --json").json();
    let finding = &answer["findings"][0];
    for field in ["severity", "certainty", "task"] {
        assert_eq!(finding[field], Value::Null, "{field}");
    }
    let shown = sandbox.run("findings");
    assert!(
        shown.answer().contains("\n?  long-poll/file-io  worker 1"),
        "{shown:?}"
    );
}

#[test]
fn more_than_one_answer_holds_are_told_of() {
    let many = (1..=1_200)
        .map(|id| Finding {
            id,
            kind: "long-poll".to_owned(),
            severity: Severity::High.into(),
            ..Finding::default()
        })
        .map(|finding| Finding {
            last_seen_unix_ns: findings::at_ms(1),
            ..finding
        })
        .collect();
    let (sandbox, _agent) = with(knows(many));
    let shown = sandbox.run("findings");
    assert!(
        shown
            .answer()
            .contains("\n1200 findings so far, of which these are the 1000 most harmful\n"),
        "{shown:?}"
    );
    let answer = sandbox.run("findings --json").json();
    assert_eq!(answer["matched"], 1_200);
    assert_eq!(answer["findings"].as_array().map(Vec::len), Some(1_000));
}
