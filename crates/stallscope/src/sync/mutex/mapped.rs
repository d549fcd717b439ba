//! Guards of a part of what is in a mutex.

use std::marker::PhantomData;
use std::sync::Arc;

use super::super::guarded::{Borrowed, Writing, guard_like};
use super::Mutex;

/// Holds a [`Mutex`] until it is dropped; reads and writes a part of what is in it. Made by [`MutexGuard::map`](super::MutexGuard::map).
#[clippy::has_significant_drop]
#[must_use = "the mutex is let go of at once if the guard is not kept"]
pub struct MappedMutexGuard<'a, U: ?Sized> {
    inner: Writing<Borrowed<'a>, U>,
}

/// As [`MappedMutexGuard`], but keeps the [`Mutex`] alive by itself. Made by [`OwnedMutexGuard::map`](super::OwnedMutexGuard::map).
#[clippy::has_significant_drop]
#[must_use = "the mutex is let go of at once if the guard is not kept"]
pub struct OwnedMappedMutexGuard<T: ?Sized, U: ?Sized = T> {
    inner: Writing<Arc<Mutex<T>>, U>,
    /// May be sent and shared where tokio's may: asks for more than is needed.
    bounds: PhantomData<(Box<T>, Arc<std::sync::Mutex<U>>)>,
}

guard_like!(mut [U: ?Sized] MappedMutexGuard<'_, U> => U);
guard_like!(mut [T: ?Sized, U: ?Sized] OwnedMappedMutexGuard<T, U> => U);

impl<'a, U: ?Sized> MappedMutexGuard<'a, U> {
    #[inline]
    pub(super) fn new(inner: Writing<Borrowed<'a>, U>) -> Self {
        MappedMutexGuard { inner }
    }

    /// As [`MutexGuard::map`](super::MutexGuard::map).
    #[inline]
    pub fn map<V, F>(this: Self, part: F) -> MappedMutexGuard<'a, V>
    where
        V: ?Sized,
        F: FnOnce(&mut U) -> &mut V,
    {
        MappedMutexGuard::new(this.inner.map(part))
    }

    /// As [`MutexGuard::try_map`](super::MutexGuard::try_map).
    ///
    /// # Errors
    ///
    /// There is no such part: the guard as it was.
    #[inline]
    pub fn try_map<V, F>(this: Self, part: F) -> Result<MappedMutexGuard<'a, V>, Self>
    where
        V: ?Sized,
        F: FnOnce(&mut U) -> Option<&mut V>,
    {
        match this.inner.try_map(part) {
            Ok(inner) => Ok(MappedMutexGuard::new(inner)),
            Err(inner) => Err(MappedMutexGuard { inner }),
        }
    }
}

impl<T: ?Sized, U: ?Sized> OwnedMappedMutexGuard<T, U> {
    #[inline]
    pub(super) fn new(inner: Writing<Arc<Mutex<T>>, U>) -> Self {
        OwnedMappedMutexGuard {
            inner,
            bounds: PhantomData,
        }
    }

    /// As [`OwnedMutexGuard::map`](super::OwnedMutexGuard::map).
    #[inline]
    pub fn map<V, F>(this: Self, part: F) -> OwnedMappedMutexGuard<T, V>
    where
        V: ?Sized,
        F: FnOnce(&mut U) -> &mut V,
    {
        OwnedMappedMutexGuard::new(this.inner.map(part))
    }

    /// As [`OwnedMutexGuard::try_map`](super::OwnedMutexGuard::try_map).
    ///
    /// # Errors
    ///
    /// There is no such part: the guard as it was.
    #[inline]
    pub fn try_map<V, F>(this: Self, part: F) -> Result<OwnedMappedMutexGuard<T, V>, Self>
    where
        V: ?Sized,
        F: FnOnce(&mut U) -> Option<&mut V>,
    {
        match this.inner.try_map(part) {
            Ok(inner) => Ok(OwnedMappedMutexGuard::new(inner)),
            Err(inner) => Err(Self::new(inner)),
        }
    }
}
