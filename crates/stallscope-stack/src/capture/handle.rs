//! The right to look at a thread: its number and its stack, for as long as it lives.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::CaptureError;
use super::raw::StackBounds;
use crate::{Tid, platform};

/// Another thread that may be captured. Cheap to clone, may outlive the thread.
#[derive(Debug, Clone)]
pub struct ThreadHandle {
    record: Arc<Record>,
}

/// A registered thread, held by that thread: captures succeed until this is dropped.
#[derive(Debug)]
#[must_use = "the thread can be captured only while this lives: keep it, or call `until_thread_ends`"]
pub struct Registration {
    handle: ThreadHandle,
    /// Stays on its thread, so that dropping it means the thread is still there.
    not_send: PhantomData<*const ()>,
}

#[derive(Debug)]
struct Record {
    tid: Tid,
    bounds: StackBounds,
    /// Set when the registration is dropped. From then on number and stack may belong to another thread.
    ended: AtomicBool,
}

impl ThreadHandle {
    /// Registers the calling thread: its number and the bounds of its stack.
    ///
    /// A few microseconds; some 50 on the main thread, whose bounds come from `/proc/self/maps`.
    ///
    /// # Errors
    /// [`CaptureError::NotAvailableHere`], also when the stack's bounds cannot be found.
    pub fn register_current() -> Result<Registration, CaptureError> {
        let tid = Tid::current().ok_or(CaptureError::NotAvailableHere)?;
        let bounds = platform::current_stack().ok_or(CaptureError::NotAvailableHere)?;
        let record = Record {
            tid,
            bounds,
            ended: AtomicBool::new(false),
        };
        Ok(Registration {
            handle: ThreadHandle {
                record: Arc::new(record),
            },
            not_send: PhantomData,
        })
    }

    /// The thread's number.
    pub fn tid(&self) -> Tid {
        self.record.tid
    }

    /// Where its stack lies.
    pub fn stack(&self) -> StackBounds {
        self.record.bounds
    }

    /// Whether the thread has ended, or given its registration up.
    pub fn has_ended(&self) -> bool {
        self.record.ended.load(Ordering::Acquire)
    }
}

impl Registration {
    /// A handle for others to capture this thread with.
    pub fn handle(&self) -> ThreadHandle {
        self.handle.clone()
    }

    /// Keeps the registration until the thread ends.
    pub fn until_thread_ends(self) -> ThreadHandle {
        thread_local! {
            static KEPT: RefCell<Vec<Registration>> = const { RefCell::new(Vec::new()) };
        }
        let handle = self.handle();
        // While the thread's locals are being destroyed it is about to end: the registration ends here and now.
        let _ = KEPT.try_with(|kept| kept.borrow_mut().push(self));
        handle
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.handle.record.ended.store(true, Ordering::Release);
    }
}

#[cfg(all(
    test,
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn a_registration_covers_the_frames_of_its_thread() {
        let own = ThreadHandle::register_current().expect("supported");
        let local = 0_u8;
        assert!(
            own.handle()
                .stack()
                .contains((&raw const local).addr() as u64)
        );
        assert_eq!(Some(own.handle().tid()), Tid::current());
    }

    #[test]
    fn a_handle_outlives_its_thread_and_knows_it() {
        let register = || {
            ThreadHandle::register_current()
                .expect("supported")
                .until_thread_ends()
        };
        let handle = thread::spawn(register).join().expect("ends");
        assert!(handle.has_ended());
        assert_eq!(
            crate::capture(&handle).err(),
            Some(CaptureError::ThreadEnded)
        );
    }

    #[test]
    fn dropping_the_registration_ends_the_right_to_look() {
        let own = ThreadHandle::register_current().expect("supported");
        let handle = own.handle();
        assert!(!handle.has_ended());
        drop(own);
        assert!(handle.has_ended());
    }
}
