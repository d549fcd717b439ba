//! Which record is a lock's? One is claimed when the lock is first taken, and stays the lock's as long as that exists.
#![allow(unsafe_code)] // follows a pointer that was made from a reference to what is never freed

use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use super::record::LockRecord;

/// A lock's record, if it has one.
pub(super) struct Link {
    record: AtomicPtr<LockRecord>,
    /// There was none left for it.
    is_left_out: AtomicBool,
}

impl Link {
    pub(super) const fn new() -> Self {
        Link {
            record: AtomicPtr::new(ptr::null_mut()),
            is_left_out: AtomicBool::new(false),
        }
    }

    #[inline]
    pub(super) fn get(&self) -> Option<&'static LockRecord> {
        // SAFETY: null, or made in `set` from a reference that is valid for ever; nobody writes through it.
        unsafe { self.record.load(Ordering::Acquire).as_ref() }
    }

    /// None: there are too many locks. For those who hold the pool.
    pub(super) fn set(&self, record: Option<&'static LockRecord>) {
        match record {
            Some(record) => self
                .record
                .store(ptr::from_ref(record).cast_mut(), Ordering::Release),
            None => self.is_left_out.store(true, Ordering::Relaxed),
        }
    }

    pub(super) fn is_left_out(&self) -> bool {
        self.is_left_out.load(Ordering::Relaxed)
    }
}
