//! What a signal handler may do, as a type.
//!
//! A handler may interrupt its thread anywhere: inside `malloc`, holding any lock, in the middle of a panic. So it
//! gets nothing but a [`SignalSafe`], and code that takes one does nothing but call its methods and use atomics. They
//! never allocate, lock, panic, change `errno`, or touch a thread-local with a destructor.
//!
//! Invariant: this file uses `core` and `libc` only, and of `libc` only what signal-safety(7) lists, or a bare system
//! call that cannot fail.

#![allow(unsafe_code)] // The interrupted thread's registers and stack are raw memory.

use core::ptr;

use super::arch;
use crate::capture::{Registers, StackBounds};

/// The view of a signal handler on the thread it interrupted.
pub(super) struct SignalSafe<'s> {
    info: &'s libc::siginfo_t,
    context: &'s libc::ucontext_t,
    began: u64,
}

/// The interrupted thread's registers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Machine {
    pub(super) registers: Registers,
    /// Registers that may still hold the arguments of a system call just made.
    pub(super) arguments: [u64; 6],
    /// The register that may still hold its number.
    pub(super) number: Option<u64>,
    /// How long the handler had been running, in nanoseconds.
    pub(super) pause: u64,
}

impl Machine {
    pub(super) const ZERO: Self = Self {
        registers: Registers {
            pc: 0,
            sp: 0,
            fp: None,
            lr: None,
        },
        arguments: [0; 6],
        number: None,
        pause: 0,
    };
}

impl SignalSafe<'_> {
    /// # Safety
    /// Only from a handler installed with `SA_SIGINFO`, with the pointers the kernel gave it; the result must be gone
    /// before the handler returns.
    pub(super) unsafe fn new(
        info: *const libc::siginfo_t,
        context: *const libc::c_void,
    ) -> Option<Self> {
        // SAFETY: the kernel passes pointers to a siginfo and a ucontext on the stack the handler runs on; a chaining
        // handler that passes null is caught by as_ref.
        let (info, context) =
            unsafe { (info.as_ref()?, context.cast::<libc::ucontext_t>().as_ref()?) };
        Some(Self {
            info,
            context,
            began: now(),
        })
    }

    /// The value that came with the signal, if a timer sent it.
    pub(super) fn cookie(&self) -> Option<u64> {
        if self.info.si_code != libc::SI_TIMER {
            return None;
        }
        // SAFETY: SI_TIMER says that the kernel filled in a value.
        Some(unsafe { self.info.si_value() }.sival_ptr.addr() as u64)
    }

    /// The interrupted thread's number.
    #[expect(
        clippy::unused_self,
        reason = "that it is called in a handler is the point"
    )]
    pub(super) fn tid(&self) -> i32 {
        // SAFETY: takes nothing, cannot fail.
        unsafe { libc::gettid() }
    }

    /// Its registers, and how long it has been held so far.
    pub(super) fn machine(&self) -> Machine {
        Machine {
            pause: now().saturating_sub(self.began),
            ..arch::machine(self.context)
        }
    }

    /// Copies its stack from the stack pointer to the top or until the buffer is full; 0 if it runs on another stack.
    pub(super) fn copy_stack(&self, bounds: StackBounds, into: &mut [u8]) -> usize {
        let sp = arch::machine(self.context).registers.sp;
        if sp < bounds.low || sp >= bounds.high {
            return 0;
        }
        let length = usize::try_from(bounds.high - sp)
            .unwrap_or(usize::MAX)
            .min(into.len());
        let from = ptr::with_exposed_provenance::<u8>(sp as usize);
        // SAFETY: this runs on the thread whose stack this is (the caller compared its number), between its stack
        // pointer and its top: mapped and readable while the thread lives, and nobody but the thread itself, which is
        // here, changes it. `into` is a static buffer, so the two do not overlap.
        unsafe { ptr::copy_nonoverlapping(from, into.as_mut_ptr(), length) };
        length
    }
}

/// Monotonic nanoseconds; 0 if there is no clock.
fn now() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: listed as async-signal-safe; writes to a local. With a valid clock and pointer it leaves errno alone,
    // and the handler restores errno in any case.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec
        .cast_unsigned()
        .wrapping_mul(1_000_000_000)
        .wrapping_add(time.tv_nsec.cast_unsigned())
}
