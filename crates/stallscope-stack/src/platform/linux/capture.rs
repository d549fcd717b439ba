//! One capture: look whether the thread waits or runs, take the way that fits, look again if it moved.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{running, waiting};
use crate::Tid;
use crate::capture::{CaptureError, RawStack, ThreadHandle};
use crate::kernel::{Position, ThreadState};

/// For so long a stack pointer elsewhere may mean that somebody else is capturing the same thread: it is in our handler,
/// on the stack for signals.
const OWN_HANDLER: Duration = Duration::from_millis(2);

pub(crate) fn capture_within(
    thread: &ThreadHandle,
    limit: Duration,
) -> Result<RawStack, CaptureError> {
    if Tid::current() == Some(thread.tid()) {
        return Err(CaptureError::OwnThread);
    }
    let started = Instant::now();
    loop {
        match look_once(thread, limit.saturating_sub(started.elapsed())) {
            // Number and stack may have passed to another thread while we looked.
            _ if thread.has_ended() => return Err(CaptureError::ThreadEnded),
            Err(CaptureError::KeepsMoving) if started.elapsed() < limit => {}
            Err(CaptureError::ForeignStack) if started.elapsed() < limit.min(OWN_HANDLER) => {}
            outcome => return outcome,
        }
    }
}

fn look_once(thread: &ThreadHandle, limit: Duration) -> Result<RawStack, CaptureError> {
    match ThreadState::read_position(thread.tid()) {
        Position::Running => running::capture(thread, limit),
        Position::InSystemCall { .. } | Position::InFault { .. } => waiting::capture(thread),
        // A restricted /proc. The signal reaches a running thread only, so there is no harm in trying.
        Position::Unknown if exists(thread.tid()) => {
            running::capture(thread, limit).map_err(|error| match error {
                CaptureError::NoAnswer { .. } => CaptureError::Unreadable { file: "syscall" },
                other => other,
            })
        }
        Position::Unknown => Err(CaptureError::ThreadEnded),
    }
}

/// Whether the thread may live: unknown counts as yes.
fn exists(tid: Tid) -> bool {
    PathBuf::from(format!("/proc/self/task/{tid}")).exists()
        || !PathBuf::from("/proc/self/task").exists()
}
