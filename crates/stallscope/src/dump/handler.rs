//! How does a signal reach the agent? By a handler that stores a flag and rings the agent's bell.
//!
//! Invariant: what runs inside the handler is two atomic operations, one `write(2)`, and nothing else.
#![allow(unsafe_code)] // Installing a signal handler, and being one.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use super::Signal;
use crate::watch::INBOX;

/// The signal has come since the agent last looked.
static WANTED: AtomicBool = AtomicBool::new(false);

/// The descriptor to write a byte to; without one, the agent looks four times a second anyway.
static BELL: AtomicI32 = AtomicI32::new(-1);

/// Installs the handler, unless the application uses the signal: then a sentence says so.
pub(crate) fn listen_for(signal: Signal) -> Result<(), String> {
    if let Some(refusal) = signal.refusal() {
        return Err(refusal);
    }
    if is_blocked(signal) {
        // Threads inherit it. Whoever blocks a signal at the start fetches it with sigwait or a signalfd.
        return Err(format!(
            "{signal} is blocked by the application: choose another signal"
        ));
    }
    let in_use = || {
        format!(
            "{signal} is used by the application, so it stays the application's: choose another signal"
        )
    };
    let refused =
        |error: io::Error| format!("no handler for {signal} could be installed ({error})");
    if !is_default(&action(signal, None).map_err(refused)?) {
        return Err(in_use());
    }
    if let Some(bell) = INBOX.ring_fd() {
        BELL.store(bell.as_raw_fd(), Ordering::Relaxed);
    }
    let before = action(signal, Some(&ours())).map_err(refused)?;
    if !is_default(&before) {
        // Another thread has installed its own between our look and now: it is put back.
        let _ = action(signal, Some(&before));
        return Err(in_use());
    }
    Ok(())
}

/// Whether the signal has come since the last time this was asked.
pub(crate) fn is_wanted() -> bool {
    WANTED.swap(false, Ordering::Acquire)
}

extern "C" fn on_signal(_signal: i32) {
    // SAFETY: the address of the calling thread's errno is valid for as long as the thread lives.
    let errno = unsafe { *libc::__errno_location() };
    WANTED.store(true, Ordering::Release);
    let bell = BELL.load(Ordering::Relaxed);
    if bell >= 0 {
        // SAFETY: one byte of a constant; `write` is async-signal-safe. The bell is never closed and does not block: if it is full, it rings
        // already.
        unsafe { libc::write(bell, b"!".as_ptr().cast(), 1) };
    }
    // SAFETY: as above. The interrupted code may be about to read its own.
    unsafe { *libc::__errno_location() = errno };
}

/// Our handler: system calls of the application go on, and a thread with a stack of its own for signals uses that.
fn ours() -> libc::sigaction {
    // SAFETY: a sigaction is integers and an optional function; all zero is valid, and an empty mask.
    let mut ours: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    ours.sa_sigaction = on_signal as extern "C" fn(i32) as usize;
    ours.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
    ours
}

/// Neither handled nor ignored. To ignore a signal is a use of it too: programs that are started from here inherit that.
fn is_default(action: &libc::sigaction) -> bool {
    action.sa_sigaction == libc::SIG_DFL
}

/// Asks for the current action, or sets a new one and returns the old.
fn action(signal: Signal, new: Option<&libc::sigaction>) -> io::Result<libc::sigaction> {
    let mut old = MaybeUninit::<libc::sigaction>::zeroed();
    let new = new.map_or(ptr::null(), ptr::from_ref);
    // SAFETY: `new` is null, or an action that is `ours` (a handler that obeys signal safety) or was in force before; `old` is a place to
    // write to.
    let status = unsafe { libc::sigaction(signal.0, new, old.as_mut_ptr()) };
    if status != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: zeroed, and all zero is valid.
    Ok(unsafe { old.assume_init() })
}

/// Whether the calling thread blocks the signal.
fn is_blocked(signal: Signal) -> bool {
    // SAFETY: a sigset is integers; all zero is valid.
    let mut mask: libc::sigset_t = unsafe { MaybeUninit::zeroed().assume_init() };
    // SAFETY: no new mask is set, and `mask` is a place for the old one.
    let read = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), &raw mut mask) };
    // SAFETY: the mask was written, or is empty.
    read == 0 && unsafe { libc::sigismember(&raw const mask, signal.0) } == 1
}
