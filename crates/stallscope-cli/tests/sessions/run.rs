//! `stallscope run` where no view can be drawn: the program runs as if it had been started directly.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::program;
use crate::support::{Sandbox, Session};

#[test]
fn a_program_that_ends_first_gives_its_status() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.stallscope("run -- sh -c");
    let session = Session::of(command.arg("echo out; echo err >&2; exit 7"));
    session.expect_status(7);
    assert_eq!(
        (session.stdout.as_str(), session.stderr.as_str()),
        ("out\n", "err\n")
    );
}

#[test]
fn a_program_killed_by_a_signal_has_ended_as_shells_say_it() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.stallscope("run sh -c");
    Session::of(command.arg("kill -KILL $$")).expect_status(137);
}

#[test]
fn a_program_that_cannot_be_started_is_told_so() {
    let sandbox = Sandbox::new();
    assert_eq!(
        sandbox.run("run -- /nowhere/program --flag").complaint(2),
        "`/nowhere/program` cannot be started: No such file or directory (os error 2); give a program that is in PATH, or \
         its path"
    );
}

#[test]
fn a_program_without_socket_is_told_which_line_is_missing_and_runs_on() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.stallscope("run -- cat");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut hint = String::new();
    BufReader::new(child.stderr.take().expect("piped"))
        .read_line(&mut hint)
        .expect("a hint");
    assert_eq!(
        hint,
        "stallscope: `cat` shows no stallscope socket after 3 s and runs on: put `#[stallscope::main]` in place of \
         `#[tokio::main]` above its `async fn main`\n"
    );
    // Its input and output are still its own.
    let mut input = child.stdin.take().expect("piped");
    input.write_all(b"still here\n").expect("cat reads");
    drop(input);
    let output = child.wait_with_output().expect("its end");
    assert_eq!(
        (output.status.code(), output.stdout.as_slice()),
        (Some(0), b"still here\n".as_slice())
    );
}

#[test]
fn a_signal_to_end_reaches_the_program() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.stallscope("run -- sh -c");
    let mut child = command
        .arg("trap 'echo ended; exit 5' TERM; echo ready; while :; do sleep 0.05; done")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    assert_eq!(lines.next().expect("a line").expect("text"), "ready");
    let pid = Pid::from_raw(child.id().cast_signed()).expect("a pid");
    kill_process(pid, Signal::TERM).expect("sent");
    assert_eq!(lines.next().expect("a line").expect("text"), "ended");
    assert_eq!(child.wait().expect("its end").code(), Some(5));
}

#[test]
fn where_the_view_cannot_be_drawn_it_is_said_how_to_open_it() {
    let sandbox = Sandbox::new();
    // The program is started by a shell that stays: the socket belongs to a child of what was started.
    let mut child = sandbox
        .stallscope("run -- sh -c")
        .arg(format!("{}; exit $?", program::command_line()))
        .env(program::PLAY, sandbox.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut told = String::new();
    BufReader::new(child.stderr.take().expect("piped"))
        .read_line(&mut told)
        .expect("a line");
    assert!(
        told.starts_with(
            "stallscope: no terminal to draw on; `stallscope` on another one opens the view of process "
        ),
        "{told}"
    );
    program::end(&sandbox);
    assert_eq!(child.wait().expect("its end").code(), Some(0));
}
