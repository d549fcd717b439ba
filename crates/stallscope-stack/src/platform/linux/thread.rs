//! The calling thread's number and stack bounds, and any thread's processor time.

#![allow(unsafe_code)] // Questions to libc that std does not offer.

use std::mem::MaybeUninit;
use std::ptr;
use std::time::Duration;

use super::timer::clock_of;
use crate::Tid;
use crate::capture::StackBounds;

#[expect(clippy::unnecessary_wraps, reason = "elsewhere there is none")]
pub(crate) fn current_tid() -> Option<i32> {
    // SAFETY: takes nothing, cannot fail.
    Some(unsafe { libc::gettid() })
}

/// Processor time of a thread of this process, exact to the moment; the files of `/proc` lag behind by up to a tick.
pub(crate) fn cpu_time(tid: Tid) -> Option<Duration> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the time is a place to write to; a clock of no thread is an error.
    if unsafe { libc::clock_gettime(clock_of(tid), &raw mut time) } != 0 {
        return None;
    }
    let seconds = u64::try_from(time.tv_sec).ok()?;
    Some(Duration::new(seconds, u32::try_from(time.tv_nsec).ok()?))
}

pub(crate) fn current_stack() -> Option<StackBounds> {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    // SAFETY: pthread_self is the live calling thread; the attributes are a place to write to.
    if unsafe { libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) } != 0 {
        return None;
    }
    let mut low = ptr::null_mut();
    let mut size = 0;
    // SAFETY: pthread_getattr_np succeeded, so the attributes are initialised; they are destroyed once and not used after.
    let status = unsafe {
        let status = libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut low, &raw mut size);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        status
    };
    let low = low.addr() as u64;
    (status == 0 && size > 0).then(|| StackBounds {
        low,
        high: low.saturating_add(size as u64),
    })
}
