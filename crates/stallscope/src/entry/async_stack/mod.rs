//! What does a suspended task wait for? One that was spawned through stallscope can be asked: it is polled once more, and tokio tells each
//! place at which that poll comes to a halt.
//!
//! That needs tokio's task dumps: the feature `taskdump`, `--cfg tokio_unstable`, Linux on x86-64 or aarch64. Where one is missing, nothing of
//! this exists but the sentence that says so. This is the only file that knows the condition.

#[cfg(all(
    feature = "taskdump",
    tokio_unstable,
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod present;
#[cfg(all(
    feature = "taskdump",
    tokio_unstable,
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
use present as here;

#[cfg(not(all(
    feature = "taskdump",
    tokio_unstable,
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
mod absent;
#[cfg(not(all(
    feature = "taskdump",
    tokio_unstable,
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
use absent as here;

use std::time::Duration;

use stallscope_wire::message::Frame;

pub(super) use here::{Answering, Wake};
pub(crate) use here::{ask, is_ours};

/// How long the agent waits for a task's worker.
pub(crate) const PATIENCE: Duration = Duration::from_millis(250);

/// Where a task stands.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// Return addresses, the innermost first, of each place at which the poll came to a halt: one, or several in a `select!` or `join!`.
    pub(crate) branches: Vec<Vec<u64>>,
    /// Places that are not among them, because they were too many.
    pub(crate) more: u64,
}

/// Whether a frame of such a stack is of this module: what is further out is the scheduler.
pub(crate) fn is_own_frame(frame: &Frame) -> bool {
    const HERE: &str = "async_stack/present.rs";
    // The function by its whole path where it is no inlined one, the file where there is debug information.
    frame
        .function
        .contains("stallscope::entry::async_stack::present::")
        || frame.origin == "stallscope" && frame.file.ends_with(HERE)
}

/// Why a task does not tell where it stands.
#[allow(dead_code)] // A build that cannot ask knows one reason, one that can the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Silent {
    /// This build cannot ask: what is missing, and what would bring it.
    NotBuilt(&'static str),
    /// No live task of this id was spawned through stallscope.
    NotOurs,
    /// No worker has polled it yet.
    NeverPolled,
    /// It ended when it was asked, or before.
    Ended,
    /// No worker came round to it within [`PATIENCE`].
    NotInTime,
}
