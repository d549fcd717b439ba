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
    let _leave = Leave; // dropped after the runtime, which may take its time to shut down
    let runtime = builder
        .stallscope()
        .build()
        .expect("Failed building the Runtime");
    runtime.block_on(root_at(place, body))
}

/// As [`run`], on a [`LocalRuntime`](tokio::runtime::LocalRuntime).
///
/// # Panics
/// If the runtime cannot be built, with the message of `#[tokio::main]`.
#[doc(hidden)] // reached through the macro only
#[track_caller]
pub fn run_local<F: Future>(mut builder: Builder, body: F) -> F::Output {
    let place = Location::caller();
    let _leave = Leave;
    let runtime = builder
        .stallscope()
        .build_local(LocalOptions::default())
        .expect("Failed building the Runtime");
    runtime.block_on(root_at(place, body))
}

/// Takes leave when `main` is over, also by a panic.
struct Leave;

impl Drop for Leave {
    fn drop(&mut self) {
        process::take_leave();
    }
}
