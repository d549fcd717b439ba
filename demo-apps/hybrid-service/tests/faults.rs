//! Each mistake of the service is found, with rule and line, and nothing else is.
#![cfg(unix)]

use demo_support::{Demo, fault_line};

const SERVICE: Demo = Demo {
    program: env!("CARGO_BIN_EXE_hybrid-service"),
    ready: " customers at ",
};

#[test]
fn a_picture_that_is_scaled_on_a_worker() {
    let session = SERVICE.start_with_a_processor(&["--fault", "image-on-worker"]);
    session.expect_only("cpu", &fault_line!("image-on-worker"));
}

#[test]
fn a_lock_that_a_blocking_thread_holds() {
    let session = SERVICE.start(&["--fault", "held-lock"]);
    session.expect_only("lock", &fault_line!("held-lock"));
}

// How long the queue of the pool is, tokio tells with its unstable gauges only.
#[cfg(tokio_unstable)]
#[test]
fn a_blocking_pool_that_is_full() {
    let session = SERVICE.start(&["--fault", "full-pool", "--load", "64"]);
    session.expect_only("blocking-pool", &fault_line!("full-pool"));
}

// Tasks of plain `tokio::spawn` are seen with tokio's unstable hooks only.
#[cfg(tokio_unstable)]
#[test]
fn a_heartbeat_that_outlives_its_connection() {
    let session = SERVICE.start_to_leak(&["--fault", "lasting-heartbeat", "--load", "32"]);
    session.expect_only_leak(&fault_line!("lasting-heartbeat"));
}

// Tasks of plain `tokio::spawn` are seen with tokio's unstable hooks only.
#[cfg(tokio_unstable)]
#[test]
fn a_subscriber_that_outlives_its_request() {
    let session = SERVICE.start_to_leak(&["--fault", "lasting-subscriber", "--load", "32"]);
    session.expect_only_leak(&fault_line!("lasting-subscriber"));
}

// Tasks of plain `tokio::spawn` are seen with tokio's unstable hooks only.
#[cfg(tokio_unstable)]
#[test]
fn a_subscriber_that_leaves_no_waker() {
    let session = SERVICE.start_to_leak(&["--fault", "deaf-subscriber", "--load", "32"]);
    session.expect_only_leak(&fault_line!("deaf-subscriber"));
}

#[test]
fn a_closure_that_never_returns() {
    let session = SERVICE.start_to_leak(&["--fault", "endless-closure", "--load", "1"]);
    let found = session.expect_only("stuck-blocking", &fault_line!("endless-closure"));
    assert!(found.ongoing, "{found:#?}");
}

#[test]
fn a_counter_that_is_set_to_what_it_was_before_an_await() {
    let session = SERVICE.start(&["--fault", "lost-hits"]);
    let line = fault_line!("lost-hits");
    session.expect_only_between("lost-update", &line, &line);
}

#[test]
fn shelves_that_are_set_to_what_they_were_before_an_await() {
    let session = SERVICE.start(&["--fault", "lost-stock"]);
    let sells = fault_line!("lost-stock (the sale)");
    session.expect_only_between("lost-update", &fault_line!("lost-stock"), &sells);
}

#[test]
fn a_transfer_that_a_time_limit_tears() {
    let session = SERVICE.start(&["--fault", "torn-transfer"]);
    let takes = fault_line!("torn-transfer (the write)");
    session.expect_only_between("torn-region", &fault_line!("torn-transfer"), &takes);
}

#[test]
fn a_guard_that_main_holds_across_an_await() {
    let session = SERVICE.start(&["--fault", "guard-across-await"]);
    session.expect_only("guard-across-await", &fault_line!("guard-across-await"));
}

#[test]
fn a_span_that_main_enters_across_an_await() {
    let session = SERVICE.start(&["--fault", "span-across-await"]);
    session.expect_only("span-across-await", &fault_line!("span-across-await"));
}

#[test]
fn without_a_fault_nothing_leaks() {
    SERVICE.expect_no_leak(&["--load", "32"]);
}

#[test]
fn without_a_fault_there_is_nothing_to_find() {
    SERVICE.start(&[]).expect_nothing();
}

#[test]
fn full_load_on_two_processors_is_no_finding_nor_is_a_machine_that_is_busy_with_others() {
    SERVICE.expect_nothing_on_a_busy_machine(&["--load", "64"]);
}
