//! The stack of a waiting thread, copied without touching it.
//!
//! Sound by the same argument as a sequence lock: position and switch count are read before and after the copy, and a
//! thread that ran in between has been put on a processor in between, which the switch count counts.

use super::{MOST_COPIED, memory};
use crate::capture::{CaptureError, Method, RawStack, Registers, ThreadHandle};
use crate::kernel::{Position, ThreadState};

/// Copies the stack; [`CaptureError::KeepsMoving`] if the thread ran meanwhile.
pub(super) fn capture(thread: &ThreadHandle) -> Result<RawStack, CaptureError> {
    let tid = thread.tid();
    let times =
        ThreadState::read_times(tid).ok_or(CaptureError::Unreadable { file: "schedstat" })?;
    let position = ThreadState::read_position(tid);
    let (sp, pc) = match position {
        Position::InSystemCall { sp, pc, .. } | Position::InFault { sp, pc } => (sp, pc),
        Position::Running | Position::Unknown => return Err(CaptureError::KeepsMoving),
    };
    let bounds = thread.stack();
    if !bounds.contains(sp) {
        return Err(CaptureError::ForeignStack);
    }
    let depth = usize::try_from(bounds.high - sp).unwrap_or(usize::MAX);
    let mut bytes = vec![0; depth.min(MOST_COPIED)];
    let copied = memory::read(sp, &mut bytes);
    let times_after = ThreadState::read_times(tid);
    if ThreadState::read_position(tid) != position
        || times_after.map(|after| after.switches) != Some(times.switches)
    {
        return Err(CaptureError::KeepsMoving);
    }
    copied.ok_or(CaptureError::StackUnreadable)?;
    Ok(RawStack {
        tid,
        registers: Registers {
            pc,
            sp,
            fp: None,
            lr: None,
        },
        bytes,
        truncated: depth > MOST_COPIED,
        method: Method::Untouched,
    })
}
