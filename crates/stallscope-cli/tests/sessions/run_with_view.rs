//! `stallscope run` in a terminal: the view opens on the program and ends with it.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::CommandBuilder;

use crate::program;
use crate::support::Sandbox;
use crate::terminal::Terminal;

fn run(sandbox: &Sandbox, shell: &str) -> Terminal {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_stallscope"));
    command.args(["run", "--", "sh", "-c", shell]);
    command.env("XDG_RUNTIME_DIR", sandbox.path());
    command.env(program::PLAY, sandbox.path());
    Terminal::start(command, 120, 24)
}

/// Whether a process of this number runs; one that only waits to be reaped does not.
fn runs(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        stat.rsplit_once(')')
            .is_some_and(|(_, behind_name)| !behind_name.trim_start().starts_with('Z'))
    })
}

/// Those who were told to end do so in their own time.
#[track_caller]
fn expect_gone(pid: u32) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while runs(pid) {
        assert!(Instant::now() < deadline, "process {pid} runs on");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn leaving_the_view_ends_the_program_and_all_it_started() {
    let sandbox = Sandbox::new();
    let mut terminal = run(&sandbox, &format!("{}; exit 3", program::command_line()));
    terminal.expect_taken_over();
    terminal.expect("hybrid-service");
    let pids = program::pids(&sandbox);
    let [pid] = pids[..] else {
        panic!("one program, one socket: {pids:?}");
    };
    assert!(runs(pid), "it is looked at");
    terminal.press("q");
    assert!(terminal.ended().success(), "ended as wished");
    terminal.expect_restored();
    expect_gone(pid);
}

#[test]
fn what_the_program_printed_meanwhile_is_shown_afterwards_with_its_status() {
    let sandbox = Sandbox::new();
    let mut terminal = run(&sandbox, &format!("{}; exit 3", program::command_line()));
    terminal.expect("hybrid-service");
    program::end(&sandbox);
    terminal.expect("no connection for");
    terminal.wait("output over the view", |screen| {
        !screen.contents().contains(program::GOODBYE)
    });
    terminal.press("q");
    assert_eq!(terminal.ended().exit_code(), 3, "the program's own status");
    terminal.expect_restored();
    terminal.expect(program::GOODBYE);
}

#[test]
fn without_a_socket_the_program_is_seen_and_ctrl_c_ends_it() {
    let sandbox = Sandbox::new();
    let mut terminal = run(&sandbox, "echo at work; sleep 1000");
    terminal.expect("at work");
    terminal.expect("put `#[stallscope::main]` in place of");
    terminal.press("\x03");
    assert_eq!(
        terminal.ended().exit_code(),
        130,
        "killed by SIGINT, as shells say it"
    );
}
