//! A blocking mutex that is std's to the program, and tells who holds it and who waits.

use std::fmt;
use std::ops::DerefMut;
use std::panic::Location;
use std::sync::{self, LockResult, TryLockResult};

use super::super::guarded::guard_like;
use super::super::track::Track;
use super::super::view::{LockKind, Mode};
use super::hold::{self, Hold};

/// [`std::sync::Mutex`], tracked.
///
/// Does what that one does, poisoning included. What is added is that stallscope knows who holds the lock, since when and from which
/// line, and who waits for it: a deadlock, and a guard that is alive across an `.await`, become findings. Before an entry point of
/// stallscope has run, or with `STALLSCOPE=off`, it tells nothing; built with `--cfg stallscope_off` it is std's own type.
///
/// ```
/// use stallscope::sync::blocking::Mutex; // instead of std::sync::Mutex
///
/// let stock = Mutex::new(vec![3, 1, 4]);
/// stock.lock().unwrap().push(1);
/// assert_eq!(stock.lock().unwrap().len(), 4);
/// ```
///
/// Not for use within a global allocator: who waits is noted in memory.
pub struct Mutex<T: ?Sized> {
    track: Track,
    inner: sync::Mutex<T>,
}

/// Holds a [`Mutex`] until it is dropped; reads and writes what is in it. Stays on its thread, as std's does.
///
/// ```
/// let lock = stallscope::sync::blocking::Mutex::new(5);
/// let mut guard = lock.lock().unwrap();
/// *guard += 1;
/// ```
#[clippy::has_significant_drop]
#[must_use = "the mutex is let go of at once if the guard is not kept"]
pub struct MutexGuard<'a, T: ?Sized> {
    hold: Hold,
    inner: sync::MutexGuard<'a, T>,
}

impl<T> Mutex<T> {
    /// A mutex that nobody holds.
    ///
    /// ```
    /// use stallscope::sync::blocking::Mutex;
    ///
    /// static LOCK: Mutex<i32> = Mutex::new(5);
    /// ```
    #[track_caller]
    pub const fn new(value: T) -> Self {
        Mutex {
            track: Track::new(LockKind::BlockingMutex, Location::caller()),
            inner: sync::Mutex::new(value),
        }
    }

    /// The value, without the lock.
    ///
    /// ```
    /// assert_eq!(stallscope::sync::blocking::Mutex::new(5).into_inner().unwrap(), 5);
    /// ```
    ///
    /// # Errors
    ///
    /// Somebody panicked while it held the lock; the value is in the error.
    pub fn into_inner(self) -> LockResult<T> {
        self.inner.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Blocks the thread until the lock is free, and takes it.
    ///
    /// ```
    /// let lock = stallscope::sync::blocking::Mutex::new(5);
    /// *lock.lock().unwrap() += 1;
    /// ```
    ///
    /// # Errors
    ///
    /// Somebody panicked while it held the lock; the guard is in the error.
    #[inline]
    #[track_caller]
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        hold::lock(
            &self.track,
            Mode::Exclusive,
            || self.inner.try_lock(),
            || self.inner.lock(),
            |hold, inner| MutexGuard { hold, inner },
        )
    }

    /// Takes the lock if it is free.
    ///
    /// ```
    /// let lock = stallscope::sync::blocking::Mutex::new(5);
    /// let guard = lock.try_lock().unwrap();
    /// assert!(lock.try_lock().is_err());
    /// # drop(guard);
    /// ```
    ///
    /// # Errors
    ///
    /// Somebody holds it, or panicked while it held it.
    #[inline]
    #[track_caller]
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        hold::try_lock(
            &self.track,
            Mode::Exclusive,
            || self.inner.try_lock(),
            |hold, inner| MutexGuard { hold, inner },
        )
    }

    /// Whether somebody panicked while it held the lock.
    ///
    /// ```
    /// assert!(!stallscope::sync::blocking::Mutex::new(5).is_poisoned());
    /// ```
    pub fn is_poisoned(&self) -> bool {
        self.inner.is_poisoned()
    }

    /// Forgets that somebody panicked while it held the lock.
    ///
    /// ```
    /// stallscope::sync::blocking::Mutex::new(5).clear_poison();
    /// ```
    pub fn clear_poison(&self) {
        self.inner.clear_poison();
    }

    /// The value, to which there is only this one way.
    ///
    /// ```
    /// let mut lock = stallscope::sync::blocking::Mutex::new(5);
    /// *lock.get_mut().unwrap() += 1;
    /// ```
    ///
    /// # Errors
    ///
    /// Somebody panicked while it held the lock; the reference is in the error.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        self.inner.get_mut()
    }
}

impl<T> From<T> for Mutex<T> {
    #[track_caller]
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Default> Default for Mutex<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(formatter)
    }
}

guard_like!([T: ?Sized] MutexGuard<'_, T> => T);

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.hold.writes();
        &mut self.inner
    }
}
