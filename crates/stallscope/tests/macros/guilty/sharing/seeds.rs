//! Tests with seeds that fail in other ways than by what they share.

use std::sync::atomic::{AtomicU64, Ordering};

use stallscope::sync::Shared;

use super::super::is_run;

/// How often a body was run in this process.
static RUNS: AtomicU64 = AtomicU64::new(0);

fn nth_run() -> u64 {
    let nth = RUNS.fetch_add(1, Ordering::Relaxed);
    println!("run {nth}");
    if is_run() { nth } else { 0 }
}

#[stallscope::test(perturb = "40..50")]
async fn panics_in_the_third() {
    assert!(nth_run() != 2, "the body's own words");
}

#[stallscope::test(perturb = "40..50")]
async fn fails_in_the_third() -> Result<(), &'static str> {
    match nth_run() {
        2 => Err("the body's own error"),
        _ => Ok(()),
    }
}

#[stallscope::test(perturb = "40..43")]
async fn fails_in_the_last() -> Result<(), &'static str> {
    match nth_run() {
        2 => Err("the body's own error"),
        _ => Ok(()),
    }
}

#[stallscope::test(flavor = "local", perturb = "40..50")]
async fn leaks_in_the_third() {
    if nth_run() == 2 {
        tokio::task::spawn_local(std::future::pending::<()>());
    }
}

#[stallscope::test(perturb = "40..50")]
#[should_panic(expected = "as it should")]
async fn is_expected_to() {
    assert!(is_run() && nth_run() != 2, "as it should");
}

/// Its polls are held up for much longer than they may take.
#[stallscope::test(perturb = 7, long_poll = "5ms")]
async fn is_only_delayed() {
    if is_run() {
        let hits = Shared::new("hits", 0);
        for _ in 0..200 {
            hits.update(|hits| *hits += 1);
        }
    }
}
