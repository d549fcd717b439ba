//! A client can abort a task where the application allows it, and only those that can be; the rest is told.

use std::ffi::OsStr;

use stallscope_wire::message::{
    CancelQuery, Cancellation, Outcome, Task, subscribe::Topic, update,
};

use crate::support::{Client, Program, patiently};

fn start(name: &str, control: &str) -> Program {
    Program::start_with(name, [("STALLSCOPE_CONTROL", OsStr::new(control))])
}

fn cancel(client: &mut Client, task: u64) -> Result<Cancellation, String> {
    match client.ask(Topic::Cancel(CancelQuery { task }))? {
        update::Body::Cancel(cancellation) => Ok(cancellation),
        other => panic!("an answer to another question: {other:?}"),
    }
}

/// Asks until the task is gone, and returns how it ended.
fn cancel_until_gone(client: &mut Client, task: u64) -> Outcome {
    patiently(|| match cancel(client, task) {
        Ok(Cancellation {
            alive: false,
            ended: Some(ended),
            ..
        }) => Ok(ended.outcome()),
        other => Err(format!("{other:?}")),
    })
}

/// What the greeting says of it.
fn allows_control(client: &Client) -> bool {
    let process = client.welcome.process.as_ref();
    process.expect("a process").control
}

/// The task of this name, once it runs.
fn named(client: &mut Client, name: &str) -> Task {
    let tasks = client.tasks_when(|tasks| tasks.tasks.iter().any(|task| task.name == name));
    let named = |task: &Task| task.name == name;
    tasks.tasks.into_iter().find(named).expect("just seen")
}

fn id(program: &mut Program, name: &str) -> u64 {
    let id = program.expect(&format!("{name} is "));
    id.parse().expect("a task's id")
}

#[test]
fn a_spawned_task_is_aborted_and_its_values_are_dropped_by_a_worker() {
    let mut program = start("can-be-aborted", "on");
    let mut client = program.connect();
    let spawned = named(&mut client, "spawned").id;
    assert_eq!(cancel_until_gone(&mut client, spawned), Outcome::Aborted);
    let thread = program.expect("spawned is dropped by ");
    assert_ne!(thread, "stallscope", "never on our thread");

    let gone = client.tasks_when(|tasks| tasks.tasks.iter().all(|task| task.id != spawned));
    assert!(gone.tasks.iter().any(|task| task.name == "stubborn"));
    assert_eq!(cancel_until_gone(&mut client, spawned), Outcome::Aborted);
}

#[test]
fn a_registered_task_is_aborted_though_its_outcome_is_not_seen() {
    let mut program = start("can-be-aborted", "on");
    let registered = id(&mut program, "registered");
    let mut client = program.connect();
    assert_eq!(cancel_until_gone(&mut client, registered), Outcome::Unknown);
    let thread = program.expect("registered is dropped by ");
    assert_ne!(thread, "stallscope", "never on our thread");
}

#[test]
fn a_task_of_one_thread_is_dropped_there() {
    let mut program = start("local-can-be-aborted", "on");
    let local = id(&mut program, "local");
    let mut client = program.connect();
    assert_eq!(cancel_until_gone(&mut client, local), Outcome::Unknown);
    // The thread of the program's test: that which runs the runtime.
    assert_eq!(program.expect("local is dropped by "), "program");
    assert!(program.finish().0.success());
}

#[test]
fn a_task_that_is_stuck_stays_and_says_for_how_long() {
    let mut program = start("can-be-aborted", "on");
    program.expect("stubborn is stuck");
    let mut client = program.connect();
    let stubborn = named(&mut client, "stubborn").id;
    let polling = |cancellation: &Cancellation| {
        let task = cancellation.task.as_ref().expect("it is seen");
        assert!(cancellation.alive && cancellation.ended.is_none());
        assert_eq!(cancellation.sites[0].id, task.site);
        task.polling_ns
    };
    // It runs before whoever has spawned it has its handle.
    let first = polling(&patiently(|| cancel(&mut client, stubborn)));
    let later = polling(&cancel(&mut client, stubborn).expect("it can be asked about"));
    assert!(0 < first && first < later, "{first} {later}");

    program.go_on();
    assert_eq!(cancel_until_gone(&mut client, stubborn), Outcome::Aborted);
    assert_ne!(program.expect("stubborn is dropped by "), "stallscope");
}

#[test]
fn what_cannot_be_aborted_is_told_with_the_reason() {
    let mut program = start("can-be-aborted", "on");
    let unknown = id(&mut program, "unknown");
    let mut client = program.connect();
    assert!(allows_control(&client));
    let why = cancel(&mut client, unknown).expect_err("nobody has its handle");
    let wanted = if cfg!(tokio_unstable) {
        "stallscope::cancellable"
    } else {
        "was spawned without stallscope"
    };
    assert!(why.contains(wanted), "{why}");
    let why = cancel(&mut client, 0).expect_err("the root future");
    assert!(why.contains("end the program"), "{why}");
    let why = cancel(&mut client, 123_456).expect_err("there is none");
    assert!(why.contains("123456"), "{why}");
    program.go_on();
    program.expect("alive: registered true, unknown true");
}

#[test]
fn without_permission_nothing_is_aborted_and_the_knob_is_named() {
    for control in ["off", "onn"] {
        let mut program = start("can-be-aborted", control);
        let registered = id(&mut program, "registered");
        let mut client = program.connect();
        assert!(!allows_control(&client));
        let spawned = named(&mut client, "spawned").id;
        for task in [spawned, registered, 0, 123_456] {
            let why = cancel(&mut client, task).expect_err("not allowed");
            assert!(why.contains("STALLSCOPE_CONTROL=on"), "{why}");
        }
        assert_eq!(named(&mut client, "spawned").id, spawned);
        program.go_on();
        program.expect("alive: registered true, unknown true");
    }
}
