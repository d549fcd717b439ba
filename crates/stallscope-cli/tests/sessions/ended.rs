//! What `ps --ended` and `cancel` tell, and with which exit status.

use insta::assert_snapshot;
use serde_json::json;
use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{Cancellation, EndedTask, Outcome};

use crate::answers::{process, small, tiers, with};
use crate::support::agent::Agent;
use crate::support::service::Service;
use crate::support::{Sandbox, Session};

#[test]
fn ended_tasks_come_with_how_they_ended() {
    let (sandbox, _agent) = small();
    assert_snapshot!(sandbox.run("ps --ended").answer());
}

#[test]
fn ended_tasks_as_json_are_those_of_ps_and_their_end() {
    let (sandbox, _agent) = small();
    let answer = sandbox.run("ps --ended --limit 2 --json").json();
    assert_eq!(
        (&answer["process"], &answer["tiers"]),
        (&process(), &tiers())
    );
    assert_eq!(
        (&answer["finished"], &answer["panicked"], &answer["aborted"]),
        (&json!(9_860), &json!(1), &json!(6))
    );
    let outcomes: Vec<_> = answer["tasks"]
        .as_array()
        .expect("tasks")
        .iter()
        .map(|task| (&task["id"], &task["outcome"]))
        .collect();
    assert_eq!(
        outcomes,
        [
            (&json!(97), &json!("finished")),
            (&json!(96), &json!("panicked"))
        ]
    );
    assert_eq!(
        answer["tasks"][1],
        json!({
            "id": 96, "parent": 12, "parent_ended": false, "name": null, "kind": "task", "state": "ended",
            "spawned_at": "/home/me/.cargo/registry/src/a-registry-1949cf8c/hyper-util-0.1.17/src/rt/tokio.rs:33:9",
            "age_ms": 9_800.0, "idle_ms": 0.0, "polling_ms": 0.0, "polls": 4, "busy_ms": 2.0, "longest_poll_ms": 1.0,
            "worker": null, "runtime": 0,
            "outcome": "panicked", "panic": "called `Option::unwrap()` on a `None` value", "ended_ms_ago": 1_200.0,
        })
    );
}

#[test]
fn ended_tasks_are_not_filtered_or_sorted_and_that_is_said() {
    let sandbox = Sandbox::new();
    let complaint = sandbox
        .run("ps --ended --sort busy")
        .complaint(2)
        .to_owned();
    assert!(
        complaint.contains("--ended") && complaint.contains("--sort"),
        "{complaint}"
    );
}

/// A service whose task 88 is said to be so when it is asked about for the first time, the second, …
fn cancelling(stages: Vec<Cancellation>) -> (Sandbox, Agent) {
    with(Service {
        cancellations: stages,
        ..Service::small()
    })
}

fn alive() -> Cancellation {
    let task = Service::small()
        .tasks
        .into_iter()
        .find(|task| task.id == 88);
    Cancellation {
        alive: true,
        task,
        ..Cancellation::default()
    }
}

fn gone(outcome: Outcome) -> Cancellation {
    Cancellation {
        ended: Some(EndedTask {
            outcome: outcome.into(),
            ..EndedTask::default()
        }),
        ..Cancellation::default()
    }
}

#[test]
fn a_cancelled_task_is_waited_for_until_it_is_gone() {
    let (sandbox, agent) = cancelling(vec![alive(), alive(), gone(Outcome::Aborted)]);
    let told = sandbox.run("cancel 88 --wait 60s").answer().to_owned();
    let begins =
        "task 88, spawned at hyper-util-0.1.17/src/rt/tokio.rs:33:9, was aborted and is gone (";
    assert!(told.starts_with(begins), "{told}");
    let asked = agent.heard().into_iter().filter(
        |question| matches!(question.topic, Some(Topic::Cancel(query)) if query.task == 88),
    );
    assert_eq!(asked.count(), 3);
}

#[test]
fn how_it_ended_is_told_as_it_was() {
    for (outcome, words) in [
        (Outcome::Finished, "finished by itself"),
        (Outcome::Panicked, "ended with a panic"),
        (Outcome::Unknown, "is gone ("),
    ] {
        let (sandbox, _agent) = cancelling(vec![gone(outcome)]);
        let told = sandbox.run("cancel 88").answer().to_owned();
        assert!(told.contains(words), "{told}");
    }
    let (sandbox, _agent) = cancelling(vec![gone(Outcome::Aborted)]);
    let answer = sandbox.run("cancel 88 --json").json();
    assert_eq!(
        (
            &answer["task"],
            &answer["alive"],
            &answer["outcome"],
            &answer["thread"]
        ),
        (&json!(88), &json!(false), &json!("aborted"), &json!(null))
    );
}

#[test]
fn a_task_that_will_not_die_is_reported_with_where_it_is_stuck() {
    let (sandbox, _agent) = cancelling(vec![alive()]);
    let stuck: Session = sandbox.run("cancel 88 --wait 1ms");
    stuck.expect_status(1);
    for wanted in [
        "is still alive",
        "a poll of it has lasted 55ms, and it is dropped when that ends",
        "thread 4713 \"tokio-rt-worker\", worker 1",
        "hybrid_service::report::render",
    ] {
        assert!(stuck.stdout.contains(wanted), "{wanted}: {stuck:#?}");
    }
    let stuck = sandbox.run("cancel 88 --wait 1ms --json");
    stuck.expect_status(1);
    let answer: serde_json::Value = serde_json::from_str(&stuck.stdout).expect("one JSON object");
    assert_eq!(
        (
            &answer["alive"],
            &answer["outcome"],
            &answer["thread"]["tid"]
        ),
        (&json!(true), &json!(null), &json!(4713))
    );
}

#[test]
fn a_program_that_allows_no_control_says_so() {
    let (sandbox, _agent) = small();
    let complaint = sandbox.run("cancel 88").complaint(3).to_owned();
    assert!(
        complaint.contains("control is off in this play"),
        "{complaint}"
    );
    let complaint = Sandbox::new()
        .run("cancel 88 --wait 5")
        .complaint(2)
        .to_owned();
    assert!(complaint.contains("5s or 500ms"), "{complaint}");
}
