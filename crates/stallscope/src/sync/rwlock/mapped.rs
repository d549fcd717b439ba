//! Guards to write a part of what is in a reader-writer lock.

use std::marker::PhantomData;
use std::sync::Arc;

use super::super::guarded::{Borrowed, Writing, guard_like};
use super::RwLock;

/// Holds a [`RwLock`] until it is dropped, alone; reads and writes a part of what is in it. Made by
/// [`RwLockWriteGuard::map`](super::RwLockWriteGuard::map).
#[clippy::has_significant_drop]
#[must_use = "the lock is let go of at once if the guard is not kept"]
pub struct RwLockMappedWriteGuard<'a, U: ?Sized> {
    inner: Writing<Borrowed<'a>, U>,
    /// May be sent and shared where tokio's may: asks for more than is needed.
    bounds: PhantomData<&'a RwLock<U>>,
}

/// As [`RwLockMappedWriteGuard`], but keeps the [`RwLock`] alive by itself. Made by
/// [`OwnedRwLockWriteGuard::map`](super::OwnedRwLockWriteGuard::map).
#[clippy::has_significant_drop]
#[must_use = "the lock is let go of at once if the guard is not kept"]
pub struct OwnedRwLockMappedWriteGuard<T: ?Sized, U: ?Sized = T> {
    inner: Writing<Arc<RwLock<T>>, U>,
    /// As above.
    bounds: PhantomData<Arc<RwLock<U>>>,
}

guard_like!(mut [U: ?Sized] RwLockMappedWriteGuard<'_, U> => U);
guard_like!(mut [T: ?Sized, U: ?Sized] OwnedRwLockMappedWriteGuard<T, U> => U);

impl<'a, U: ?Sized> RwLockMappedWriteGuard<'a, U> {
    #[inline]
    pub(super) fn new<L: ?Sized>(inner: Writing<&'a L, U>) -> Self {
        Self::of(inner.erase())
    }

    /// As [`RwLockWriteGuard::map`](super::RwLockWriteGuard::map).
    #[inline]
    pub fn map<F, V: ?Sized>(this: Self, part: F) -> RwLockMappedWriteGuard<'a, V>
    where
        F: FnOnce(&mut U) -> &mut V,
    {
        RwLockMappedWriteGuard::of(this.inner.map(part))
    }

    /// As [`RwLockWriteGuard::try_map`](super::RwLockWriteGuard::try_map).
    ///
    /// # Errors
    ///
    /// There is no such part: the guard as it was.
    #[inline]
    pub fn try_map<F, V: ?Sized>(this: Self, part: F) -> Result<RwLockMappedWriteGuard<'a, V>, Self>
    where
        F: FnOnce(&mut U) -> Option<&mut V>,
    {
        match this.inner.try_map(part) {
            Ok(inner) => Ok(RwLockMappedWriteGuard::of(inner)),
            Err(inner) => Err(Self::of(inner)),
        }
    }

    #[inline]
    fn of(inner: Writing<Borrowed<'a>, U>) -> Self {
        RwLockMappedWriteGuard {
            inner,
            bounds: PhantomData,
        }
    }
}

impl<T: ?Sized, U: ?Sized> OwnedRwLockMappedWriteGuard<T, U> {
    #[inline]
    pub(super) fn new(inner: Writing<Arc<RwLock<T>>, U>) -> Self {
        OwnedRwLockMappedWriteGuard {
            inner,
            bounds: PhantomData,
        }
    }

    /// As [`RwLockWriteGuard::map`](super::RwLockWriteGuard::map).
    #[inline]
    pub fn map<F, V: ?Sized>(this: Self, part: F) -> OwnedRwLockMappedWriteGuard<T, V>
    where
        F: FnOnce(&mut U) -> &mut V,
    {
        OwnedRwLockMappedWriteGuard::new(this.inner.map(part))
    }

    /// As [`RwLockWriteGuard::try_map`](super::RwLockWriteGuard::try_map).
    ///
    /// # Errors
    ///
    /// There is no such part: the guard as it was.
    #[inline]
    pub fn try_map<F, V: ?Sized>(
        this: Self,
        part: F,
    ) -> Result<OwnedRwLockMappedWriteGuard<T, V>, Self>
    where
        F: FnOnce(&mut U) -> Option<&mut V>,
    {
        match this.inner.try_map(part) {
            Ok(inner) => Ok(OwnedRwLockMappedWriteGuard::new(inner)),
            Err(inner) => Err(Self::new(inner)),
        }
    }

    /// The lock that it holds.
    #[inline]
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        this.inner.lock()
    }
}
