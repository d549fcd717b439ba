//! The calling thread's number and stack bounds.

#![allow(unsafe_code)] // Two questions to libc that std does not offer.

use std::mem::MaybeUninit;
use std::ptr;

use crate::capture::StackBounds;

#[expect(clippy::unnecessary_wraps, reason = "elsewhere there is none")]
pub(crate) fn current_tid() -> Option<i32> {
    // SAFETY: takes nothing, cannot fail.
    Some(unsafe { libc::gettid() })
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
