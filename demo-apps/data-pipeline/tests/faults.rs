//! Each mistake of the pipeline is found, with rule and line, and nothing else is.
#![cfg(unix)]

use std::sync::{Mutex, MutexGuard, PoisonError};

use demo_support::{Hogs, Session, fault_line, on_two_processors};

/// A demo that can be looked at and has work to do.
fn start(arguments: &[&str]) -> Session {
    ready(Session::start(
        env!("CARGO_BIN_EXE_data-pipeline"),
        arguments,
    ))
}

/// One that leaks quickly enough.
fn start_to_leak(arguments: &[&str]) -> Session {
    let program = env!("CARGO_BIN_EXE_data-pipeline");
    ready(Session::start_with_short_leak_rules(program, arguments))
}

fn ready(mut session: Session) -> Session {
    session.expect_log(" sensors into ");
    session
}

/// For a demo that needs a processor to itself, one at a time: who gets none is not blamed.
fn a_processor() -> MutexGuard<'static, ()> {
    static PROCESSOR: Mutex<()> = Mutex::new(());
    PROCESSOR.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn a_file_that_is_read_on_a_worker() {
    let _processor = a_processor();
    let session = start(&["--fault", "file-read"]);
    session.expect_only("file-io", &fault_line!("file-read"));
}

#[test]
fn a_library_in_c_that_computes_on_a_worker() {
    let _processor = a_processor();
    let session = start(&["--fault", "query-on-worker"]);
    session.expect_only("cpu", &fault_line!("query-on-worker"));
}

#[test]
fn a_child_process_that_is_waited_for() {
    let session = start(&["--fault", "child-process"]);
    session.expect_only("child-process", &fault_line!("child-process"));
}

// Tasks of plain `tokio::spawn` are seen with tokio's unstable hooks only.
#[cfg(tokio_unstable)]
#[test]
fn a_consumer_that_holds_its_own_channel_open() {
    let session = start_to_leak(&["--fault", "endless-consumer", "--load", "40"]);
    session.expect_only_leak(&fault_line!("endless-consumer"));
}

#[test]
fn without_a_fault_nothing_leaks() {
    let session = start_to_leak(&["--load", "40"]);
    // The first report begins with the demo, the second sees all of it that stays.
    session.expect_nothing();
    session.expect_nothing();
}

#[test]
fn without_a_fault_there_is_nothing_to_find() {
    let session = start(&[]);
    session.expect_nothing();
}

#[test]
fn full_load_on_two_processors_is_no_finding_nor_is_a_machine_that_is_busy_with_others() {
    let _processor = a_processor();
    on_two_processors();
    let session = start(&["--load", "1000"]);
    session.expect_nothing();
    let _others = Hogs::start(2);
    session.expect_nothing();
}
