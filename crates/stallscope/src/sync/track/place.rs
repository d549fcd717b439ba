//! A place in the source that one thread stores and others read.
#![allow(unsafe_code)] // follows a pointer that was made from a reference to a static

use std::panic::Location;

use super::super::atomics::{AtomicPtr, Ordering};

/// A place, or none yet.
#[derive(Default)]
pub(super) struct AtomicPlace(AtomicPtr<Location<'static>>);

impl AtomicPlace {
    #[inline]
    pub(super) fn set(&self, place: &'static Location<'static>) {
        self.0
            .store(std::ptr::from_ref(place).cast_mut(), Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn copy(&self, other: &AtomicPlace) {
        self.0
            .store(other.0.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn get(&self) -> Option<&'static Location<'static>> {
        // SAFETY: null, or made in `set` from a reference that is valid for ever; nobody writes through it.
        unsafe { self.0.load(Ordering::Relaxed).as_ref() }
    }
}
