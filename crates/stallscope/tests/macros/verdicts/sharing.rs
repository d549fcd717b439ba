//! What tests of `guilty/sharing.rs` fail for, and how often.

use super::*;

/// All seeds of a session.
const SEEDS: (&str, &str) = ("STALLSCOPE_PERTURB", "0..200");

/// `FILE.rs:LINE` below `// mark`.
fn place_of(mark: &str) -> String {
    let files = [
        ("programs", include_str!("../guilty/sharing/programs.rs")),
        ("across", include_str!("../guilty/sharing/across.rs")),
        ("told", include_str!("../guilty/sharing/told.rs")),
    ];
    let marked = |(_, source): &&(_, &str)| source.contains(&format!("// {mark}\n"));
    let (file, source) = files.iter().find(marked).expect("a line is marked so");
    let line = line_below(source, mark);
    format!("tests/macros/guilty/sharing/{file}.rs:{line}")
}

/// The guilty program of a kind fails its test in nearly all runs of 200 with a seed of its own, its repaired twin in none.
#[track_caller]
fn is_found_out(kind: &str, complaint: &[&str]) {
    let test = |name| format!("sharing::of::{kind}::{name}");
    run_with(&test("guilty"), &[SEEDS])
        .failed(&test("guilty"))
        .expect(complaint)
        .expect(&[&format!(
            " cargo test guilty::sharing::of::{kind}::guilty\n"
        )]);
    run_with(&test("repaired"), &[SEEDS]).passed(&test("repaired"));

    let said = run_with(&test("counted"), &[("RUST_TEST_NOCAPTURE", "1")]);
    let perturbed = said.number_after("found in ");
    println!(
        "{kind}: {perturbed} of 200 perturbed, {} of 50 not",
        said.number_after("unperturbed in ")
    );
    assert!(perturbed >= 190, "{kind}: {perturbed}");
}

#[test]
fn a_lost_update_of_a_shared_value() {
    let here = place_of("shared: here");
    is_found_out(
        "shared",
        &[
            "panicked at",
            "guilty/sharing.rs",
            "state was used by several without an order they agree on\n\n`hits`: ",
            &format!("{here} wrote a value made from an older one than what "),
            &format!("{here} had written: that write is lost\n  task "),
            ", after task ",
            "docs/findings.md#unsynchronized-state-lost-update\n\nperturbed with seed ",
        ],
    );
}

#[test]
fn a_lost_update_in_a_region() {
    let here = place_of("region: here");
    is_found_out(
        "region",
        &[
            &format!("{here} wrote a value made from an older one than what "),
            &format!("{here} had written: that write is lost\n"),
        ],
    );
}

#[test]
fn a_torn_region() {
    let (region, write) = (place_of("torn: the region"), place_of("torn: the write"));
    is_found_out(
        "torn",
        &[
            "`transfer`: the region at ",
            &format!("{region} was dropped before its end, after it had written at "),
            &format!("{write}\n  the body of the test"),
        ],
    );
}

#[test]
fn a_guard_across_an_await() {
    let here = place_of("guard: taken here");
    is_found_out(
        "guard",
        &[
            "the guard taken at ",
            &format!("{here} was held while its task waited"),
            "\n  the body of the test",
        ],
    );
}

#[test]
fn a_span_across_an_await() {
    let here = place_of("span: made here");
    is_found_out(
        "span",
        &[
            "`sweep`: the span made at ",
            &format!("{here} was left entered while its task waited"),
        ],
    );
}

#[test]
fn a_thread_local_across_an_await() {
    is_found_out(
        "thread_local",
        &[
            "`REQUEST`: ",
            &place_of("thread local: read here"),
            " read what the same task had set at ",
            &place_of("thread local: set here"),
            " on another thread",
        ],
    );
}

#[test]
fn overlapping_accesses() {
    let here = place_of("overlap: here");
    is_found_out(
        "overlap",
        &[
            "`device`: the access at ",
            &format!("{here} began while that at "),
            &format!("{here} was going on"),
        ],
    );
}

/// Without an await that could give way, two threads are needed.
#[test]
fn a_lost_update_between_threads() {
    let said = run_with(
        "sharing::of::threads_counted",
        &[("RUST_TEST_NOCAPTURE", "1")],
    );
    let perturbed = said.number_after("found in ");
    println!("threads: {perturbed} of 200");
    assert!(perturbed >= 190, "{perturbed}");
}

#[test]
fn one_seed_is_run_again_with_the_variable() {
    run_with("sharing::seeds::panics", &[("STALLSCOPE_PERTURB", "17")])
        .passed("sharing::seeds::panics_in_the_third");
    run_with("sharing::seeds::panics", &[("STALLSCOPE_PERTURB", "15..30")]).expect(&[
        "run 0\nrun 1\nrun 2\n",
        "the body's own words",
        "perturbed with seed 17; the same again: STALLSCOPE_PERTURB=17 cargo test guilty::sharing::seeds::panics_in_the_third\n",
    ]);
    run_with("sharing::seeds::panics", &[("STALLSCOPE_PERTURB", "many")])
        .expect(&["perturbed with seed 42; "])
        .expect(&["stallscope: STALLSCOPE_PERTURB=many: `many` is no seed"]);
}

#[test]
fn the_seed_is_told_however_a_test_fails() {
    let told = |test: &str, own: &str| {
        let test = format!("sharing::seeds::{test}");
        run(&test)
            .failed(&test)
            .expect(&[own])
            .expect(&[&format!(
                "STALLSCOPE_PERTURB=42 cargo test guilty::{test}\n"
            )])
            .expect_not("run 3");
    };
    told("panics_in_the_third", "the body's own words");
    told("fails_in_the_third", "Error: \"the body's own error\"");
    told("fails_in_the_last", "Error: \"the body's own error\"");
    told("leaks_in_the_third", "a task is still alive at the end");
    run("sharing::seeds::is_expected_to").expect(&["should panic ... ok"]);
}

#[test]
fn a_poll_may_take_what_it_is_delayed() {
    run("sharing::seeds::is_only_delayed").passed("sharing::seeds::is_only_delayed");
}

#[test]
fn what_a_body_panics_for_is_told_after_its_panic() {
    run("sharing::told::with_a_panic")
        .failed("sharing::told::with_a_panic")
        .expect(&["one too many is left", "\nstate was used", "`stock`: "]);
}

#[test]
fn a_thread_within_the_runtime_is_charged_to_the_test_and_one_outside_to_nobody() {
    run("sharing::told::by_a_thread_within")
        .failed("sharing::told::by_a_thread_within")
        .expect(&["that write is lost\n  thread ", ", after thread "]);
    run("sharing::told::by_a_thread_of_nobody")
        .passed("sharing::told::by_a_thread_of_nobody")
        .expect(&[
            "stallscope: `hits`: ",
            &place_of("nobody: here"),
            "that write is lost; no test fails for it",
        ]);
}

#[test]
fn what_the_attribute_allows_and_what_the_end_tears_passes() {
    run("sharing::told::allowed_to").passed("sharing::told::allowed_to");
    run("sharing::told::left_in_the_middle").passed("sharing::told::left_in_the_middle");
}

#[test]
fn tests_beside_each_other_answer_for_their_own_state() {
    run("sharing::beside")
        .failed("sharing::beside::guilty")
        .passed("sharing::beside::innocent")
        .passed("sharing::beside::innocent_on_threads")
        .passed("sharing::beside::guilty_but_allowed");
}

#[test]
fn switched_off_nothing_is_told_and_no_seed_is_run() {
    run_with("sharing::seeds::panics", &[("STALLSCOPE", "off")])
        .passed("sharing::seeds::panics_in_the_third");
    run_with("sharing::beside", &[("STALLSCOPE", "off")]).passed("sharing::beside::guilty");
}
