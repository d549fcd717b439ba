//! Tests that share state and run beside each other.

use super::super::is_run;
use super::programs::shared;

#[stallscope::test(perturb = "0..4")]
async fn guilty() {
    if is_run() {
        for _ in 0..20 {
            shared::badly().await;
        }
    }
}

#[stallscope::test(perturb = "0..4")]
async fn innocent() {
    if is_run() {
        for _ in 0..20 {
            shared::well().await;
        }
    }
}

#[stallscope::test(flavor = "multi_thread", worker_threads = 2)]
async fn innocent_on_threads() {
    if is_run() {
        for _ in 0..20 {
            shared::well().await;
        }
    }
}

#[stallscope::test(conflicts = "allow", perturb = "0..4")]
async fn guilty_but_allowed() {
    if is_run() {
        for _ in 0..20 {
            shared::badly().await;
        }
    }
}
