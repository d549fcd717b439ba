//! What a signal handler may do, as a type.
//!
//! A handler may interrupt its thread anywhere: inside `malloc`, holding any lock, in the middle of a panic. So it
//! gets nothing but a [`SignalSafe`], and code that takes one does nothing but call its methods and use atomics. They
//! never allocate, lock, panic, change `errno`, or touch a thread-local with a destructor.
//!
//! Invariant: this file uses `core` and `libc` only, and of `libc` only what signal-safety(7) lists, or a bare system
//! call. What it calls elsewhere (`arch`, `memory`) keeps to the same and says so.

#![allow(unsafe_code)] // The interrupted thread's registers and stack are raw memory.

use core::mem::{MaybeUninit, align_of, size_of};
use core::ptr;

use super::{arch, memory};
use crate::capture::{Registers, StackBounds};
use crate::kernel::SystemCall;

/// The view of a signal handler on the thread it interrupted.
pub(super) struct SignalSafe<'s> {
    info: &'s libc::siginfo_t,
    context: &'s libc::ucontext_t,
    began: u64,
}

/// What an open file is, as a handler can find out.
#[derive(Debug, Clone, Copy)]
pub(super) struct FileNote {
    /// `st_mode`.
    pub(super) mode: libc::mode_t,
    /// What `/proc/self/fd/<number>` points to; its first bytes if it is longer.
    target: [u8; FileNote::LONGEST],
    length: usize,
}

impl FileNote {
    const LONGEST: usize = 256;

    pub(super) fn target(&self) -> &[u8] {
        self.target.get(..self.length).unwrap_or(&[])
    }
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

    /// The file that sent the signal, if it was one that has hit its limit: a breakpoint of ours does once.
    pub(super) fn sent_by(&self) -> Option<i32> {
        const POLL_IN: i32 = 1;
        const POLL_HUP: i32 = 6;
        /// The beginning of a siginfo that a file has sent.
        #[repr(C)]
        struct OfFile {
            signal: i32,
            errno: i32,
            code: i32,
            band: libc::c_long,
            descriptor: i32,
        }
        const {
            assert!(size_of::<OfFile>() <= size_of::<libc::siginfo_t>());
            assert!(align_of::<OfFile>() <= align_of::<libc::siginfo_t>());
        }
        if !matches!(self.info.si_code, POLL_IN | POLL_HUP) {
            return None;
        }
        // SAFETY: the kernel lays a siginfo with these codes out like this, it is larger (asserted above), and all of it is integers.
        Some(unsafe { &*ptr::from_ref(self.info).cast::<OfFile>() }.descriptor)
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

    /// Its registers.
    pub(super) fn registers(&self) -> Registers {
        arch::registers(self.context)
    }

    /// The system call it had just come out of, if its last instruction was one.
    pub(super) fn just_left(&self) -> Option<SystemCall> {
        arch::just_left(self.context)
    }

    /// When that was, monotonic nanoseconds.
    pub(super) fn began(&self) -> u64 {
        self.began
    }

    /// How long it has been held so far, in nanoseconds.
    pub(super) fn pause(&self) -> u64 {
        now().saturating_sub(self.began)
    }

    /// What one of its open files is. Asked here, because it may be closed as soon as the thread goes on.
    #[expect(
        clippy::unused_self,
        reason = "that it is called in a handler is the point"
    )]
    pub(super) fn file(&self, descriptor: i32) -> Option<FileNote> {
        let mut status = MaybeUninit::<libc::stat>::uninit();
        // SAFETY: listed as async-signal-safe; writes to a local. The kernel checks the descriptor.
        if unsafe { libc::fstat(descriptor, status.as_mut_ptr()) } != 0 {
            return None;
        }
        // SAFETY: fstat succeeded and filled it in.
        let mode = unsafe { status.assume_init() }.st_mode;
        let path = path_of(descriptor)?;
        let mut target = [0; FileNote::LONGEST];
        // SAFETY: listed as async-signal-safe; the path ends in zero, the target has the length given.
        let length = unsafe {
            libc::readlink(
                path.as_ptr().cast(),
                target.as_mut_ptr().cast(),
                target.len(),
            )
        };
        Some(FileNote {
            mode,
            target,
            length: usize::try_from(length).unwrap_or(0),
        })
    }

    /// Copies its stack from the stack pointer on, until the buffer is full or nothing is mapped any more: whatever stack it is.
    pub(super) fn copy_top(&self, into: &mut [u8]) -> usize {
        memory::read_mapped(self.registers().sp, into)
    }

    /// Copies its stack from the stack pointer to the top or until the buffer is full; 0 if it runs on another stack.
    pub(super) fn copy_stack(&self, bounds: StackBounds, into: &mut [u8]) -> usize {
        let sp = self.registers().sp;
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

/// `/proc/self/fd/<number>` and a zero, without formatting, which may allocate.
fn path_of(descriptor: i32) -> Option<[u8; 32]> {
    const HOME: &[u8] = b"/proc/self/fd/";
    let mut rest = u32::try_from(descriptor).ok()?;
    let mut path = [0; 32];
    path.get_mut(..HOME.len())?.copy_from_slice(HOME);
    let digits = rest.checked_ilog10().unwrap_or(0) as usize + 1;
    for place in (HOME.len()..HOME.len() + digits).rev() {
        *path.get_mut(place)? = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    Some(path)
}

/// Monotonic nanoseconds; 0 if there is no clock.
pub(super) fn now() -> u64 {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_without_formatting() {
        for descriptor in [0, 9, 10, 407, i32::MAX] {
            let path = path_of(descriptor).expect("a descriptor");
            let expected = format!("/proc/self/fd/{descriptor}\0");
            assert_eq!(path.get(..expected.len()), Some(expected.as_bytes()));
        }
        assert_eq!(path_of(-1), None);
    }
}
