//! What is said where a process cannot be read from outside, and which commands can. What is read where it can is in
//! [`outside`](crate::outside).

use crate::answers::{pid, small};
use crate::support::{Bystander, Sandbox};

#[test]
fn a_program_without_types_is_told_what_brings_them() {
    let (sandbox, sleep) = (Sandbox::new(), Bystander::new());
    let pid = sleep.pid();
    for line in ["ps", "ps --json", "where 7", "stacks", "findings --for 1s"] {
        let session = sandbox.run(&format!("{line} --attach {pid}"));
        let complaint = session.complaint(3);
        assert!(complaint.contains("`debug = 2`"), "{line}: {complaint}");
    }
}

#[test]
fn a_process_that_is_not_there_is_named() {
    let sandbox = Sandbox::new();
    let pid = Bystander::new().end();
    assert_eq!(
        sandbox.run(&format!("ps --attach {pid}")).complaint(3),
        format!("there is no process {pid}: it may have ended")
    );
}

#[test]
fn what_makes_no_sense_from_outside_is_refused_before_anything_is_read() {
    let sandbox = Sandbox::new();
    let refused = [
        ("tree --attach 1", "with --attach there are"),
        (
            "list --attach 1",
            "this command takes neither --attach nor --core",
        ),
        (
            "attach 1 --attach 1",
            "this command takes neither --attach nor --core",
        ),
        ("attach 1 --pid 1", "`stallscope attach` takes none of"),
        ("ps --attach 1 --ended", "--ended needs stallscope"),
        ("ps --attach 1 --sort busy", "no order by `busy`"),
        ("ps --attach 1 -f age>3s", "no filter by `age`"),
        ("findings --attach 1", "say with --for how long"),
        ("findings --for 1s", "--for goes with --attach"),
        ("attach 1", "the view needs a terminal"),
        ("tree --core core", "with --core there are"),
        ("findings --core core", "with --core there are"),
        ("stacks --core core --stop", "in a core file no thread runs"),
    ];
    for (line, told) in refused {
        let session = sandbox.run(line);
        assert!(session.complaint(2).contains(told), "{line}: {session:?}");
    }
}

/// The agent of these tests has a stack of every task but a few, and its program, which is this one, has no tokio in it.
#[test]
fn where_the_agent_has_no_stack_it_is_said_why_nothing_was_read_from_outside() {
    let (sandbox, _agent) = small();
    let shown = sandbox.run("where 12");
    let line = shown
        .answer()
        .lines()
        .find(|line| line.starts_with("Nor from outside: "));
    assert!(line.is_some(), "{shown:#?}");
    let answer = sandbox.run("where 12 --json").json();
    assert_eq!(answer["outside"], serde_json::Value::Null);
    assert!(answer["outside_missing"].is_string(), "{answer:#}");
    let answer = sandbox.run("where 88 --json").json();
    assert_eq!(
        answer["outside_missing"],
        serde_json::Value::Null,
        "the agent of process {} has a stack of it",
        pid()
    );
}
