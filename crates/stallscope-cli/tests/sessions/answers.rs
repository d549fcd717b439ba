//! What a healthy agent's answers look like, to people and to scripts.

use std::io::Read;
use std::process::Stdio;

use insta::assert_snapshot;
use serde_json::{Value, json};
use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{Comparison, Field, TaskQuery, TaskSort, Term};

use crate::support::agent::{Agent, Part};
use crate::support::service::{SECOND_ROOT, Service};
use crate::support::{Sandbox, Session};

pub(crate) fn pid() -> u32 {
    std::process::id()
}

/// A sandbox in which this process is a service.
pub(crate) fn with(service: Service) -> (Sandbox, Agent) {
    let sandbox = Sandbox::new();
    let agent = Agent::at(&sandbox.socket(pid()), Part::Serves(service));
    (sandbox, agent)
}

pub(crate) fn small() -> (Sandbox, Agent) {
    with(Service::small())
}

/// The windows of tasks the agent was asked for.
fn windows(agent: &Agent) -> Vec<TaskQuery> {
    agent
        .heard()
        .into_iter()
        .filter_map(|question| match question.topic {
            Some(Topic::Tasks(query)) => Some(query),
            _ => None,
        })
        .collect()
}

fn ids(tasks: &Value) -> Vec<u64> {
    let tasks = tasks.as_array().expect("tasks");
    tasks
        .iter()
        .map(|task| task["id"].as_u64().expect("an id"))
        .collect()
}

#[test]
fn list_shows_the_processes() {
    let (sandbox, _agent) = small();
    let listed = sandbox.run("list");
    let lines: Vec<Vec<_>> = listed
        .answer()
        .lines()
        .map(|line| {
            line.trim()
                .split("  ")
                .filter(|cell| !cell.is_empty())
                .map(str::trim)
                .collect()
        })
        .collect();
    let (own, socket) = (
        pid().to_string(),
        sandbox.socket(pid()).display().to_string(),
    );
    assert_eq!(
        lines,
        [
            [
                "PID", "PROGRAM", "UP", "TASKS", "TIERS ON", "TOKIO", "SOCKET"
            ],
            [
                &own,
                "hybrid-service",
                "10s",
                "5",
                "core, hooks",
                "1.54.1",
                &socket
            ],
        ]
    );
}

#[test]
fn list_as_json() {
    let (sandbox, _agent) = small();
    let processes = &sandbox.run("list --json").json()["processes"];
    assert_eq!(
        processes,
        &json!([{
            "pid": pid(),
            "program": "hybrid-service",
            "socket": sandbox.socket(pid()),
            "tokio": "1.54.1",
            "stallscope": "0.1.0",
            "uptime_ms": 10234.0,
            "live_tasks": 5,
            "tiers": tiers(),
            "error": null,
        }])
    );
}

pub(crate) fn tiers() -> Value {
    json!({
        "core": "on",
        "hooks": "on",
        "deep": "off: names, wakers and resources are not seen; build with the feature `deep` of stallscope",
    })
}

pub(crate) fn process() -> Value {
    json!({"pid": 4711, "program": "hybrid-service", "tokio": "1.54.1", "stallscope": "0.1.0", "uptime_ms": 10234.0})
}

#[test]
fn ps_shows_a_line_per_task() {
    let (sandbox, _agent) = small();
    assert_snapshot!(sandbox.run("ps").answer());
}

#[test]
fn ps_as_json_says_null_where_nothing_is_known() {
    let (sandbox, _agent) = small();
    let answer = sandbox.run("ps --json").json();
    assert_eq!(answer["process"], process());
    assert_eq!(answer["tiers"], tiers());
    assert_eq!(answer["matched"], 8);
    assert_eq!(
        ids(&answer["tasks"]),
        [0, 12, 30, 31, 88, 90, 95, SECOND_ROOT]
    );
    assert_eq!(
        answer["tasks"][4],
        json!({
            "id": 88, "parent": 12, "parent_ended": false, "name": null, "kind": "task", "state": "running",
            "spawned_at": "/home/me/.cargo/registry/src/a-registry-1949cf8c/hyper-util-0.1.17/src/rt/tokio.rs:33:9",
            "age_ms": 9800.0, "idle_ms": 0.0, "polling_ms": 55.0, "polls": 41, "busy_ms": 900.0, "longest_poll_ms": 341.2,
            "worker": 1, "runtime": 0,
        })
    );
    assert_eq!(
        answer["tasks"][2],
        json!({
            "id": 30, "parent": null, "parent_ended": false, "name": null, "kind": "blocking", "state": null,
            "spawned_at": null, "age_ms": null, "idle_ms": null, "polling_ms": null, "polls": null, "busy_ms": null,
            "longest_poll_ms": null, "worker": null, "runtime": 0,
        })
    );
}

#[test]
fn ps_leaves_filter_order_and_cut_to_the_agent_where_one_answer_holds_it() {
    let (sandbox, agent) = small();
    let mut command = sandbox.stallscope("ps --sort busy --limit 2 --filter");
    let shown = Session::of(command.arg("busy>50ms !state:idle"));
    assert_snapshot!(shown.answer());
    let term = |field: Field, comparison: Comparison, text: &str, number, negated| Term {
        field: field.into(),
        comparison: comparison.into(),
        text: text.to_owned(),
        number,
        negated,
    };
    assert_eq!(
        windows(&agent),
        [TaskQuery {
            filter: vec![
                term(Field::Busy, Comparison::Above, "", 50_000_000, false),
                term(Field::State, Comparison::Equal, "idle", 0, true),
            ],
            sort: TaskSort::Busy.into(),
            descending: true,
            limit: 2,
            ..TaskQuery::default()
        }]
    );
}

#[test]
fn ps_fetches_many_tasks_in_pages_and_sorts_them_here() {
    let (sandbox, agent) = with(Service::large(10_000));
    let answer = sandbox.run("ps --json --sort busy --limit 9000").json();
    let busy: Vec<_> = answer["tasks"]
        .as_array()
        .expect("tasks")
        .iter()
        .map(|task| task["busy_ms"].as_f64().expect("a time"))
        .collect();
    assert_eq!(busy.len(), 9_000);
    assert_eq!(answer["matched"], 10_000);
    assert!(busy.is_sorted_by(|a, b| a >= b), "largest first");
    assert_eq!(busy.first(), Some(&9_999.0));
    let after: Vec<_> = windows(&agent).iter().map(|query| query.after).collect();
    assert_eq!(after, [None, Some(4_095), Some(8_191), Some(9_999)]);
}

#[test]
fn a_task_that_ends_while_it_is_listed_does_not_end_the_listing() {
    let (sandbox, _agent) = with(Service {
        ends_meanwhile: Some(100),
        ..Service::large(10_000)
    });
    let answer = sandbox.run("ps --json").json();
    let wanted: Vec<_> = (0..10_000).filter(|id| *id != 100).collect();
    assert_eq!(ids(&answer["tasks"]), wanted);
}

#[test]
fn a_listing_ends_though_tasks_are_spawned_all_the_time() {
    let (sandbox, _agent) = with(Service {
        goes_on_spawning: true,
        ..Service::large(5_000)
    });
    let answer = sandbox.run("ps --json").json();
    assert_eq!(ids(&answer["tasks"]), (0..=5_000).collect::<Vec<_>>());
}

#[test]
fn ps_turns_an_order_around() {
    let (sandbox, _agent) = small();
    let by_id = sandbox.run("ps --json --reverse").json();
    assert_eq!(
        ids(&by_id["tasks"]),
        [SECOND_ROOT, 95, 90, 88, 31, 30, 12, 0]
    );
    let by_polls = sandbox
        .run("ps --json --sort polls --reverse --limit 5000")
        .json();
    assert_eq!(
        ids(&by_polls["tasks"]).last(),
        Some(&12),
        "the most polls last"
    );
}

#[test]
fn tree_shows_who_spawned_whom() {
    let (sandbox, _agent) = small();
    assert_snapshot!(sandbox.run("tree").answer());
}

#[test]
fn tree_as_json_nests_below_children() {
    let (sandbox, _agent) = small();
    let answer = sandbox.run("tree --json").json();
    assert_eq!(answer["process"], process());
    assert_eq!(answer["tiers"], tiers());
    assert_eq!(
        ids(&answer["tasks"]),
        [0, SECOND_ROOT, 30, 95],
        "roots first"
    );
    let accept_loop = &answer["tasks"][0]["children"][0];
    assert_eq!(
        accept_loop["spawned_at"],
        "demo-apps/hybrid-service/src/main.rs:63:9"
    );
    assert_eq!(ids(&accept_loop["children"]), [88, 90]);
    assert_eq!(accept_loop["children"][0]["children"], json!([]));
    let orphan = &answer["tasks"][3];
    assert_eq!(
        (&orphan["parent"], &orphan["parent_ended"]),
        (&json!(20), &json!(true))
    );
}

#[test]
fn tree_holds_every_task_of_many_pages() {
    let (sandbox, _agent) = with(Service::large(10_000));
    let answer = sandbox.run("tree --json").json();
    let count = |task: &Value| task["children"].as_array().expect("children").len();
    let root = &answer["tasks"][0];
    assert_eq!(count(root) + count(&root["children"][0]), 9_999);
}

#[test]
fn where_shows_a_task_below_its_ancestors() {
    let (sandbox, _agent) = small();
    assert_snapshot!(sandbox.run("where 88").answer());
}

#[test]
fn where_names_the_parent_that_has_ended() {
    let (sandbox, _agent) = small();
    let shown = sandbox.run("where 95");
    assert!(
        shown.answer().contains("parent        20, which has ended"),
        "{shown:#?}"
    );
}

#[test]
fn where_as_json() {
    let (sandbox, _agent) = small();
    let answer = sandbox.run("where 88 --json").json();
    assert_eq!(answer["task"]["id"], 88);
    assert_eq!(ids(&answer["ancestors"]), [0, 12]);
    assert_eq!(answer["children"], 0);
    assert_eq!(
        answer["unseen"],
        "what it waits for is not seen without the deep tier"
    );
    let stack = &answer["async_stack"];
    assert_eq!(
        (&stack["more"], &stack["missing"]),
        (&json!(0), &json!(null))
    );
    let frames = &stack["branches"][1]["frames"];
    assert_eq!(frames[0]["line"], 71);
    assert_eq!(
        (&frames[1]["in_app"], &frames[2]["in_app"]),
        (&json!(true), &json!(false))
    );
    let other = sandbox.run("where 12 --json").json();
    assert_eq!(
        other["async_stack"],
        json!({ "branches": [], "more": 0, "missing": "it was not spawned through stallscope" })
    );
    assert_eq!(
        (&answer["process"], &answer["tiers"]),
        (&process(), &tiers())
    );
}

#[test]
fn where_a_task_was_that_has_ended_lately_its_end_is_told() {
    let (sandbox, _agent) = small();
    assert_snapshot!(sandbox.run("where 96").answer());
    let told = sandbox.run("where 93").answer().to_owned();
    assert!(told.contains("outcome       aborted\n"), "{told}");
    let told = sandbox.run("where 97").answer().to_owned();
    assert!(told.contains("outcome       finished\n"), "{told}");
}

#[test]
fn where_a_task_was_as_json_is_the_task_of_ps_ended() {
    let (sandbox, _agent) = small();
    let answer = sandbox.run("where 96 --json").json();
    let listed = sandbox.run("ps --ended --json").json();
    assert_eq!(answer["task"], listed["tasks"][1]);
    assert_eq!(answer["task"]["outcome"], "panicked");
    assert_eq!(ids(&answer["ancestors"]), [0, 12]);
    assert_eq!(
        (&answer["children"], &answer["unseen"]),
        (&json!(null), &json!(null))
    );
    let alive = sandbox.run("where 88 --json").json();
    assert_eq!(alive["task"].get("outcome"), None);
}

#[test]
fn where_nothing_is_known_of_a_task_the_agent_says_so() {
    let (sandbox, _agent) = small();
    let gone = sandbox.run("where 89");
    assert_eq!(
        gone.complaint(3),
        format!(
            "process {}: no task 89 is alive: see `stallscope ps`",
            pid()
        )
    );
}

#[test]
fn doctor_gives_advice_below_each_finding() {
    let (sandbox, _agent) = small();
    assert_snapshot!(sandbox.run("doctor").answer());
}

#[test]
fn doctor_as_json() {
    let (sandbox, _agent) = small();
    let answer = sandbox.run("doctor --json").json();
    assert_eq!(
        answer["entries"],
        json!([
            {"level": "ok", "topic": "hooks", "message": "the hooks of tokio fire", "advice": null},
            {
                "level": "warning",
                "topic": "config",
                "message": "STALLSCOPE_THRESHOLD is `20`, expected a time like `20ms`: the default holds",
                "advice": "write STALLSCOPE_THRESHOLD=20ms",
            },
        ])
    );
    assert_eq!(
        (&answer["process"], &answer["tiers"]),
        (&process(), &tiers())
    );
}

#[test]
fn whoever_stops_reading_ends_the_output_quietly() {
    let (sandbox, _agent) = with(Service::large(5_000));
    for line in [
        "ps",
        "ps --json",
        "tree",
        "tree --json",
        "doctor",
        "findings",
        "findings --json",
        "stacks",
        "list",
        "--help",
    ] {
        let mut child = sandbox
            .stallscope(line)
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
        assert_eq!((status.code(), complaint.as_str()), (Some(0), ""), "{line}");
    }
}

#[test]
fn a_name_from_the_program_cannot_steer_the_terminal() {
    let mut service = Service::small();
    service.process.program = "evil\u{1b}[2J".to_owned();
    let name = "evil\u{1b}]0;title\u{7}";
    service.tasks[3].name = name.to_owned();
    for finding in service.findings.iter_mut().flatten() {
        for text in [&mut finding.rule, &mut finding.message, &mut finding.help] {
            *text = name.to_owned();
        }
        for frame in &mut finding.stack {
            frame.function = name.to_owned();
        }
    }
    for thread in &mut service.threads {
        for text in [
            &mut thread.name,
            &mut thread.state,
            &mut thread.doing,
            &mut thread.missing,
        ] {
            *text = name.to_owned();
        }
    }
    let (sandbox, _agent) = with(service);
    for line in [
        "list", "ps", "tree", "where 31", "doctor", "findings", "stacks",
    ] {
        let shown = sandbox.run(line);
        assert!(
            !shown.answer().contains(['\u{1b}', '\u{7}']),
            "{line}: {shown:?}"
        );
    }
}
