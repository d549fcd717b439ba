//! Bytes under a hardware watchpoint: what two threads do to them at the same time is told with both lines, and nothing else is.
//!
//! Where watchpoints are not to be had, the program's own doctor says so, and a test that needs them is skipped with that reason.

use std::ffi::OsStr;
use std::time::Instant;

use stallscope_wire::message::{Certainty, DoctorEntry, Finding, Level, Severity};

use crate::programs::place_of;
use crate::support::{Client, PATIENCE, Program};

const ON: (&str, &str) = ("STALLSCOPE_MEMORY_WATCH", "on");

fn start(name: &str) -> Program {
    let mut program = Program::start_with(name, [(ON.0, OsStr::new(ON.1))]);
    program.expect("it goes on");
    program
}

/// What the doctor says of it, once that is so.
fn doctor_when(client: &mut Client, is_so: impl Fn(&DoctorEntry) -> bool) -> DoctorEntry {
    let began = Instant::now();
    loop {
        let entries = client.doctor().entries;
        let entry = entries
            .into_iter()
            .find(|entry| entry.topic == "memory watch");
        if let Some(entry) = &entry
            && is_so(entry)
        {
            return entry.clone();
        }
        assert!(began.elapsed() < PATIENCE, "{entry:?}");
        std::thread::yield_now();
    }
}

/// Waits until a thread was held so often; false, with the reason, if this machine forbids it.
fn was_held(client: &mut Client, holds: u64) -> bool {
    let count = |entry: &DoctorEntry| {
        let number = entry.message.rsplit(' ').next();
        number
            .and_then(|number| number.parse::<u64>().ok())
            .unwrap_or(0)
    };
    let entry = doctor_when(client, |entry| {
        entry.level() == Level::Warning || count(entry) >= holds
    });
    let is_held = entry.level() == Level::Ok;
    if !is_held {
        eprintln!("skipped: {}", entry.message);
    }
    is_held
}

fn of_memory(client: &mut Client) -> Vec<Finding> {
    let mut findings = client.findings(false);
    findings.retain(|finding| finding.rule == "memory-watch");
    findings
}

#[test]
fn two_threads_at_the_same_bytes_are_told_with_both_lines() {
    let mut program = start("memory-badly");
    let mut client = program.connect();
    if !was_held(&mut client, 1) {
        return;
    }
    client.finding_when(|finding| finding.rule == "memory-watch");
    program.go_on();
    program.expect("all is done");
    let findings = of_memory(&mut client);
    let [finding] = findings.as_slice() else {
        panic!("exactly one: {findings:#?}");
    };
    let party = finding.parties.first().expect("the other side");
    for (location, mark) in [
        (&finding.location, "memory: written here"),
        (&party.location, "memory: read here"),
    ] {
        let location = location.as_ref().expect("a line");
        let (file, line) = place_of(mark);
        assert!(
            location.file.ends_with(file) && location.line == line,
            "{finding:#?}"
        );
    }
    assert_eq!(finding.parties.len(), 1);
    assert_ne!(finding.tid, party.tid);
    assert_eq!(finding.certainty(), Certainty::Proven);
    assert_eq!(finding.severity(), Severity::High);
    assert!(
        finding
            .stack
            .iter()
            .any(|frame| frame.function.contains("decode")),
        "{finding:#?}"
    );
    let (file, line) = place_of("memory: registered here");
    assert!(
        finding.message.contains(&format!("{file}:{line}`")),
        "{}",
        finding.message
    );
    assert!(
        finding
            .help
            .ends_with("findings.md#unsynchronized-state-memory-watch")
    );
    program.go_on();
}

#[test]
fn threads_that_take_turns_or_only_read_are_never_told() {
    let mut program = start("memory-well");
    let mut client = program.connect();
    if !was_held(&mut client, 12) {
        return;
    }
    assert_eq!(of_memory(&mut client), []);
    program.go_on();
}

#[test]
fn it_is_off_unless_it_is_asked_for_and_says_so() {
    let mut program = Program::start("memory-badly");
    program.expect("it goes on");
    let mut client = program.connect();
    let entry = doctor_when(&mut client, |_| true);
    assert_eq!(entry.level(), Level::Info);
    assert!(
        entry.message.contains("1 region is registered")
            && entry.message.contains("not watched")
            && entry.advice.contains("STALLSCOPE_MEMORY_WATCH=on"),
        "{entry:?}"
    );
    assert_eq!(of_memory(&mut client), []);
    program.go_on();
    program.expect("all is done");
    let entries = client.doctor().entries;
    assert!(
        entries.iter().all(|entry| entry.topic != "memory watch"),
        "nothing is registered any more: {entries:#?}"
    );
    program.go_on();
}

/// As in many containers.
#[cfg(target_os = "linux")]
#[test]
fn where_it_is_forbidden_that_is_said_once_and_the_program_goes_on() {
    let mut program = Program::start_with("memory-filtered", [(ON.0, OsStr::new(ON.1))]);
    if program.expect("filtered: ") != "true" {
        eprintln!("skipped: no seccomp filters here");
        return;
    }
    program.expect("it goes on");
    let mut client = program.connect();
    let entry = doctor_when(&mut client, |entry| entry.level() == Level::Warning);
    assert!(entry.message.contains("seccomp filter"), "{entry:?}");
    assert!(entry.advice.contains("perf_event_open"), "{entry:?}");
    assert_eq!(of_memory(&mut client), []);
    program.go_on();
    program.expect("all is done");
    let (status, errors) = program.finish();
    assert!(status.success(), "{status}");
    let said = errors.iter().filter(|line| line.contains("watch_memory"));
    assert_eq!(said.count(), 1, "{errors:?}");
}
