//! Each mistake of the scraper is found, with rule and line, and nothing else is.
#![cfg(unix)]

use demo_support::{Demo, fault_line};

const SCRAPER: Demo = Demo {
    program: env!("CARGO_BIN_EXE_web-scraper"),
    ready: "scraping the shop at ",
};

#[test]
fn a_pause_that_sleeps_on_a_worker() {
    let session = SCRAPER.start(&["--fault", "blocking-sleep"]);
    session.expect_only("sleep", &fault_line!("blocking-sleep"));
}

#[test]
fn a_socket_that_blocks_until_it_is_answered() {
    let session = SCRAPER.start(&["--fault", "blocking-client"]);
    session.expect_only("network-io", &fault_line!("blocking-client"));
}

#[test]
fn a_connection_that_blocks_until_it_is_made() {
    let session = SCRAPER.start(&["--fault", "blocking-connect"]);
    session.expect_only("network-io", &fault_line!("blocking-connect"));
}

#[test]
fn a_task_that_never_returns_is_one_finding_that_grows() {
    let session = SCRAPER.start(&["--fault", "endless-receive"]);
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
    let session = SCRAPER.start(&["--fault", "blocking-main"]);
    session.expect_only("sleep", &fault_line!("blocking-main"));
}

// Tasks of plain `tokio::spawn` are seen with tokio's unstable hooks only.
#[cfg(tokio_unstable)]
#[test]
fn a_time_limit_around_a_handle() {
    let session = SCRAPER.start_to_leak(&["--fault", "dropped-handles"]);
    session.expect_only_leak(&fault_line!("dropped-handles"));
}

#[test]
fn a_library_that_is_called_twice_at_the_same_time() {
    let session = SCRAPER.start(&["--fault", "shared-decoder"]);
    let line = fault_line!("shared-decoder");
    session.expect_only_between("overlapping-access", &line, &line);
}

#[test]
fn a_static_variable_that_two_threads_are_at() {
    let session = SCRAPER.start_with_watched_memory(&["--fault", "shared-meter"]);
    if session.watches_memory() {
        let line = fault_line!("shared-meter");
        session.expect_only_between("memory-watch", &line, &line);
    }
}

#[test]
fn a_static_variable_that_threads_take_turns_at() {
    let session = SCRAPER.start_with_watched_memory(&[]);
    if session.watches_memory() {
        session.expect_nothing();
        session.expect_nothing();
    }
}

#[test]
fn without_a_fault_nothing_leaks() {
    SCRAPER.expect_no_leak(&[]);
}

#[test]
fn without_a_fault_there_is_nothing_to_find() {
    SCRAPER.start(&[]).expect_nothing();
}

#[test]
fn full_load_on_two_processors_is_no_finding_nor_is_a_machine_that_is_busy_with_others() {
    SCRAPER.expect_nothing_on_a_busy_machine(&["--load", "100"]);
}
