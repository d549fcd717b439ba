//! Each kind of wait is told by its own rule, at its line, once; and done well it is none.

use std::ffi::OsStr;

use stallscope_wire::message::{Certainty, Finding};

use crate::programs::{lack_of_lazy_memory, place_of};
use crate::support::{Client, Program};

fn start(cause: &str) -> Program {
    Program::start_with("causes", [("CAUSE", OsStr::new(cause))])
}

/// That a program which waits so makes one finding, with this rule, at the line of the cause's mark, and this in its message.
fn is_found(cause: &str, rule: &str, detail: &str) {
    let program = start(cause);
    let mut client = program.connect();
    let finding = client.finding_when(|finding| finding.rule == rule && finding.count >= 2);
    assert!(finding.message.contains(detail), "{}", finding.message);
    is_the_one(&mut client, &finding, cause);
}

fn is_the_one(client: &mut Client, finding: &Finding, cause: &str) {
    let (file, line) = place_of(&format!("cause: {cause}"));
    let location = finding.location.as_ref().expect("a line");
    assert!(
        location.file.ends_with(file) && location.line == line,
        "{finding:#?}"
    );
    assert_eq!(
        (finding.kind.as_str(), finding.certainty()),
        ("long-poll", Certainty::Proven)
    );
    assert!(finding.longest_ns >= 20_000_000, "{finding:#?}");
    let others = client
        .findings(false)
        .into_iter()
        .filter(|other| other.id != finding.id);
    let others: Vec<_> = others.map(|other| (other.rule, other.message)).collect();
    assert_eq!(others, [], "one fault, one finding");
}

/// That the same done without holding up a worker makes none.
fn is_no_finding(cause: &str) {
    let variables = [("CAUSE", OsStr::new(cause)), ("DONE_WELL", OsStr::new("1"))];
    let mut program = Program::start_with("causes", variables);
    program.expect("rounds are done");
    let findings = program.connect().findings(false).into_iter();
    let messages: Vec<_> = findings.map(|finding| finding.message).collect();
    assert_eq!(messages, [] as [&str; 0]);
}

#[test]
fn a_read_of_a_silent_peer() {
    is_found("network-io", "network-io", "on a socket to 127.0.0.1:");
    is_no_finding("network-io");
}

#[test]
fn a_read_of_an_empty_pipe() {
    is_found("pipe-io", "pipe-io", "read on a pipe");
    is_no_finding("pipe-io");
}

#[test]
fn a_read_of_an_empty_fifo() {
    is_found("fifo", "pipe-io", "slow.fifo");
    is_no_finding("fifo");
}

#[test]
fn an_executor_within_a_task() {
    is_found("block-on", "block-on", "ran another executor");
    is_no_finding("block-on");
}

#[test]
fn a_system_call_of_no_family() {
    is_found("syscall", "syscall", "read");
    is_no_finding("syscall");
}

#[test]
fn memory_that_is_not_there_yet() {
    if let Some(why) = lack_of_lazy_memory() {
        eprintln!("skipped: no userfaultfd here ({why})");
        return;
    }
    is_found("page-fault", "page-fault", "");
    is_no_finding("page-fault");
}

/// The C library's resolver reads the file that `HOSTALIASES` names before it asks a server: a pipe that nobody writes to is a look-up that
/// takes for ever, on any machine and without a network.
#[cfg(target_env = "gnu")]
#[test]
fn the_look_up_of_a_name() {
    use rustix::fs::{CWD, mkfifoat};

    let directory = tempfile::tempdir().expect("a directory");
    let aliases = directory.path().join("aliases");
    mkfifoat(CWD, &aliases, 0o600.into()).expect("a fifo");
    let variables = [
        ("CAUSE", OsStr::new("dns")),
        ("HOSTALIASES", aliases.as_os_str()),
    ];

    let program = Program::start_with("causes", variables);
    let mut client = program.connect();
    let finding = client.finding_when(|finding| finding.rule == "dns");
    assert!(finding.ongoing, "{finding:#?}");
    is_the_one(&mut client, &finding, "dns");

    let well = variables
        .into_iter()
        .chain([("DONE_WELL", OsStr::new("1"))]);
    let mut program = Program::start_with("causes", well);
    program.expect("rounds are done");
    assert_eq!(program.connect().findings(false), []);
}
