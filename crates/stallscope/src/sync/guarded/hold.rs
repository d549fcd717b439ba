//! A lock that is held, until this is dropped: guards are this with a pointer to the value.
#![allow(unsafe_code)] // a guard outlives the borrow through which it was made, as its owner may move

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use super::super::track::Held;
use super::super::view::Mode;
use super::gate::Gate;
use super::guard::Borrowed;

/// A lock that is held. `P` keeps it.
pub(super) struct Hold<P> {
    gate: NonNull<Gate>,
    mode: Mode,
    held: Held,
    pub(super) lock: P,
}

// SAFETY: `Gate` is `Sync`, which the compiler cannot see through the pointer.
unsafe impl<P: Send> Send for Hold<P> {}
// SAFETY: as above.
unsafe impl<P: Sync> Sync for Hold<P> {}

const _: fn() = || {
    fn is_sync<T: Sync>() {}
    is_sync::<Gate>();
};

impl<P> Hold<P> {
    #[inline]
    pub(super) fn new(gate: NonNull<Gate>, mode: Mode, held: Held, lock: P) -> Self {
        Hold {
            gate,
            mode,
            held,
            lock,
        }
    }

    #[inline]
    pub(super) fn writes(&mut self) {
        // SAFETY: as in `gate`.
        unsafe { self.gate.as_ref() }.writes(&mut self.held);
    }

    pub(super) fn downgrade(&mut self) {
        // SAFETY: as in `gate`.
        unsafe { self.gate.as_ref() }.downgrade(&mut self.held);
        self.mode = Mode::Shared;
    }

    #[inline]
    fn gate(&self) -> &Gate {
        // SAFETY: the gate is a member of the lock, which `lock` keeps alive and in its place: by `Keeper`, or by the lifetime of `Borrowed`.
        unsafe { self.gate.as_ref() }
    }
}

impl<'a, L: ?Sized> Hold<&'a L> {
    #[inline]
    pub(super) fn erase(self) -> Hold<Borrowed<'a>> {
        // Nothing is let go of: another guard goes on.
        let this = ManuallyDrop::new(self);
        Hold::new(this.gate, this.mode, this.held, PhantomData)
    }
}

impl<P> Drop for Hold<P> {
    #[inline]
    fn drop(&mut self) {
        self.gate().release(self.mode, self.held);
    }
}
