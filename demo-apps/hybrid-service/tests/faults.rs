//! Each mistake of the service is found, with rule and line, and nothing else is.
#![cfg(unix)]

use std::sync::{Mutex, MutexGuard, PoisonError};

use demo_support::{Hogs, Session, fault_line, on_two_processors};

/// A demo that can be looked at and has work to do.
fn start(arguments: &[&str]) -> Session {
    ready(Session::start(
        env!("CARGO_BIN_EXE_hybrid-service"),
        arguments,
    ))
}

/// One that leaks quickly enough.
fn start_to_leak(arguments: &[&str]) -> Session {
    let program = env!("CARGO_BIN_EXE_hybrid-service");
    ready(Session::start_with_short_leak_rules(program, arguments))
}

fn ready(mut session: Session) -> Session {
    session.expect_log(" customers at ");
    session
}

/// For a demo that needs a processor to itself, one at a time: who gets none is not blamed.
fn a_processor() -> MutexGuard<'static, ()> {
    static PROCESSOR: Mutex<()> = Mutex::new(());
    PROCESSOR.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn a_picture_that_is_scaled_on_a_worker() {
    let _processor = a_processor();
    let session = start(&["--fault", "image-on-worker"]);
    session.expect_only("cpu", &fault_line!("image-on-worker"));
}

#[test]
fn a_lock_that_a_blocking_thread_holds() {
    let session = start(&["--fault", "held-lock"]);
    session.expect_only("lock", &fault_line!("held-lock"));
}

// How long the queue of the pool is, tokio tells with its unstable gauges only.
#[cfg(tokio_unstable)]
#[test]
fn a_blocking_pool_that_is_full() {
    let session = start(&["--fault", "full-pool", "--load", "64"]);
    session.expect_only("blocking-pool", &fault_line!("full-pool"));
}

// Tasks of plain `tokio::spawn` are seen with tokio's unstable hooks only.
#[cfg(tokio_unstable)]
#[test]
fn a_heartbeat_that_outlives_its_connection() {
    let session = start_to_leak(&["--fault", "lasting-heartbeat", "--load", "32"]);
    session.expect_only_leak(&fault_line!("lasting-heartbeat"));
}

// Tasks of plain `tokio::spawn` are seen with tokio's unstable hooks only.
#[cfg(tokio_unstable)]
#[test]
fn a_subscriber_that_outlives_its_request() {
    let session = start_to_leak(&["--fault", "lasting-subscriber", "--load", "32"]);
    session.expect_only_leak(&fault_line!("lasting-subscriber"));
}

#[test]
fn a_closure_that_never_returns() {
    let session = start_to_leak(&["--fault", "endless-closure", "--load", "1"]);
    let found = session.expect_only("stuck-blocking", &fault_line!("endless-closure"));
    assert!(found.ongoing, "{found:#?}");
}

#[test]
fn without_a_fault_nothing_leaks() {
    let session = start_to_leak(&["--load", "32"]);
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
    let session = start(&["--load", "64"]);
    session.expect_nothing();
    let _others = Hogs::start(2);
    session.expect_nothing();
}
