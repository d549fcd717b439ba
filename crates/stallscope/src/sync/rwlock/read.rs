//! The guards that [`RwLock::read`] and its like give.

use std::sync::Arc;

use super::super::guarded::{Borrowed, Reading, guard_like};
use super::RwLock;

/// Holds a [`RwLock`] until it is dropped, beside others; reads what is in it, or a part of that.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let lock = stallscope::sync::RwLock::new(5);
/// assert_eq!(*lock.read().await, 5);
/// # }
/// ```
#[clippy::has_significant_drop]
#[must_use = "the lock is let go of at once if the guard is not kept"]
pub struct RwLockReadGuard<'a, U: ?Sized> {
    inner: Reading<Borrowed<'a>, U>,
}

/// As [`RwLockReadGuard`], but keeps the [`RwLock`] alive by itself.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let lock = std::sync::Arc::new(stallscope::sync::RwLock::new(5));
/// assert_eq!(*lock.read_owned().await, 5);
/// # }
/// ```
#[clippy::has_significant_drop]
#[must_use = "the lock is let go of at once if the guard is not kept"]
pub struct OwnedRwLockReadGuard<T: ?Sized, U: ?Sized = T> {
    inner: Reading<Arc<RwLock<T>>, U>,
}

guard_like!([U: ?Sized] RwLockReadGuard<'_, U> => U);
guard_like!([T: ?Sized, U: ?Sized] OwnedRwLockReadGuard<T, U> => U);

impl<'a, U: ?Sized> RwLockReadGuard<'a, U> {
    #[inline]
    pub(super) fn new<L: ?Sized>(inner: Reading<&'a L, U>) -> Self {
        RwLockReadGuard {
            inner: inner.erase(),
        }
    }

    /// A guard of a part of the value.
    ///
    /// ```
    /// use stallscope::sync::RwLockReadGuard;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let lock = stallscope::sync::RwLock::new((1, 2));
    /// let second = RwLockReadGuard::map(lock.read().await, |pair| &pair.1);
    /// assert_eq!(*second, 2);
    /// # }
    /// ```
    #[inline]
    pub fn map<F, V: ?Sized>(this: Self, part: F) -> RwLockReadGuard<'a, V>
    where
        F: FnOnce(&U) -> &V,
    {
        RwLockReadGuard {
            inner: this.inner.map(part),
        }
    }

    /// A guard of a part of the value, if there is one.
    ///
    /// ```
    /// use stallscope::sync::RwLockReadGuard;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let lock = stallscope::sync::RwLock::new(Some(1));
    /// let inner = RwLockReadGuard::try_map(lock.read().await, Option::as_ref);
    /// assert_eq!(*inner.unwrap(), 1);
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// There is none: the guard as it was.
    #[inline]
    pub fn try_map<F, V: ?Sized>(this: Self, part: F) -> Result<RwLockReadGuard<'a, V>, Self>
    where
        F: FnOnce(&U) -> Option<&V>,
    {
        match this.inner.try_map(part) {
            Ok(inner) => Ok(RwLockReadGuard { inner }),
            Err(inner) => Err(RwLockReadGuard { inner }),
        }
    }
}

impl<T: ?Sized, U: ?Sized> OwnedRwLockReadGuard<T, U> {
    #[inline]
    pub(super) fn new(inner: Reading<Arc<RwLock<T>>, U>) -> Self {
        OwnedRwLockReadGuard { inner }
    }

    /// As [`RwLockReadGuard::map`].
    #[inline]
    pub fn map<F, V: ?Sized>(this: Self, part: F) -> OwnedRwLockReadGuard<T, V>
    where
        F: FnOnce(&U) -> &V,
    {
        OwnedRwLockReadGuard::new(this.inner.map(part))
    }

    /// As [`RwLockReadGuard::try_map`].
    ///
    /// # Errors
    ///
    /// There is no such part: the guard as it was.
    #[inline]
    pub fn try_map<F, V: ?Sized>(this: Self, part: F) -> Result<OwnedRwLockReadGuard<T, V>, Self>
    where
        F: FnOnce(&U) -> Option<&V>,
    {
        match this.inner.try_map(part) {
            Ok(inner) => Ok(OwnedRwLockReadGuard::new(inner)),
            Err(inner) => Err(Self::new(inner)),
        }
    }

    /// The lock that it holds.
    #[inline]
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        this.inner.lock()
    }
}
