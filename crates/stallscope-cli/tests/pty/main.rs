//! The real binary in a real terminal, with an agent behind a real socket: it draws, takes keys, and leaves the terminal as
//! it was.

// The agent and the terminal are those of the view's own sessions, of which these tests need a part.
#[allow(dead_code)]
#[path = "../../src/tui/tests/agent/mod.rs"]
mod agent;
mod socket;
#[allow(dead_code)]
mod terminal;

use portable_pty::CommandBuilder;
use rustix::process::{Pid, Signal, kill_process};

use socket::Served;
use terminal::Terminal;

fn view(served: &Served, arguments: &[&str]) -> Terminal {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_stallscope"));
    command.args(arguments);
    command.env("XDG_RUNTIME_DIR", served.runtime_directory());
    Terminal::start(command, 80, 24)
}

#[test]
fn the_only_process_is_shown_keys_work_and_q_leaves_the_terminal_as_it_was() {
    let served = Served::new();
    let mut terminal = view(&served, &[]);
    terminal.expect("hybrid-service 4711");
    terminal.expect_taken_over();
    terminal.expect("×40");
    terminal.press("?");
    terminal.expect("Tree of tasks");
    // Escape and the next key together would be Alt and that key.
    terminal.press("\x1b");
    terminal.wait("tree without the help", |screen| {
        !screen.contents().contains("Tree of tasks")
    });
    terminal.press("/db conn\r");
    terminal.expect("3 of 47 tasks");
    terminal.resize(120, 40);
    terminal.expect("global queue");
    terminal.press("q");
    assert!(terminal.ended().success());
    terminal.expect_restored();
}

#[test]
fn the_death_of_the_process_is_told_and_the_view_can_still_be_left() {
    let served = Served::new();
    let mut terminal = view(&served, &["--pid", &std::process::id().to_string()]);
    terminal.expect("×40");
    served.end();
    terminal.expect("no connection for");
    terminal.expect("×40");
    terminal.press("q");
    assert!(terminal.ended().success());
    terminal.expect_restored();
}

#[test]
fn a_signal_to_end_leaves_the_terminal_as_it_was() {
    let served = Served::new();
    let mut terminal = view(&served, &[]);
    terminal.expect("×40");
    let pid = i32::try_from(terminal.pid())
        .ok()
        .and_then(Pid::from_raw)
        .expect("a process number");
    kill_process(pid, Signal::TERM).expect("our own child");
    terminal.ended();
    terminal.expect_restored();
}

#[test]
fn with_nothing_to_look_at_the_missing_line_is_named() {
    let served = Served::nothing();
    let mut terminal = view(&served, &[]);
    terminal.expect("#[stallscope::main]");
    terminal.press("\x03");
    assert!(terminal.ended().success());
    terminal.expect_restored();
}
