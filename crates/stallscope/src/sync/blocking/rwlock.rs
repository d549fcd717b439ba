//! A blocking reader-writer lock that is std's to the program, and tells who holds it and who waits.

use std::fmt;
use std::ops::DerefMut;
use std::panic::Location;
use std::sync::{self, LockResult, TryLockResult};

use super::super::guarded::guard_like;
use super::super::track::Track;
use super::super::view::{LockKind, Mode};
use super::hold::{self, Hold};

/// [`std::sync::RwLock`], tracked.
///
/// Does what that one does, poisoning included; see [`Mutex`](super::Mutex) for what is added.
///
/// ```
/// use stallscope::sync::blocking::RwLock; // instead of std::sync::RwLock
///
/// let stock = RwLock::new(vec![3, 1, 4]);
/// stock.write().unwrap().push(1);
/// assert_eq!(stock.read().unwrap().len(), 4);
/// ```
pub struct RwLock<T: ?Sized> {
    track: Track,
    inner: sync::RwLock<T>,
}

/// Holds a [`RwLock`] until it is dropped, beside others; reads what is in it. Stays on its thread, as std's does.
///
/// ```
/// let lock = stallscope::sync::blocking::RwLock::new(5);
/// let guard = lock.read().unwrap();
/// assert_eq!(*guard, 5);
/// ```
#[clippy::has_significant_drop]
#[must_use = "the lock is let go of at once if the guard is not kept"]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    _hold: Hold,
    inner: sync::RwLockReadGuard<'a, T>,
}

/// Holds a [`RwLock`] until it is dropped, alone; reads and writes what is in it. Stays on its thread, as std's does.
///
/// ```
/// let lock = stallscope::sync::blocking::RwLock::new(5);
/// let mut guard = lock.write().unwrap();
/// *guard += 1;
/// ```
#[clippy::has_significant_drop]
#[must_use = "the lock is let go of at once if the guard is not kept"]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    hold: Hold,
    inner: sync::RwLockWriteGuard<'a, T>,
}

impl<T> RwLock<T> {
    /// A lock that nobody holds.
    ///
    /// ```
    /// use stallscope::sync::blocking::RwLock;
    ///
    /// static LOCK: RwLock<i32> = RwLock::new(5);
    /// ```
    #[track_caller]
    pub const fn new(value: T) -> Self {
        RwLock {
            track: Track::new(LockKind::BlockingRwLock, Location::caller()),
            inner: sync::RwLock::new(value),
        }
    }

    /// The value, without the lock.
    ///
    /// ```
    /// assert_eq!(stallscope::sync::blocking::RwLock::new(5).into_inner().unwrap(), 5);
    /// ```
    ///
    /// # Errors
    ///
    /// Somebody panicked while it wrote; the value is in the error.
    pub fn into_inner(self) -> LockResult<T> {
        self.inner.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Blocks the thread until nobody writes, and reads beside others.
    ///
    /// ```
    /// let lock = stallscope::sync::blocking::RwLock::new(5);
    /// assert_eq!(*lock.read().unwrap(), 5);
    /// ```
    ///
    /// # Errors
    ///
    /// Somebody panicked while it wrote; the guard is in the error.
    #[inline]
    #[track_caller]
    pub fn read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        hold::lock(
            &self.track,
            Mode::Shared,
            || self.inner.try_read(),
            || self.inner.read(),
            |hold, inner| RwLockReadGuard { _hold: hold, inner },
        )
    }

    /// Reads if nobody writes.
    ///
    /// ```
    /// let lock = stallscope::sync::blocking::RwLock::new(5);
    /// assert!(lock.try_read().is_ok());
    /// ```
    ///
    /// # Errors
    ///
    /// Somebody writes, or panicked while it wrote.
    #[inline]
    #[track_caller]
    pub fn try_read(&self) -> TryLockResult<RwLockReadGuard<'_, T>> {
        hold::try_lock(
            &self.track,
            Mode::Shared,
            || self.inner.try_read(),
            |hold, inner| RwLockReadGuard { _hold: hold, inner },
        )
    }

    /// Blocks the thread until nobody reads or writes, and writes alone.
    ///
    /// ```
    /// let lock = stallscope::sync::blocking::RwLock::new(5);
    /// *lock.write().unwrap() += 1;
    /// ```
    ///
    /// # Errors
    ///
    /// Somebody panicked while it wrote; the guard is in the error.
    #[inline]
    #[track_caller]
    pub fn write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        hold::lock(
            &self.track,
            Mode::Exclusive,
            || self.inner.try_write(),
            || self.inner.write(),
            |hold, inner| RwLockWriteGuard { hold, inner },
        )
    }

    /// Writes if nobody reads or writes.
    ///
    /// ```
    /// let lock = stallscope::sync::blocking::RwLock::new(5);
    /// assert!(lock.try_write().is_ok());
    /// ```
    ///
    /// # Errors
    ///
    /// Somebody reads or writes, or panicked while it wrote.
    #[inline]
    #[track_caller]
    pub fn try_write(&self) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        hold::try_lock(
            &self.track,
            Mode::Exclusive,
            || self.inner.try_write(),
            |hold, inner| RwLockWriteGuard { hold, inner },
        )
    }

    /// Whether somebody panicked while it wrote.
    ///
    /// ```
    /// assert!(!stallscope::sync::blocking::RwLock::new(5).is_poisoned());
    /// ```
    pub fn is_poisoned(&self) -> bool {
        self.inner.is_poisoned()
    }

    /// Forgets that somebody panicked while it wrote.
    ///
    /// ```
    /// stallscope::sync::blocking::RwLock::new(5).clear_poison();
    /// ```
    pub fn clear_poison(&self) {
        self.inner.clear_poison();
    }

    /// The value, to which there is only this one way.
    ///
    /// ```
    /// let mut lock = stallscope::sync::blocking::RwLock::new(5);
    /// *lock.get_mut().unwrap() += 1;
    /// ```
    ///
    /// # Errors
    ///
    /// Somebody panicked while it wrote; the reference is in the error.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        self.inner.get_mut()
    }
}

impl<T> From<T> for RwLock<T> {
    #[track_caller]
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Default> Default for RwLock<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(formatter)
    }
}

guard_like!([T: ?Sized] RwLockReadGuard<'_, T> => T);
guard_like!([T: ?Sized] RwLockWriteGuard<'_, T> => T);

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.hold.writes();
        &mut self.inner
    }
}
