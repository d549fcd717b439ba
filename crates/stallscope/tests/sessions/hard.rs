//! Where privileges, `/proc` or symbols are missing: it works, or says what is missing.
//!
//! What a machine does not allow to be tried is skipped, with the reason.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use rustix::process::getuid;
use stallscope_wire::message::Level;

use crate::programs::place_of;
use crate::support::Program;

const NOBODY: u32 = 65534;

/// Nobody, who has no capabilities, if we are root; else we have none anyway.
fn without_privileges(mut command: Command, directory: &Path) -> Command {
    if getuid().is_root() {
        chown(directory, Some(NOBODY), Some(NOBODY)).expect("root may");
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// Whether nobody may run this very program.
fn nobody_may_run() -> bool {
    let mut command = Command::new(std::env::current_exe().expect("this test binary"));
    command.arg("--list").stdout(Stdio::null());
    if getuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let may = command.status();
    if !may.as_ref().is_ok_and(ExitStatus::success) {
        eprintln!("skipped: uid {NOBODY} cannot run this test binary ({may:?})");
        return false;
    }
    true
}

#[test]
fn a_user_without_any_privilege_sees_all() {
    if !nobody_may_run() {
        return;
    }
    let program = Program::start_as("stalled-root", without_privileges);
    let finding = program
        .connect()
        .finding_when(|finding| finding.rule == "sleep");
    let (file, line) = place_of("root: stalls here");
    let location = finding.location.as_ref().expect("a line");
    assert!(
        location.file.ends_with(file) && location.line == line,
        "{finding:#?}"
    );
}

/// That a stall is found, but neither its cause nor its line, and that doctor says why.
fn is_blind(program: &Program) {
    let mut client = program.connect();
    let finding = client.finding_when(|finding| finding.rule == "unknown" && finding.count >= 2);
    let (file, line) = place_of("root: spawned here");
    assert_eq!(finding.location, None);
    assert!(
        finding.message.contains(&format!("{file}:{line}:")),
        "{}",
        finding.message
    );
    assert!(finding.longest_ns >= 20_000_000, "{finding:#?}");
    let doctor = client.doctor();
    let told = doctor.entries.iter().any(|entry| {
        entry.level() == Level::Warning
            && entry.topic == "stacks"
            && entry.message.contains("syscall")
    });
    assert!(told, "{doctor:#?}");
}

#[test]
fn a_process_that_may_not_be_dumped_is_told_what_it_hides() {
    if nobody_may_run() {
        is_blind(&Program::start_as("undumpable", without_privileges));
    }
}

#[test]
fn a_process_without_proc_is_told_so() {
    let hide = "mount -t tmpfs none /proc";
    let tried = Command::new("unshare")
        .args(["-rm", "sh", "-c", hide])
        .output();
    if !tried.as_ref().is_ok_and(|tried| tried.status.success()) {
        eprintln!("skipped: no namespaces here ({tried:?})");
        return;
    }
    let program = Program::start_as("stalled-root", |command, _| {
        let mut hidden = Command::new("unshare");
        hidden.args(["-rm", "sh", "-c", &format!("{hide} && exec \"$0\" \"$@\"")]);
        hidden.arg(command.get_program());
        with_all_of(hidden, &command)
    });
    is_blind(&program);
}

#[test]
fn a_stripped_program_leaves_what_its_frames_can_be_resolved_by() {
    let own = std::env::current_exe().expect("this test binary");
    let directory = tempfile::tempdir().expect("a directory");
    let stripped = directory.path().join("stripped");
    let tried = Command::new("strip")
        .arg("-o")
        .arg(&stripped)
        .arg(own)
        .output();
    if !tried.as_ref().is_ok_and(|tried| tried.status.success()) {
        eprintln!("skipped: no strip here ({tried:?})");
        return;
    }
    let program = Program::start_as("stalled-root", |command, _| {
        with_all_of(Command::new(&stripped), &command)
    });
    let mut client = program.connect();
    let finding = client.finding_when(|finding| finding.rule == "sleep" && finding.count >= 2);
    assert_eq!(finding.location, None);
    let (file, line) = place_of("root: spawned here");
    assert!(
        finding.message.contains(&format!("{file}:{line}:")),
        "{}",
        finding.message
    );
    let of_program = || {
        finding
            .stack
            .iter()
            .filter(|frame| frame.module.ends_with("/stripped"))
    };
    assert!(of_program().count() > 10, "{finding:#?}");
    assert!(
        of_program().all(|frame| frame.module_offset > 0 && frame.function.is_empty()),
        "{finding:#?}"
    );
    assert!(
        of_program().all(|frame| !frame.build_id.is_empty()),
        "{finding:#?}"
    );
}

/// The arguments and variables of another command.
fn with_all_of(mut command: Command, other: &Command) -> Command {
    command.args(other.get_args());
    for (name, value) in other.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command
}
