//! How tasks have ended is told for those spawned through stallscope, and their panics pass unchanged.

use std::collections::HashMap;

use stallscope_wire::message::{
    EndedQuery, EndedTask, EndedWindow, Level, Outcome, TaskState, subscribe::Topic, update,
};

use crate::programs::place_of;
use crate::support::{Client, Program, patiently};

fn ended(client: &mut Client, limit: u32) -> EndedWindow {
    match client.ask(Topic::Ended(EndedQuery { limit })) {
        Ok(update::Body::Ended(window)) => window,
        other => panic!("no ended tasks: {other:?}"),
    }
}

/// The tasks that ended, by name, once this many have.
fn all(client: &mut Client, count: usize) -> (EndedWindow, HashMap<String, EndedTask>) {
    let window = patiently(|| {
        let window = ended(client, 0);
        if window.tasks.len() == count {
            Ok(window)
        } else {
            Err(format!("{window:#?}"))
        }
    });
    let by_name = |ended: &EndedTask| {
        let task = ended.task.clone().unwrap_or_default();
        (task.name, ended.clone())
    };
    let tasks = window.tasks.iter().map(by_name).collect();
    (window, tasks)
}

const WAYS: usize = 7;

#[test]
fn each_way_to_end_is_told_apart() {
    let mut program = Program::start("ways-to-end");
    let mut client = program.connect();
    program.expect("the payload is the same");
    let (window, tasks) = all(&mut client, WAYS);

    let told = |name: &str| {
        let task = &tasks[name];
        (task.outcome(), task.panic.as_deref())
    };
    assert_eq!(told("finishes"), (Outcome::Finished, None));
    assert_eq!(told("its child"), (Outcome::Finished, None));
    assert_eq!(told("is aborted"), (Outcome::Aborted, None));
    assert_eq!(told("left"), (Outcome::Aborted, None));
    assert_eq!(told("panics with a value"), (Outcome::Panicked, None));
    assert_eq!(told("explodes"), (Outcome::Panicked, None));
    assert_eq!(
        told("detached"),
        (Outcome::Panicked, Some("the query works"))
    );
    assert_eq!(
        (window.finished, window.panicked, window.aborted),
        (2, 3, 2)
    );
    assert!(program.finish().0.success());
}

#[test]
fn an_ended_task_keeps_its_place_parent_and_times() {
    let program = Program::start("ways-to-end");
    let mut client = program.connect();
    let (window, tasks) = all(&mut client, WAYS);

    for (name, mark) in [
        ("finishes", "ended: finishes"),
        ("is aborted", "ended: is aborted"),
        ("panics with a value", "ended: panics with a value"),
        ("explodes", "ended: panics in a destructor"),
        ("left", "ended: goes with its runtime"),
        ("detached", "ended: panics detached"),
    ] {
        let task = tasks[name].task.as_ref().expect("a task");
        let site = window
            .sites
            .iter()
            .find(|site| site.id == task.site)
            .expect("its place");
        let (file, line) = place_of(mark);
        assert!(
            site.file.ends_with(file) && site.line == line,
            "{name}: {site:?}"
        );
        assert_eq!(task.state(), TaskState::Ended, "{name}");
    }
    let detached = tasks["detached"].task.as_ref().expect("a task");
    let child = tasks["its child"].task.as_ref().expect("a task");
    assert_eq!(
        (child.parent, child.parent_ended),
        (Some(detached.id), true)
    );

    let finished = tasks["finishes"].task.as_ref().expect("a task");
    assert!(finished.polls >= 3, "{finished:#?}");
    assert!(finished.age_ns >= 5_000_000, "{finished:#?}");
    assert!(
        0 < finished.longest_poll_ns
            && finished.longest_poll_ns <= finished.busy_ns
            && finished.busy_ns < finished.age_ns,
        "{finished:#?}"
    );
    let latest_first = window.tasks.is_sorted_by_key(|task| task.ago_ns);
    assert!(latest_first, "{window:#?}");
    let ids = |tasks: &[EndedTask]| -> Vec<_> {
        let id = |ended: &EndedTask| ended.task.as_ref().map(|task| task.id);
        tasks.iter().map(id).collect()
    };
    let two = ended(&mut client, 2);
    assert_eq!(ids(&two.tasks), ids(&window.tasks[..2]));
    assert_eq!(
        client
            .tasks()
            .tasks
            .iter()
            .filter(|task| task.id != 0)
            .count(),
        0,
        "none of them is alive"
    );
}

#[test]
fn a_panic_that_nobody_awaits_stands_in_doctor_and_fails_nothing() {
    let program = Program::start("ways-to-end");
    let mut client = program.connect();
    all(&mut client, WAYS);
    let doctor = client.doctor();
    let told = doctor
        .entries
        .iter()
        .find(|entry| entry.topic == "panics")
        .expect("an entry");
    assert_eq!(told.level(), Level::Info);
    assert_eq!(
        told.message,
        "3 tasks spawned through stallscope have panicked"
    );
    assert!(told.advice.contains("ps --ended"), "{told:?}");
    assert!(program.finish().0.success());
}
