//! Each mistake of the pipeline is found, with rule and line, and nothing else is.
#![cfg(unix)]

use demo_support::{Demo, fault_line};

const PIPELINE: Demo = Demo {
    program: env!("CARGO_BIN_EXE_data-pipeline"),
    ready: " sensors into ",
};

#[test]
fn a_file_that_is_read_on_a_worker() {
    let session = PIPELINE.start_with_a_processor(&["--fault", "file-read"]);
    session.expect_only("file-io", &fault_line!("file-read"));
}

#[test]
fn a_library_in_c_that_computes_on_a_worker() {
    let session = PIPELINE.start_with_a_processor(&["--fault", "query-on-worker"]);
    session.expect_only("cpu", &fault_line!("query-on-worker"));
}

#[test]
fn a_child_process_that_is_waited_for() {
    let session = PIPELINE.start(&["--fault", "child-process"]);
    session.expect_only("child-process", &fault_line!("child-process"));
}

// Tasks of plain `tokio::spawn` are seen with tokio's unstable hooks only.
#[cfg(tokio_unstable)]
#[test]
fn a_consumer_that_holds_its_own_channel_open() {
    let session = PIPELINE.start_to_leak(&["--fault", "endless-consumer", "--load", "40"]);
    session.expect_only_leak(&fault_line!("endless-consumer"));
}

#[test]
fn two_locks_that_are_taken_in_opposite_orders() {
    let session = PIPELINE.start(&["--fault", "lock-cycle"]);
    let (one, other) = (
        fault_line!("lock-cycle"),
        fault_line!("lock-cycle (the other)"),
    );
    let found = session.expect_only_among("deadlock", &one, &other);
    assert!(found.ongoing, "{found:#?}");
}

#[test]
fn a_wait_that_is_put_aside_with_another_behind_it() {
    let session = PIPELINE.start(&["--fault", "abandoned-lock"]);
    let behind = fault_line!("abandoned-lock (behind it)");
    let line = fault_line!("abandoned-lock");
    let found = session.expect_only_between("futurelock", &line, &behind);
    assert!(found.ongoing, "{found:#?}");
}

#[test]
fn a_lock_that_is_held_while_a_file_is_read() {
    let session = PIPELINE.start(&["--fault", "convoy", "--load", "64"]);
    let line = fault_line!("convoy");
    session.expect_only_between("convoy", &line, &line);
}

#[test]
fn without_a_fault_nothing_leaks() {
    PIPELINE.expect_no_leak(&["--load", "40"]);
}

#[test]
fn without_a_fault_there_is_nothing_to_find() {
    PIPELINE.start(&[]).expect_nothing();
}

#[test]
fn full_load_on_two_processors_is_no_finding_nor_is_a_machine_that_is_busy_with_others() {
    PIPELINE.expect_nothing_on_a_busy_machine(&["--load", "1000"]);
}
