//! A full blocking pool and a runtime that nobody drives are told, with a line; what only looks like it is not.

#[cfg(tokio_unstable)]
use stallscope_wire::message::Finding;

#[cfg(tokio_unstable)]
use crate::programs::place_of;
use crate::support::Program;

#[cfg(tokio_unstable)]
fn is_at(finding: &Finding, mark: &str) {
    let location = finding.location.as_ref().expect("a line");
    let (file, line) = place_of(mark);
    assert!(location.file.ends_with(file), "{location:?}");
    assert_eq!(location.line, line, "{finding:#?}");
}

#[cfg(tokio_unstable)]
#[test]
fn a_full_blocking_pool_is_told_with_the_line_that_fills_it() {
    let mut program = Program::start("full-pool");
    let mut client = program.connect();
    let finding = client.finding_when(|finding| finding.rule == "blocking-pool");
    is_at(&finding, "pool: full here");
    assert!(
        finding.ongoing && finding.longest_ns >= 100_000_000,
        "{finding:#?}"
    );
    assert!(finding.queued_behind > 20, "{finding:#?}");
    assert!(
        finding
            .message
            .contains("the blocking pool has been blocked")
            && finding.message.contains("closures waiting"),
        "{}",
        finding.message
    );
    assert_eq!(
        client.findings(false).len(),
        1,
        "closures may block: no finding of their own"
    );
    program.go_on();
}

#[cfg(tokio_unstable)]
#[test]
fn tasks_that_nobody_polls_are_told_with_the_place_of_the_thread() {
    let program = Program::start("undriven");
    let mut client = program.connect();
    let finding = client.finding_when(|finding| finding.rule == "starvation");
    is_at(&finding, "undriven: the thread is here");
    assert!(finding.ongoing, "{finding:#?}");
    assert_eq!(client.findings(false).len(), 1);
}

#[test]
fn a_busy_pool_and_a_long_queue_are_no_trouble() {
    for (name, done) in [
        ("busy-pool", "the pool was busy"),
        ("long-queue", "the queue is empty"),
    ] {
        let mut program = Program::start(name);
        program.expect(done);
        let found: Vec<_> = program.connect().findings(false);
        assert_eq!(found, [], "{name}");
        program.go_on();
    }
}
