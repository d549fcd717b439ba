//! The handler of `SIGURG`: answers our requests, passes everything else on.
//!
//! `SIGURG`, because its default is to be ignored: one that arrives when nobody handles it does no harm, and debuggers
//! let it pass. Whoever handled it before keeps getting every signal that is not ours.

#![allow(unsafe_code)] // Installing a signal handler, and being one.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, TryLockError};

use super::mailbox::{self, Answered};
use super::signal_safe::SignalSafe;
use super::timer::refused;
use super::watchpoint;
use crate::capture::CaptureError;

pub(super) const SIGNAL: i32 = libc::SIGURG;

/// Who handled the signal before us. Written before our handler can run, read by it.
static BEFORE: Before = Before {
    handler: AtomicUsize::new(libc::SIG_DFL),
    wants_info: AtomicBool::new(false),
};

struct Before {
    handler: AtomicUsize,
    wants_info: AtomicBool,
}

/// Installs the handler once; afterwards checks that it is still there.
pub(super) fn ensure_installed() -> Result<(), CaptureError> {
    static INSTALLED: Mutex<bool> = Mutex::new(false);
    if action(None)?.sa_sigaction == ours() {
        return Ok(());
    }
    // Not `lock`: after a fork at the wrong moment nobody is left to unlock it.
    let mut installed = match INSTALLED.try_lock() {
        Ok(installed) => installed,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return Err(CaptureError::Busy),
    };
    let current = action(None)?;
    if current.sa_sigaction == ours() {
        return Ok(());
    }
    if *installed {
        // Installing again could make two handlers pass a signal to each other for ever.
        return Err(CaptureError::HandlerReplaced);
    }
    BEFORE.remember(&current);
    // SAFETY: a sigaction is integers; all zero is valid.
    let mut new: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    new.sa_sigaction = ours();
    new.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | libc::SA_ONSTACK;
    // Whoever comes after us in the chain may rely on what it had blocked.
    new.sa_mask = current.sa_mask;
    let replaced = action(Some(&new))?;
    // Another thread may have installed its own between our look and now.
    BEFORE.remember(&replaced);
    *installed = true;
    Ok(())
}

fn ours() -> usize {
    on_signal as extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) as usize
}

/// Asks for the current action, or sets a new one and returns the old.
fn action(new: Option<&libc::sigaction>) -> Result<libc::sigaction, CaptureError> {
    let mut old = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: `new` is null or a valid action whose handler obeys signal safety (see `signal_safe`); `old` is a place to
    // write to.
    let status = unsafe {
        libc::sigaction(
            SIGNAL,
            new.map_or(ptr::null(), ptr::from_ref),
            old.as_mut_ptr(),
        )
    };
    if status != 0 {
        return Err(refused("sigaction"));
    }
    // SAFETY: zeroed, and a sigaction is integers.
    Ok(unsafe { old.assume_init() })
}

extern "C" fn on_signal(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let _errno = KeepErrno::new();
    // SAFETY: this is a handler installed with SA_SIGINFO, the pointers are the kernel's, `safe` ends before the return.
    let safe = unsafe { SignalSafe::new(info, context) };
    let answered = safe.map(|safe| match mailbox::answer(&safe) {
        Answered::NotOurs => watchpoint::answer(&safe),
        Answered::Done => Answered::Done,
    });
    match answered {
        Some(Answered::Done) => {}
        Some(Answered::NotOurs) | None => BEFORE.pass_on(signal, info, context),
    }
}

impl Before {
    fn remember(&self, action: &libc::sigaction) {
        if action.sa_sigaction != ours() {
            self.wants_info
                .store(action.sa_flags & libc::SA_SIGINFO != 0, Ordering::Relaxed);
            self.handler.store(action.sa_sigaction, Ordering::Release);
        }
    }

    /// Runs inside the handler. What it calls is as signal-safe as its author made it, as it would be without us.
    fn pass_on(&self, signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
        let handler = self.handler.load(Ordering::Acquire);
        // The default of this signal is to be ignored as well.
        if handler == libc::SIG_DFL || handler == libc::SIG_IGN {
            return;
        }
        let handler = ptr::with_exposed_provenance::<()>(handler);
        if self.wants_info.load(Ordering::Relaxed) {
            // SAFETY: it was installed with SA_SIGINFO, so it is a function of three arguments.
            let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) =
                unsafe { std::mem::transmute(handler) };
            handler(signal, info, context);
        } else {
            // SAFETY: it was installed without SA_SIGINFO, so it is a function of one argument.
            let handler: extern "C" fn(i32) = unsafe { std::mem::transmute(handler) };
            handler(signal);
        }
    }
}

/// Gives the interrupted code its `errno` back.
struct KeepErrno(i32);

impl KeepErrno {
    fn new() -> Self {
        // SAFETY: the address of the calling thread's errno is valid for as long as the thread lives.
        Self(unsafe { *libc::__errno_location() })
    }
}

impl Drop for KeepErrno {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe { *libc::__errno_location() = self.0 };
    }
}
