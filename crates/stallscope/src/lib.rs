//! A runtime inspector and blocking-call detector for tokio that is left on in production.
//!
//! One line of an application changes. From then on a poll that holds its worker for longer than
//! 20 ms becomes a finding while it is still stuck: the line, the task, the reason, and how many
//! tasks waited. It is written to the application's log, and anyone on that machine who is allowed
//! to can open the `stallscope` terminal program and see it above the live task tree.
//!
//! ```
//! #[stallscope::main] // instead of #[tokio::main]
//! async fn main() {
//!     // the application
//! }
//! ```
//!
//! # Which entry point?
//!
//! | the application | entry point | sees |
//! |---|---|---|
//! | has `#[tokio::main]` | [`#[stallscope::main]`](macro@main) in its place | everything the tier allows |
//! | builds its runtime by hand | [`BuilderExt::stallscope`] and [`root`] | the same |
//! | cannot change how its runtime is made | [`init`] in the first line of `main` | the core tier |
//! | has tests with `#[tokio::test]` | [`#[stallscope::test]`](macro@test) in its place: it fails a test that stalls, leaves tasks behind or shares state badly | as the first |
//!
//! [`spawn`] and [`task`] spawn tasks that are seen on every tier and can have a name;
//! [`allow_blocking`] marks a stall as intended; [`assert_no_leaked_tasks`] looks for tasks that are left; [`cancellable`] lets clients abort a task of tokio's own, where that is allowed.
//!
//! # Tiers
//!
//! What can be seen depends on how the application was built. stallscope takes the best tier it
//! finds and says in every answer which one is live and what it cannot see.
//!
//! - **core**, on plain stable tokio: the root future, tasks spawned through stallscope, the
//!   runtime's own gauges. Nothing runs on the poll path of other tasks.
//! - **hooks**, with `--cfg tokio_unstable` (in the application's `.cargo/config.toml`: `[build]
//!   rustflags = ["--cfg", "tokio_unstable"]`): every task with parent, spawn place, state, age,
//!   polls, busy time and longest poll, for two clock readings per poll.
//!
//! # Promises
//!
//! The application comes first. Nothing here panics, blocks or allocates on a poll, fails the
//! start, or changes what the application does; a mistyped variable or an unwritable socket
//! directory becomes one line on stderr and an entry of `stallscope doctor`. `STALLSCOPE=off` makes
//! every entry point do what tokio's would, and nothing else; `--cfg stallscope_off` decides that when the application is built, and
//! makes the locks of [`sync`] tokio's and std's own.
//!
//! # Feature flags and compiler
//!
//! | feature | adds | brings |
//! |---|---|---|
//! | `tracing-subscriber` (off) | `stallscope::spans()`, a layer for the application's own subscriber: a finding then names the `tracing` span it was in, with its fields | `tracing-subscriber` 0.3 without features of its own |
//! | `taskdump` (off) | `stallscope where TASK` says what a suspended task of [`spawn`] waits for, by the lines of its awaits; needs `--cfg tokio_unstable`, and Linux on x86-64 or aarch64 | tokio's feature `taskdump`, and with it the crate `backtrace` |
//!
//! The oldest supported Rust is 1.88. Platforms: Linux is where it is tested;
//! on other Unix systems the socket and the tree work the same, with a memory fence per poll in
//! place of `membarrier`.

// Without tokio's unstable hooks, the half of the recorder that only they feed lies idle. The build
// with them finds dead code.
#![cfg_attr(not(tokio_unstable), allow(dead_code))]

mod agent;
mod answer;
mod by_id;
mod config;
mod control;
mod dump;
mod ended;
mod entry;
mod findings;
mod leaks;
mod locks;
mod process;
mod recorder;
mod runtimes;
mod spans;
pub mod sync;
mod tier;
mod watch;

pub use stallscope_macros::{main, test};

pub use crate::config::Config;
pub use crate::entry::alive::assert_no_leaked_tasks;
pub use crate::entry::allow::allow_blocking;
pub use crate::entry::builder::BuilderExt;
pub use crate::entry::cancellable::cancellable;
pub use crate::entry::hooks::Hooks;
pub use crate::entry::init::init;
pub use crate::entry::root::root;
pub use crate::entry::task::{TaskBuilder, spawn, task};
#[cfg(feature = "tracing-subscriber")]
pub use crate::spans::{SpanLayer, spans};
pub use crate::sync::region::atomic;

/// What the macros expand to. Not part of the API.
#[doc(hidden)]
pub mod __private {
    pub use {std, tokio};

    pub use crate::entry::main::{run, run_local};
    pub use crate::entry::test::{Limits, test, test_local};
}
