//! The real binary in a real terminal, with an agent behind a real socket: it draws, takes keys, and leaves the terminal as
//! it was.

// The agent and the terminal are those of the view's own sessions, of which these tests need a part.
#[allow(dead_code)]
#[path = "../../src/tui/tests/agent/mod.rs"]
mod agent;
mod socket;
#[allow(dead_code)]
mod terminal;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use portable_pty::CommandBuilder;
use rustix::process::{Pid, Signal, kill_process};

use agent::FakeAgent;
use socket::Served;
use terminal::Terminal;

fn view(served: &Served, arguments: &[&str]) -> Terminal {
    Terminal::start(command(served, arguments), 80, 24)
}

fn command(served: &Served, arguments: &[&str]) -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_stallscope"));
    command.args(arguments);
    command.env("XDG_RUNTIME_DIR", served.runtime_directory());
    command
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
fn no_key_waits_for_the_next_one_while_the_window_changes_its_size() {
    let served = Served::new();
    let mut terminal = view(&served, &[]);
    terminal.expect("×40");
    terminal.press("/");
    let text = "these keys are pressed while somebody drags the window's edge";
    for end in 1..=text.len() {
        terminal.resize(if end % 2 == 0 { 100 } else { 120 }, 40);
        terminal.press(&text[end - 1..end]);
        terminal.expect(text[..end].trim_end());
    }
    terminal.press("\x03");
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

#[test]
fn the_editor_has_the_terminal_and_every_key_until_it_ends() {
    let served = Served::with(&FakeAgent::hybrid_service().with_a_stall());
    let workspace = workspace();
    let typed = workspace.path().join("typed");
    // Tells what it was called with and how it finds the terminal, and keeps a line that is typed.
    let editor = script(
        workspace.path(),
        &format!(
            "echo \"editing $*\"\nread line\necho \"$line\" > {}",
            typed.display()
        ),
    );
    let mut command = command(&served, &[]);
    command.cwd(workspace.path().join("demo-apps"));
    command.env("EDITOR", editor);
    let mut terminal = Terminal::start(command, 100, 40);
    terminal.expect("1 FINDING");
    terminal.press("\r");
    terminal.expect("▶ 41 │ let rows = std::fs::read(path)?; // line 41");
    terminal.press("o");
    terminal.expect("editing +41 ");
    terminal.expect_restored();
    terminal.press("every key arrives\r");
    terminal.expect_taken_over();
    terminal.expect("▶ 41 │");
    assert_eq!(
        fs::read_to_string(typed).ok().as_deref(),
        Some("every key arrives\n")
    );
    // The keys are the view's again.
    terminal.press("\x1b");
    terminal.expect("1 FINDING");
    terminal.press("q");
    assert!(terminal.ended().success());
    terminal.expect_restored();
}

#[test]
fn without_an_editor_the_view_says_what_to_set() {
    let served = Served::with(&FakeAgent::hybrid_service().with_a_stall());
    let workspace = workspace();
    for (editor, told) in [
        ("", "set EDITOR"),
        (
            "/nowhere/vi",
            "/nowhere/vi, named by EDITOR, could not be started",
        ),
        ("false", "false ended with exit status: 1"),
    ] {
        let mut command = command(&served, &[]);
        command.cwd(workspace.path());
        command.env("EDITOR", editor);
        let mut terminal = Terminal::start(command, 120, 40);
        terminal.expect("1 FINDING");
        terminal.press("\r");
        terminal.expect("▶ 41 │");
        terminal.press("o");
        terminal.expect(told);
        terminal.expect_taken_over();
        terminal.press("q");
        assert!(terminal.ended().success());
    }
}

/// Where the program of the agent was built.
fn workspace() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a temporary directory");
    let source = root.path().join("demo-apps/hybrid-service/src");
    fs::create_dir_all(&source).expect("our own directory");
    let lines: Vec<String> = (1..=80)
        .map(|line| format!("let rows = std::fs::read(path)?; // line {line}"))
        .collect();
    fs::write(source.join("report.rs"), lines.join("\n")).expect("our own directory");
    root
}

fn script(directory: &Path, text: &str) -> String {
    let path = directory.join("editor");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("our own directory");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("our own file");
    path.display().to_string()
}
