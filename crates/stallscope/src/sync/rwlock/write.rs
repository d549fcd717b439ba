//! The guards that [`RwLock::write`] and its like give.

use std::sync::Arc;

use super::super::guarded::{Writing, guard_like};
use super::{
    OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, RwLock, RwLockMappedWriteGuard,
    RwLockReadGuard,
};

/// Holds a [`RwLock`] until it is dropped, alone; reads and writes what is in it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let lock = stallscope::sync::RwLock::new(5);
/// *lock.write().await += 1;
/// # }
/// ```
#[clippy::has_significant_drop]
#[must_use = "the lock is let go of at once if the guard is not kept"]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    inner: Writing<&'a RwLock<T>, T>,
}

/// As [`RwLockWriteGuard`], but keeps the [`RwLock`] alive by itself.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let lock = std::sync::Arc::new(stallscope::sync::RwLock::new(5));
/// *lock.write_owned().await += 1;
/// # }
/// ```
#[clippy::has_significant_drop]
#[must_use = "the lock is let go of at once if the guard is not kept"]
pub struct OwnedRwLockWriteGuard<T: ?Sized> {
    inner: Writing<Arc<RwLock<T>>, T>,
}

guard_like!(mut [T: ?Sized] RwLockWriteGuard<'_, T> => T);
guard_like!(mut [T: ?Sized] OwnedRwLockWriteGuard<T> => T);

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    #[inline]
    pub(super) fn new(inner: Writing<&'a RwLock<T>, T>) -> Self {
        RwLockWriteGuard { inner }
    }

    /// A guard of a part of the value.
    ///
    /// ```
    /// use stallscope::sync::RwLockWriteGuard;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let lock = stallscope::sync::RwLock::new((1, 2));
    /// let mut second = RwLockWriteGuard::map(lock.write().await, |pair| &mut pair.1);
    /// *second += 1;
    /// # }
    /// ```
    #[inline]
    pub fn map<F, U: ?Sized>(this: Self, part: F) -> RwLockMappedWriteGuard<'a, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        RwLockMappedWriteGuard::new(this.inner.map(part))
    }

    /// A guard of a part of the value, if there is one.
    ///
    /// # Errors
    ///
    /// There is no such part: the guard as it was.
    #[inline]
    pub fn try_map<F, U: ?Sized>(this: Self, part: F) -> Result<RwLockMappedWriteGuard<'a, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        match this.inner.try_map(part) {
            Ok(inner) => Ok(RwLockMappedWriteGuard::new(inner)),
            Err(inner) => Err(RwLockWriteGuard { inner }),
        }
    }

    /// The same guard, as one of a part that is all of it.
    #[inline]
    pub fn into_mapped(this: Self) -> RwLockMappedWriteGuard<'a, T> {
        Self::map(this, |value| value)
    }

    /// Lets others read too, and nobody write in between.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let lock = stallscope::sync::RwLock::new(5);
    /// let mut guard = lock.write().await;
    /// *guard += 1;
    /// let guard = guard.downgrade();
    /// assert_eq!(*guard + *lock.read().await, 12);
    /// # }
    /// ```
    pub fn downgrade(self) -> RwLockReadGuard<'a, T> {
        RwLockReadGuard::new(self.inner.downgrade())
    }

    /// [`downgrade`](RwLockWriteGuard::downgrade), and a guard of a part of the value.
    #[inline]
    pub fn downgrade_map<F, U: ?Sized>(this: Self, part: F) -> RwLockReadGuard<'a, U>
    where
        F: FnOnce(&T) -> &U,
    {
        RwLockReadGuard::map(this.downgrade(), part)
    }

    /// [`downgrade`](RwLockWriteGuard::downgrade), and a guard of a part of the value, if there is one.
    ///
    /// # Errors
    ///
    /// There is no such part: the guard as it was, which still writes alone.
    #[inline]
    pub fn try_downgrade_map<F, U: ?Sized>(
        this: Self,
        part: F,
    ) -> Result<RwLockReadGuard<'a, U>, Self>
    where
        F: FnOnce(&T) -> Option<&U>,
    {
        match this.inner.try_downgrade_map(part) {
            Ok(inner) => Ok(RwLockReadGuard::new(inner)),
            Err(inner) => Err(RwLockWriteGuard { inner }),
        }
    }
}

impl<T: ?Sized> OwnedRwLockWriteGuard<T> {
    #[inline]
    pub(super) fn new(inner: Writing<Arc<RwLock<T>>, T>) -> Self {
        OwnedRwLockWriteGuard { inner }
    }

    /// As [`RwLockWriteGuard::map`].
    #[inline]
    pub fn map<F, U: ?Sized>(this: Self, part: F) -> OwnedRwLockMappedWriteGuard<T, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        OwnedRwLockMappedWriteGuard::new(this.inner.map(part))
    }

    /// As [`RwLockWriteGuard::try_map`].
    ///
    /// # Errors
    ///
    /// There is no such part: the guard as it was.
    #[inline]
    pub fn try_map<F, U: ?Sized>(
        this: Self,
        part: F,
    ) -> Result<OwnedRwLockMappedWriteGuard<T, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        match this.inner.try_map(part) {
            Ok(inner) => Ok(OwnedRwLockMappedWriteGuard::new(inner)),
            Err(inner) => Err(OwnedRwLockWriteGuard { inner }),
        }
    }

    /// As [`RwLockWriteGuard::into_mapped`].
    #[inline]
    pub fn into_mapped(this: Self) -> OwnedRwLockMappedWriteGuard<T> {
        Self::map(this, |value| value)
    }

    /// As [`RwLockWriteGuard::downgrade`].
    pub fn downgrade(self) -> OwnedRwLockReadGuard<T> {
        OwnedRwLockReadGuard::new(self.inner.downgrade())
    }

    /// As [`RwLockWriteGuard::downgrade_map`].
    #[inline]
    pub fn downgrade_map<F, U: ?Sized>(this: Self, part: F) -> OwnedRwLockReadGuard<T, U>
    where
        F: FnOnce(&T) -> &U,
    {
        OwnedRwLockReadGuard::map(this.downgrade(), part)
    }

    /// As [`RwLockWriteGuard::try_downgrade_map`].
    ///
    /// # Errors
    ///
    /// There is no such part: the guard as it was, which still writes alone.
    #[inline]
    pub fn try_downgrade_map<F, U: ?Sized>(
        this: Self,
        part: F,
    ) -> Result<OwnedRwLockReadGuard<T, U>, Self>
    where
        F: FnOnce(&T) -> Option<&U>,
    {
        match this.inner.try_downgrade_map(part) {
            Ok(inner) => Ok(OwnedRwLockReadGuard::new(inner)),
            Err(inner) => Err(OwnedRwLockWriteGuard { inner }),
        }
    }

    /// The lock that it holds.
    #[inline]
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        this.inner.lock()
    }
}
