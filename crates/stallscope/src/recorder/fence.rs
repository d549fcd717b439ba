//! How does one rare reader get a full barrier out of many hot writers that pay nothing for it?
//!
//! A worker that touches a record first says "I am inside"
//! ([`super::thread::ThreadRecord::enter`]), then reads where the record is. Whoever moves records
//! does the opposite: says "moved", then looks who is inside. Each side needs its store to be
//! visible before its load, which on every processor takes a full fence, 5 ns or more. With
//! membarrier(2) the mover makes the kernel run that fence on all threads of the process, and the
//! worker's side shrinks to a fence for the compiler. Where the system call is missing or
//! forbidden, both sides pay the ordinary fence and stay correct.

use std::sync::atomic::{AtomicBool, Ordering, compiler_fence, fence};

/// Whether [`heavy`] makes the kernel fence every thread, so that [`light`] need not.
static EXPEDITED: AtomicBool = AtomicBool::new(false);

/// Registers the process; to be called before any thread runs a hook. Returns whether the cheap way
/// is available.
pub(crate) fn prepare() -> bool {
    let available = register();
    EXPEDITED.store(available, Ordering::SeqCst);
    available
}

/// The worker's side: between "I am inside" and reading where a record is.
#[inline]
pub(crate) fn light() {
    if EXPEDITED.load(Ordering::Relaxed) {
        compiler_fence(Ordering::SeqCst);
    } else {
        fence(Ordering::SeqCst);
    }
}

/// The mover's side: between "moved" and looking who is inside. False: no barrier could be had,
/// move nothing.
#[must_use]
pub(crate) fn heavy() -> bool {
    fence(Ordering::SeqCst);
    !EXPEDITED.load(Ordering::Relaxed) || barrier()
}

#[cfg(target_os = "linux")]
fn register() -> bool {
    use rustix::thread::{MembarrierCommand, membarrier, membarrier_query};
    membarrier_query().contains_command(MembarrierCommand::PrivateExpedited)
        && membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok()
}

#[cfg(target_os = "linux")]
fn barrier() -> bool {
    rustix::thread::membarrier(rustix::thread::MembarrierCommand::PrivateExpedited).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn register() -> bool {
    false
}

#[cfg(not(target_os = "linux"))]
fn barrier() -> bool {
    false
}
