//! The right to read or write a value, for as long as the guard lives. All guards of the async locks are one of these two with a name.
#![allow(unsafe_code)] // a lock is where the compiler's rules about sharing end

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::Arc;

use tokio::sync::TryLockError;

use super::super::track::Held;
use super::super::view::Mode;
use super::hold::Hold;
use super::{Guarded, Lock, Value};

/// A pointer that keeps a lock alive and in its place.
///
/// # Safety
///
/// What it points to stays where it is, and valid, for as long as the pointer exists, wherever that is moved.
pub(in crate::sync) unsafe trait Keeper: Deref<Target: Lock> {}

// SAFETY: the borrow outlives the reference, and what is borrowed is not moved.
unsafe impl<L: Lock + ?Sized> Keeper for &L {}
// SAFETY: the content of an `Arc` is on the heap for as long as one of them exists.
unsafe impl<L: Lock + ?Sized> Keeper for Arc<L> {}

/// Stands for the borrow of a lock whose type is forgotten.
pub(in crate::sync) type Borrowed<'a> = PhantomData<&'a ()>;

/// The right to write. `P` keeps the lock.
pub(in crate::sync) struct Writing<P, U: ?Sized> {
    value: *mut U,
    hold: Hold<P>,
}

/// The right to read. `P` keeps the lock.
pub(in crate::sync) struct Reading<P, U: ?Sized> {
    value: *const U,
    hold: Hold<P>,
}

// SAFETY: as a `&mut U` with what keeps the lock; the gate itself may be used from every thread.
unsafe impl<P: Send, U: ?Sized + Send> Send for Writing<P, U> {}
// SAFETY: shared, it gives out `&U`.
unsafe impl<P: Sync, U: ?Sized + Sync> Sync for Writing<P, U> {}
// SAFETY: as a `&U` with what keeps the lock.
unsafe impl<P: Send, U: ?Sized + Sync> Send for Reading<P, U> {}
// SAFETY: shared, it gives out `&U`. (`Send` is more than is needed: tokio asks for it.)
unsafe impl<P: Sync, U: ?Sized + Send + Sync> Sync for Reading<P, U> {}
impl<P: Keeper> Writing<P, Value<P>> {
    /// Waits for its turn.
    #[inline]
    pub(in crate::sync) async fn when_free(lock: P, place: &'static Location<'static>) -> Self {
        let gate = &lock.guarded().gate;
        let held = gate.acquire(Mode::Exclusive, place).await;
        Self::new(lock, held)
    }

    /// If nobody else has the lock.
    #[inline]
    #[track_caller]
    pub(in crate::sync) fn if_free(lock: P) -> Result<Self, TryLockError> {
        let gate = &lock.guarded().gate;
        let held = gate.try_acquire(Mode::Exclusive, Location::caller())?;
        Ok(Self::new(lock, held))
    }

    /// Blocks the thread until its turn has come.
    #[track_caller]
    pub(in crate::sync) fn blocking(lock: P) -> Self {
        let held = lock.guarded().gate.acquire_blocking(Mode::Exclusive);
        Self::new(lock, held)
    }

    /// `held` comes from this lock's gate, just now, in this mode.
    #[inline]
    fn new(lock: P, held: Held) -> Self {
        let guarded = lock.guarded();
        let value = guarded.value.get();
        let gate = NonNull::from(&guarded.gate);
        Writing {
            value,
            hold: Hold::new(gate, Mode::Exclusive, held, lock),
        }
    }
}

impl<P: Keeper> Reading<P, Value<P>> {
    /// Waits for its turn.
    #[inline]
    pub(in crate::sync) async fn when_free(lock: P, place: &'static Location<'static>) -> Self {
        let gate = &lock.guarded().gate;
        let held = gate.acquire(Mode::Shared, place).await;
        Self::new(lock, held)
    }

    /// If nobody writes, or waits to.
    #[inline]
    #[track_caller]
    pub(in crate::sync) fn if_free(lock: P) -> Result<Self, TryLockError> {
        let gate = &lock.guarded().gate;
        let held = gate.try_acquire(Mode::Shared, Location::caller())?;
        Ok(Self::new(lock, held))
    }

    /// Blocks the thread until its turn has come.
    #[track_caller]
    pub(in crate::sync) fn blocking(lock: P) -> Self {
        let held = lock.guarded().gate.acquire_blocking(Mode::Shared);
        Self::new(lock, held)
    }

    /// `held` comes from this lock's gate, just now, in this mode.
    #[inline]
    fn new(lock: P, held: Held) -> Self {
        let guarded = lock.guarded();
        let value = guarded.value.get();
        let gate = NonNull::from(&guarded.gate);
        Reading {
            value,
            hold: Hold::new(gate, Mode::Shared, held, lock),
        }
    }
}

impl<'a, U: ?Sized> Reading<Borrowed<'a>, U> {
    /// If that is possible at once, and without being told of. A lock that nobody reads beside others is taken as such.
    pub(super) fn silently(guarded: &'a Guarded<U>, mode: Mode) -> Result<Self, TryLockError> {
        guarded.gate.try_silently(mode)?;
        let gate = NonNull::from(&guarded.gate);
        Ok(Reading {
            value: guarded.value.get(),
            hold: Hold::new(gate, mode, Held::UNTRACKED, PhantomData),
        })
    }
}

impl<P, U: ?Sized> Writing<P, U> {
    #[inline]
    pub(in crate::sync) fn map<V: ?Sized>(
        mut self,
        part: impl FnOnce(&mut U) -> &mut V,
    ) -> Writing<P, V> {
        Writing {
            value: part(self.reach()),
            hold: self.hold,
        }
    }

    #[inline]
    pub(in crate::sync) fn try_map<V: ?Sized>(
        mut self,
        part: impl FnOnce(&mut U) -> Option<&mut V>,
    ) -> Result<Writing<P, V>, Self> {
        match part(self.reach()) {
            Some(value) => Ok(Writing {
                value,
                hold: self.hold,
            }),
            None => Err(self),
        }
    }

    /// Lets others read too.
    pub(in crate::sync) fn downgrade(mut self) -> Reading<P, U> {
        self.hold.downgrade();
        Reading {
            value: self.value,
            hold: self.hold,
        }
    }

    /// As [`Writing::downgrade`], of a part of the value, if there is one.
    pub(in crate::sync) fn try_downgrade_map<V: ?Sized>(
        mut self,
        part: impl FnOnce(&U) -> Option<&V>,
    ) -> Result<Reading<P, V>, Self> {
        let Some(value) = part(&self).map(std::ptr::from_ref) else {
            return Err(self);
        };
        self.hold.downgrade();
        Ok(Reading {
            value,
            hold: self.hold,
        })
    }

    #[inline]
    pub(in crate::sync) fn lock(&self) -> &P {
        &self.hold.lock
    }

    /// The value, without this counting as a write.
    #[inline]
    fn reach(&mut self) -> &mut U {
        // SAFETY: this guard was made for one acquisition of the whole gate, and holds it; so nobody else has a reference to the value
        // or a part of it. The lock, and the value in it, are kept by `hold`. A mapped pointer comes from such a reference.
        unsafe { &mut *self.value }
    }
}

impl<P, U: ?Sized> Reading<P, U> {
    #[inline]
    pub(in crate::sync) fn map<V: ?Sized>(self, part: impl FnOnce(&U) -> &V) -> Reading<P, V> {
        Reading {
            value: part(&self),
            hold: self.hold,
        }
    }

    #[inline]
    pub(in crate::sync) fn try_map<V: ?Sized>(
        self,
        part: impl FnOnce(&U) -> Option<&V>,
    ) -> Result<Reading<P, V>, Self> {
        match part(&self).map(std::ptr::from_ref) {
            Some(value) => Ok(Reading {
                value,
                hold: self.hold,
            }),
            None => Err(self),
        }
    }

    #[inline]
    pub(in crate::sync) fn lock(&self) -> &P {
        &self.hold.lock
    }
}

impl<'a, L: ?Sized, U: ?Sized> Writing<&'a L, U> {
    /// Forgets what kind of lock it is.
    #[inline]
    pub(in crate::sync) fn erase(self) -> Writing<Borrowed<'a>, U> {
        Writing {
            value: self.value,
            hold: self.hold.erase(),
        }
    }
}

impl<'a, L: ?Sized, U: ?Sized> Reading<&'a L, U> {
    /// Forgets what kind of lock it is.
    #[inline]
    pub(in crate::sync) fn erase(self) -> Reading<Borrowed<'a>, U> {
        Reading {
            value: self.value,
            hold: self.hold.erase(),
        }
    }
}

impl<P, U: ?Sized> Deref for Writing<P, U> {
    type Target = U;

    #[inline]
    fn deref(&self) -> &U {
        // SAFETY: as in `reach`; the reference is shared, and lives no longer than that to the guard.
        unsafe { &*self.value }
    }
}

impl<P, U: ?Sized> DerefMut for Writing<P, U> {
    #[inline]
    fn deref_mut(&mut self) -> &mut U {
        self.hold.writes();
        self.reach()
    }
}

impl<P, U: ?Sized> Deref for Reading<P, U> {
    type Target = U;

    #[inline]
    fn deref(&self) -> &U {
        // SAFETY: this guard holds at least one permit of the gate, so nobody has a guard to write. The lock, and the value in it, are
        // kept by `hold`. A mapped pointer comes from such a reference.
        unsafe { &*self.value }
    }
}
