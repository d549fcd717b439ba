//! A signal that reaches a thread only while it runs: a timer on that thread's processor time.
//!
//! A directed signal (`tgkill`) sent to a thread that has just gone to wait interrupts its system call: `poll`,
//! `epoll_wait` and `nanosleep` then fail with `EINTR`, whatever `SA_RESTART` says. The clock of this timer stands
//! still while the thread waits, so it cannot expire then. When it expires (Linux 5.10 and later on both processors),
//! the kernel queues the signal on the thread's own way back to user code, when its system call is done. The price is
//! latency: the clock is looked at once per timer tick, 1 to 10 ms depending on the kernel's configuration.

#![allow(unsafe_code)] // POSIX timers have no wrapper in std.

use std::mem::MaybeUninit;
use std::ptr;

use crate::Tid;
use crate::capture::CaptureError;

/// An armed timer; dropping it disarms it.
#[derive(Debug)]
pub(super) struct CpuTimer {
    id: libc::timer_t,
}

impl CpuTimer {
    /// Sends `signal` with `cookie` to a thread of this process at the next tick that finds it running.
    pub(super) fn arm(tid: Tid, signal: i32, cookie: usize) -> Result<Self, CaptureError> {
        let timer = Self::create(tid, signal, cookie)?;
        // As soon as possible, but not zero, which disarms, and not absolute: a time that has passed already would
        // make the kernel send at once, from here, to a thread that may wait.
        let soon = libc::timespec {
            tv_sec: 0,
            tv_nsec: 1,
        };
        let once = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let when = libc::itimerspec {
            it_value: soon,
            it_interval: once,
        };
        // SAFETY: the timer exists, `when` outlives the call, nobody wants the old value.
        let status = unsafe { libc::timer_settime(timer.id, 0, &raw const when, ptr::null_mut()) };
        if status == 0 {
            Ok(timer)
        } else {
            Err(refused("timer_settime"))
        }
    }

    fn create(tid: Tid, signal: i32, cookie: usize) -> Result<Self, CaptureError> {
        // SAFETY: a sigevent is integers and pointers; all zero is valid.
        let mut event: libc::sigevent = unsafe { MaybeUninit::zeroed().assume_init() };
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_notify_thread_id = tid.number();
        event.sigev_signo = signal;
        event.sigev_value = libc::sigval {
            sival_ptr: ptr::without_provenance_mut(cookie),
        };
        let mut id = MaybeUninit::<libc::timer_t>::uninit();
        // SAFETY: event and id live through the call; a tid that is not a thread of this process is an error.
        if unsafe { libc::timer_create(clock_of(tid), &raw mut event, id.as_mut_ptr()) } != 0 {
            return Err(match errno() {
                libc::EINVAL => CaptureError::ThreadEnded,
                errno => CaptureError::Refused {
                    call: "timer_create",
                    errno,
                },
            });
        }
        // SAFETY: timer_create succeeded and wrote it.
        let id = unsafe { id.assume_init() };
        Ok(Self { id })
    }
}

impl Drop for CpuTimer {
    fn drop(&mut self) {
        // SAFETY: created in `create` and deleted nowhere else.
        unsafe { libc::timer_delete(self.id) };
    }
}

/// The clock of a thread's processor time, as the kernel encodes it (`posix-timers_types.h`): the inverted number above
/// three bits that say "of a thread, as the scheduler counts".
pub(super) fn clock_of(tid: Tid) -> libc::clockid_t {
    const PER_THREAD: i32 = 4;
    const SCHEDULER: i32 = 2;
    (!tid.number()) << 3 | PER_THREAD | SCHEDULER
}

pub(super) fn refused(call: &'static str) -> CaptureError {
    CaptureError::Refused {
        call,
        errno: errno(),
    }
}

fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_does_not_exist_has_no_timer() {
        // The first process is not a thread of ours, and nobody has the largest number.
        for number in [1, i32::MAX >> 4] {
            let tid = Tid::new(number).expect("positive");
            assert_eq!(
                CpuTimer::arm(tid, libc::SIGURG, 0).err(),
                Some(CaptureError::ThreadEnded)
            );
        }
    }
}
