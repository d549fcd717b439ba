//! What `#[stallscope::main]` expands to: a builder that is ready, a body, and one of these calls.

use std::panic::Location;

use tokio::runtime::{Builder, LocalOptions};

use super::builder::BuilderExt;
use super::root::root_at;
use crate::process;

/// Builds the runtime and runs `body` on it, as `#[tokio::main]` would, watched.
///
/// # Panics
/// If the runtime cannot be built, with the message of `#[tokio::main]`.
#[doc(hidden)] // reached through the macro only
#[track_caller]
pub fn run<F: Future>(mut builder: Builder, body: F) -> F::Output {
    let place = Location::caller();
    let runtime = builder
        .stallscope()
        .build()
        .expect("Failed building the Runtime");
    let output = runtime.block_on(root_at(place, body));
    process::take_leave();
    output
}

/// As [`run`], on a [`LocalRuntime`](tokio::runtime::LocalRuntime).
///
/// # Panics
/// If the runtime cannot be built, with the message of `#[tokio::main]`.
#[doc(hidden)] // reached through the macro only
#[track_caller]
pub fn run_local<F: Future>(mut builder: Builder, body: F) -> F::Output {
    let place = Location::caller();
    let runtime = builder
        .stallscope()
        .build_local(LocalOptions::default())
        .expect("Failed building the Runtime");
    let output = runtime.block_on(root_at(place, body));
    process::take_leave();
    output
}
