//! The guards that [`Mutex::lock`] and its like give.

use std::sync::Arc;

use super::super::guarded::{Writing, guard_like};
use super::{MappedMutexGuard, Mutex, OwnedMappedMutexGuard};

/// Holds a [`Mutex`] until it is dropped; reads and writes what is in it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let lock = stallscope::sync::Mutex::new(5);
/// let mut guard = lock.lock().await;
/// *guard += 1;
/// # }
/// ```
#[clippy::has_significant_drop]
#[must_use = "the mutex is let go of at once if the guard is not kept"]
pub struct MutexGuard<'a, T: ?Sized> {
    inner: Writing<&'a Mutex<T>, T>,
}

/// As [`MutexGuard`], but keeps the [`Mutex`] alive by itself.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let lock = std::sync::Arc::new(stallscope::sync::Mutex::new(5));
/// let guard = lock.lock_owned().await;
/// assert_eq!(*guard, 5);
/// # }
/// ```
#[clippy::has_significant_drop]
#[must_use = "the mutex is let go of at once if the guard is not kept"]
pub struct OwnedMutexGuard<T: ?Sized> {
    inner: Writing<Arc<Mutex<T>>, T>,
}

guard_like!(mut [T: ?Sized] MutexGuard<'_, T> => T);
guard_like!(mut [T: ?Sized] OwnedMutexGuard<T> => T);

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    #[inline]
    pub(super) fn new(inner: Writing<&'a Mutex<T>, T>) -> Self {
        MutexGuard { inner }
    }

    /// A guard of a part of the value.
    ///
    /// ```
    /// use stallscope::sync::MutexGuard;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let lock = stallscope::sync::Mutex::new((1, 2));
    /// let mut second = MutexGuard::map(lock.lock().await, |pair| &mut pair.1);
    /// *second += 1;
    /// # }
    /// ```
    #[inline]
    pub fn map<U, F>(this: Self, part: F) -> MappedMutexGuard<'a, U>
    where
        U: ?Sized,
        F: FnOnce(&mut T) -> &mut U,
    {
        MappedMutexGuard::new(this.inner.erase().map(part))
    }

    /// A guard of a part of the value, if there is one.
    ///
    /// ```
    /// use stallscope::sync::MutexGuard;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let lock = stallscope::sync::Mutex::new(Some(1));
    /// let inner = MutexGuard::try_map(lock.lock().await, Option::as_mut);
    /// assert_eq!(*inner.unwrap(), 1);
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// There is none: the guard as it was.
    #[inline]
    pub fn try_map<U, F>(this: Self, part: F) -> Result<MappedMutexGuard<'a, U>, Self>
    where
        U: ?Sized,
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        match this.inner.try_map(part) {
            Ok(inner) => Ok(MappedMutexGuard::new(inner.erase())),
            Err(inner) => Err(MutexGuard { inner }),
        }
    }

    /// The mutex that it holds.
    ///
    /// ```
    /// use stallscope::sync::{Mutex, MutexGuard};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let lock = Mutex::new(5);
    /// let guard = lock.lock().await;
    /// assert!(std::ptr::eq(MutexGuard::mutex(&guard), &lock));
    /// # }
    /// ```
    #[inline]
    pub fn mutex(this: &Self) -> &'a Mutex<T> {
        this.inner.lock()
    }
}

impl<T: ?Sized> OwnedMutexGuard<T> {
    #[inline]
    pub(super) fn new(inner: Writing<Arc<Mutex<T>>, T>) -> Self {
        OwnedMutexGuard { inner }
    }

    /// As [`MutexGuard::map`].
    #[inline]
    pub fn map<U, F>(this: Self, part: F) -> OwnedMappedMutexGuard<T, U>
    where
        U: ?Sized,
        F: FnOnce(&mut T) -> &mut U,
    {
        OwnedMappedMutexGuard::new(this.inner.map(part))
    }

    /// As [`MutexGuard::try_map`].
    ///
    /// # Errors
    ///
    /// There is no such part: the guard as it was.
    #[inline]
    pub fn try_map<U, F>(this: Self, part: F) -> Result<OwnedMappedMutexGuard<T, U>, Self>
    where
        U: ?Sized,
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        match this.inner.try_map(part) {
            Ok(inner) => Ok(OwnedMappedMutexGuard::new(inner)),
            Err(inner) => Err(OwnedMutexGuard { inner }),
        }
    }

    /// The mutex that it holds.
    #[inline]
    pub fn mutex(this: &Self) -> &Arc<Mutex<T>> {
        this.inner.lock()
    }
}
