//! The stack of a running thread: one signal, answered by the thread itself, within a limit.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use super::handler;
use super::mailbox::{Letter, Reply, Request};
use super::signal_safe::{self, FileNote};
use super::timer::CpuTimer;
use crate::capture::{CaptureError, Method, RawStack, ThreadHandle};
use crate::kernel::descriptor::FileKind;
use crate::kernel::{self, Descriptor, Io, Position, ThreadState};

/// Between two looks for the answer. An answer takes a tick of the kernel, 1 to 10 ms.
const LOOK: Duration = Duration::from_micros(100);
/// Looks between two checks that the thread still runs: one that waits will not answer.
const CHECK: u32 = 10;

/// Interrupts the thread; [`CaptureError::KeepsMoving`] if it went to wait before it answered.
pub(super) fn capture(target: &ThreadHandle, limit: Duration) -> Result<RawStack, CaptureError> {
    handler::ensure_installed()?;
    let started = Instant::now();
    // Our own handler blocks it, too: a thread may still be on its way out of the last capture.
    while kernel::blocks_signal(target.tid(), handler::SIGNAL) == Some(true) {
        if started.elapsed() >= limit {
            return Err(CaptureError::SignalBlocked);
        }
        thread::sleep(LOOK);
    }
    // Dropped after the timer: the mailbox is given up only when no new signal can come.
    let request =
        Request::claim(target.tid().number(), target.stack()).ok_or(CaptureError::Busy)?;
    let _timer = CpuTimer::arm(target.tid(), handler::SIGNAL, request.cookie() as usize)?;
    let mut looks = 0_u32;
    loop {
        match request.look() {
            Reply::Here(letter) => return Ok(opened(*letter, target)),
            Reply::Foreign => return Err(CaptureError::ForeignStack),
            Reply::NotYet => {}
        }
        let waited = started.elapsed();
        if waited >= limit {
            // What was delivered between the last look and here is lost, and freed by `Request::drop`.
            return Err(CaptureError::NoAnswer { waited });
        }
        looks = looks.wrapping_add(1);
        if looks.is_multiple_of(CHECK) && waits(target) && request.withdraw() {
            return Err(CaptureError::KeepsMoving);
        }
        thread::sleep(LOOK);
    }
}

/// Whether the thread will not answer: it waits, or is no more.
fn waits(target: &ThreadHandle) -> bool {
    let position = ThreadState::read_position(target.tid());
    let in_kernel = matches!(
        position,
        Position::InSystemCall { .. } | Position::InFault { .. }
    );
    in_kernel || target.has_ended()
}

fn opened(letter: Letter, target: &ThreadHandle) -> RawStack {
    let Letter { facts, bytes } = letter;
    let reaches_top = facts.registers.sp.saturating_add(bytes.len() as u64) >= target.stack().high;
    let on = facts.file.as_ref().map(descriptor);
    let behind = facts.left.map(|call| Io {
        call,
        on: on.into_iter().collect(),
    });
    RawStack {
        tid: target.tid(),
        registers: facts.registers,
        truncated: !reaches_top,
        bytes,
        method: Method::Interrupted {
            at: earlier(facts.began),
            pause: Duration::from_nanos(facts.pause),
            behind,
        },
    }
}

/// A past moment of the clock that handlers read.
pub(super) fn earlier(began: u64) -> Instant {
    let (instant, now) = (Instant::now(), signal_safe::now());
    let ago = Duration::from_nanos(now.saturating_sub(began));
    instant.checked_sub(ago).unwrap_or(instant)
}

fn descriptor(file: &FileNote) -> Descriptor {
    let kind = match file.mode & libc::S_IFMT {
        libc::S_IFIFO => FileKind::Fifo,
        libc::S_IFBLK => FileKind::Disk,
        libc::S_IFCHR => FileKind::Device,
        _ => FileKind::Other,
    };
    Descriptor::described(
        PathBuf::from(OsStr::from_bytes(file.target())),
        kind,
        || None,
    )
}
