//! An async mutex that is tokio's to the program, and tells who holds it and who waits.
#![allow(unsafe_code)] // says which values may be shared through the lock

mod guard;
mod mapped;

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use tokio::sync::TryLockError;

pub use self::guard::{MutexGuard, OwnedMutexGuard};
pub use self::mapped::{MappedMutexGuard, OwnedMappedMutexGuard};
use super::guarded::{Gate, Guarded, Lock, Writing};
use super::view::{LockKind, Mode};

/// [`tokio::sync::Mutex`], tracked.
///
/// Does what that one does: first come, first served, safe to cancel, counted against a task's budget. What is added is that
/// stallscope knows who holds the lock, since when and from which line, and who waits for it: a deadlock, a waiter that nobody polls,
/// and a queue behind a holder that awaits become findings. Before an entry point of stallscope has run, or with `STALLSCOPE=off`, it
/// tells nothing; built with `--cfg stallscope_off` it is tokio's own type.
///
/// ```
/// use stallscope::sync::Mutex; // instead of tokio::sync::Mutex
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let stock = Mutex::new(vec![3, 1, 4]);
/// stock.lock().await.push(1);
/// assert_eq!(stock.lock().await.len(), 4);
/// # }
/// ```
pub struct Mutex<T: ?Sized>(Guarded<T>);

// SAFETY: the gate lets one thread at a time to the value, which is as if it were sent from one to the next.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}

impl<T: ?Sized> Lock for Mutex<T> {
    type Value = T;

    #[inline]
    fn guarded(&self) -> &Guarded<T> {
        &self.0
    }
}

impl<T> Mutex<T> {
    /// A mutex that nobody holds.
    ///
    /// ```
    /// let lock = stallscope::sync::Mutex::new(5);
    /// ```
    #[track_caller]
    pub const fn new(value: T) -> Self {
        let gate = Gate::new(LockKind::Mutex, 1, Location::caller());
        Mutex(Guarded::new(gate, value))
    }

    /// As [`new`](Mutex::new), under the name that it has in tokio where it is for a `static`.
    ///
    /// ```
    /// use stallscope::sync::Mutex;
    ///
    /// static LOCK: Mutex<i32> = Mutex::const_new(5);
    /// ```
    #[track_caller]
    pub const fn const_new(value: T) -> Self {
        Self::new(value)
    }

    /// The value, without the lock.
    ///
    /// ```
    /// assert_eq!(stallscope::sync::Mutex::new(5).into_inner(), 5);
    /// ```
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits until it is this call's turn.
    ///
    /// Safe to cancel: who drops the future loses its place in the queue, and nothing else.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let lock = stallscope::sync::Mutex::new(5);
    /// *lock.lock().await += 1;
    /// # }
    /// ```
    #[track_caller]
    pub fn lock(&self) -> impl Future<Output = MutexGuard<'_, T>> {
        let place = Location::caller();
        async move { MutexGuard::new(Writing::when_free(self, place).await) }
    }

    /// As [`lock`](Mutex::lock), with a guard that keeps the mutex alive by itself.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let lock = std::sync::Arc::new(stallscope::sync::Mutex::new(5));
    /// let guard = lock.clone().lock_owned().await;
    /// tokio::spawn(async move { drop(guard) }).await.unwrap();
    /// # }
    /// ```
    #[track_caller]
    pub fn lock_owned(self: Arc<Self>) -> impl Future<Output = OwnedMutexGuard<T>> {
        let place = Location::caller();
        async move { OwnedMutexGuard::new(Writing::when_free(self, place).await) }
    }

    /// Takes the lock if nobody holds it.
    ///
    /// ```
    /// let lock = stallscope::sync::Mutex::new(5);
    /// let guard = lock.try_lock().unwrap();
    /// assert!(lock.try_lock().is_err());
    /// # drop(guard);
    /// ```
    ///
    /// # Errors
    ///
    /// Somebody holds it.
    #[inline]
    #[track_caller]
    pub fn try_lock(&self) -> Result<MutexGuard<'_, T>, TryLockError> {
        Ok(MutexGuard::new(Writing::if_free(self)?))
    }

    /// As [`try_lock`](Mutex::try_lock), with a guard that keeps the mutex alive by itself.
    ///
    /// ```
    /// let lock = std::sync::Arc::new(stallscope::sync::Mutex::new(5));
    /// let guard = lock.clone().try_lock_owned().unwrap();
    /// # drop(guard);
    /// ```
    ///
    /// # Errors
    ///
    /// Somebody holds it.
    #[inline]
    #[track_caller]
    pub fn try_lock_owned(self: Arc<Self>) -> Result<OwnedMutexGuard<T>, TryLockError> {
        Ok(OwnedMutexGuard::new(Writing::if_free(self)?))
    }

    /// Blocks the thread until it is this call's turn: for code that is not async.
    ///
    /// ```
    /// let lock = stallscope::sync::Mutex::new(5);
    /// *lock.blocking_lock() += 1;
    /// ```
    ///
    /// # Panics
    ///
    /// In async code, whose thread must not be blocked.
    #[track_caller]
    pub fn blocking_lock(&self) -> MutexGuard<'_, T> {
        MutexGuard::new(Writing::blocking(self))
    }

    /// As [`blocking_lock`](Mutex::blocking_lock), with a guard that keeps the mutex alive by itself.
    ///
    /// ```
    /// let lock = std::sync::Arc::new(stallscope::sync::Mutex::new(5));
    /// *lock.clone().blocking_lock_owned() += 1;
    /// ```
    ///
    /// # Panics
    ///
    /// In async code, whose thread must not be blocked.
    #[track_caller]
    pub fn blocking_lock_owned(self: Arc<Self>) -> OwnedMutexGuard<T> {
        OwnedMutexGuard::new(Writing::blocking(self))
    }

    /// The value, to which there is only this one way.
    ///
    /// ```
    /// let mut lock = stallscope::sync::Mutex::new(5);
    /// *lock.get_mut() += 1;
    /// ```
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
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
        self.0.fmt("Mutex", Mode::Exclusive, formatter)
    }
}
