//! What tests of `guilty/waits.rs` fail for, and how often.

use std::time::Instant;

use super::*;

/// `programs.rs:LINE` below `// mark`.
fn place_of(mark: &str) -> String {
    let line = line_below(include_str!("../guilty/waits/programs.rs"), mark);
    format!("tests/macros/guilty/waits/programs.rs:{line}")
}

fn line_in_test(mark: &str) -> String {
    let line = line_below(include_str!("../guilty/waits.rs"), mark);
    format!("tests/macros/guilty/waits.rs:{line}")
}

/// The guilty program of a kind fails its test in nearly all runs with a seed of its own, its repaired twin in none.
#[track_caller]
fn is_found_out(kind: &str, complaint: &[&str]) {
    let test = |name| format!("waits::of::{kind}::{name}");
    run(&test("guilty"))
        .failed(&test("guilty"))
        .expect(complaint)
        .expect(&[
            "\n\nperturbed with seed ",
            &format!(" cargo test guilty::waits::of::{kind}::guilty\n"),
        ]);
    run(&test("repaired")).passed(&test("repaired"));

    let counted = |name| {
        let said = run_with(&test(name), &[("RUST_TEST_NOCAPTURE", "1")]);
        said.number_after("found in ")
    };
    let (guilty, repaired) = (counted("counted"), counted("repaired_counted"));
    println!("{kind}: {guilty} of 40, repaired {repaired}");
    assert!(guilty >= 38, "{kind}: {guilty}");
    assert_eq!(repaired, 0, "{kind}");
}

#[test]
fn a_deadlock_of_tasks() {
    let (holds, waits) = (place_of("deadlock: holds"), place_of("deadlock: waits"));
    is_found_out(
        "deadlock",
        &[
            "panicked at",
            "guilty/waits.rs",
            "tasks or threads were kept waiting by locks\n\n",
            &format!("{waits} waits for a lock whose holder waits, in a circle, at "),
            &format!("{waits}: none of them will go on\n  task "),
            " waits at ",
            &waits,
            "\n  task ",
            " holds what it took at ",
            &format!("{holds}\n  task "),
            &holds,
            "docs/findings.md#unsynchronized-state-deadlock",
        ],
    );
}

#[test]
fn a_deadlock_of_threads() {
    let (holds, waits) = (place_of("blocked: holds"), place_of("blocked: waits"));
    is_found_out(
        "blocked",
        &[
            &format!("{waits} waits for a lock whose holder waits, in a circle, at "),
            &waits,
            " holds what it took at ",
            &holds,
        ],
    );
}

#[test]
fn a_lock_that_was_given_to_a_future_put_aside() {
    is_found_out(
        "futurelock",
        &[
            &place_of("futurelock: put aside"),
            " was given the lock, but its task polls it no more, so ",
            " waits\n  task ",
            "docs/findings.md#unsynchronized-state-futurelock",
        ],
    );
}

#[test]
fn a_long_queue() {
    let here = place_of("convoy: here");
    is_found_out(
        "convoy",
        &[
            "the lock taken at ",
            &format!("{here} is held across awaits, and others queue for it at "),
            " at most)\n  task ",
            " holds what it took at ",
            "docs/findings.md#unsynchronized-state-convoy",
        ],
    );
}

#[test]
fn a_body_that_waits_for_itself_is_ended() {
    run("waits::body_waits_for_itself")
        .failed("waits::body_waits_for_itself")
        .expect(&[
            &line_in_test("itself: waits"),
            " waits for a lock that it holds itself, taken at ",
            &line_in_test("itself: holds"),
            ": it will not go on\n  the body of the test waits at ",
        ]);
}

/// What it did before was said, and nothing else can end it.
#[test]
fn a_body_that_is_blocked_is_told_and_ends_the_process() {
    let before = Instant::now();
    run("waits::body_is_blocked")
        .expect(&[
            "stallscope: test guilty::waits::body_is_blocked has failed, and cannot be ended",
            &line_in_test("blocked body: waits"),
            " waits for a lock that it holds itself, taken at ",
            &line_in_test("blocked body: holds"),
        ])
        .expect_not("it hangs");
    println!("after {:?}", before.elapsed());
}

#[test]
fn what_the_attribute_allows_may_wait() {
    run("waits::may_wait_for_a_while").passed("waits::may_wait_for_a_while");
}

#[test]
fn threads_outside_of_all_tests_fail_none() {
    run("waits::threads_of_nobody")
        .passed("waits::threads_of_nobody")
        .expect(&[
            "stallscope: ",
            "none of them will go on; no test fails for it, because it was outside of the runtime of any\n",
        ]);
}

#[test]
fn a_test_goes_on_beside_one_that_stands_still() {
    run("waits::beside")
        .failed("waits::beside::guilty")
        .passed("waits::beside::innocent");
}
