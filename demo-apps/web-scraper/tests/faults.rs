//! Each mistake of the scraper is found, with rule and line, and nothing else is.
#![cfg(unix)]

use std::sync::{Mutex, MutexGuard, PoisonError};

use demo_support::{Hogs, Session, fault_line, on_two_processors};

/// A demo that can be looked at and has work to do.
fn start(arguments: &[&str]) -> Session {
    ready(Session::start(env!("CARGO_BIN_EXE_web-scraper"), arguments))
}

/// One that leaks quickly enough.
fn start_to_leak(arguments: &[&str]) -> Session {
    let program = env!("CARGO_BIN_EXE_web-scraper");
    ready(Session::start_with_short_leak_rules(program, arguments))
}

fn ready(mut session: Session) -> Session {
    session.expect_log("scraping the shop at ");
    session
}

/// For a demo that needs a processor to itself, one at a time: who gets none is not blamed.
fn a_processor() -> MutexGuard<'static, ()> {
    static PROCESSOR: Mutex<()> = Mutex::new(());
    PROCESSOR.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn a_pause_that_sleeps_on_a_worker() {
    let session = start(&["--fault", "blocking-sleep"]);
    session.expect_only("sleep", &fault_line!("blocking-sleep"));
}

#[test]
fn a_socket_that_blocks_until_it_is_answered() {
    let session = start(&["--fault", "blocking-client"]);
    session.expect_only("network-io", &fault_line!("blocking-client"));
}

#[test]
fn a_connection_that_blocks_until_it_is_made() {
    let session = start(&["--fault", "blocking-connect"]);
    session.expect_only("network-io", &fault_line!("blocking-connect"));
}

#[test]
fn a_task_that_never_returns_is_one_finding_that_grows() {
    let session = start(&["--fault", "endless-receive"]);
    let line = fault_line!("endless-receive");
    let first = session.expect_only("lock", &line);
    assert!(first.ongoing, "{first:#?}");
    let later = session.expect_only("lock", &line);
    assert!(later.ongoing, "{later:#?}");
    assert_eq!((later.id, later.count), (first.id, 1));
    // Time in which the machine let nothing of the process run does not count, so it need not be five seconds more.
    let [then, now] = [&first, &later].map(|finding| finding.duration_ms.max);
    assert!(now > then, "{then} ms, then {now} ms");
}

#[test]
fn main_itself_that_sleeps() {
    let session = start(&["--fault", "blocking-main"]);
    session.expect_only("sleep", &fault_line!("blocking-main"));
}

// Tasks of plain `tokio::spawn` are seen with tokio's unstable hooks only.
#[cfg(tokio_unstable)]
#[test]
fn a_time_limit_around_a_handle() {
    let session = start_to_leak(&["--fault", "dropped-handles"]);
    session.expect_only_leak(&fault_line!("dropped-handles"));
}

#[test]
fn without_a_fault_nothing_leaks() {
    let session = start_to_leak(&[]);
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
    let session = start(&["--load", "100"]);
    session.expect_nothing();
    let _others = Hogs::start(2);
    session.expect_nothing();
}
