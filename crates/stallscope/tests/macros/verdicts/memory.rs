//! Which of the tests of `guilty/memory.rs` fail: those that have registered the bytes at which threads met.

use super::*;

const ON: (&str, &str) = ("STALLSCOPE_MEMORY_WATCH", "on");

/// `FILE.rs:LINE` below `// mark`.
fn place_of(mark: &str) -> String {
    let line = line_below(include_str!("../guilty/memory.rs"), mark);
    format!("guilty/memory.rs:{line}")
}

/// Runs them until a meeting is told as `wanted`: it is a sample. None, with the reason, if this machine forbids it.
fn until_met(test: &str, wanted: &str) -> Option<Said> {
    let mut tries = (0..10).map(|_| run_with(test, &[ON]));
    let is_known =
        |said: &Said| said.text.contains(wanted) || said.text.contains("no hardware watchpoints");
    let said = tries.find(is_known);
    let said = said.unwrap_or_else(|| panic!("ten times, `{wanted}` was not said"));
    if said.text.contains("no hardware watchpoints") {
        eprintln!("skipped: {}", said.text);
        return None;
    }
    Some(said)
}

#[test]
fn threads_that_meet_fail_the_test_that_has_registered_the_bytes() {
    let Some(said) = until_met("memory::guilty", "threads met at bytes that are watched") else {
        return;
    };
    let (read, written) = (
        place_of("memory: read here"),
        place_of("memory: written here"),
    );
    said.failed("memory::guilty").expect(&[
        "threads met at bytes that are watched\n\n",
        &written,
        &read,
        "docs/findings.md#unsynchronized-state-memory-watch",
    ]);
}

#[test]
fn no_test_fails_for_what_happens_beside_it_or_in_turns_or_is_allowed() {
    let said = run_with("memory::", &[ON]);
    for test in ["allowed", "registered_by_nobody", "repaired"] {
        said.passed(&format!("memory::{test}"));
    }
}

#[test]
fn bytes_that_no_test_has_registered_are_told_and_fail_none() {
    let Some(said) = until_met("memory::registered_by_nobody", "no test fails for it") else {
        return;
    };
    said.passed("memory::registered_by_nobody");
    said.expect(&[&place_of("memory: written here")]);
}

#[test]
fn without_the_switch_nothing_is_watched() {
    run("memory::guilty").passed("memory::guilty");
}
