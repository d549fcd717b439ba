//! An async reader-writer lock that is tokio's to the program, and tells who holds it and who waits.
#![allow(unsafe_code)] // says which values may be shared through the lock

mod mapped;
mod read;
mod write;

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use tokio::sync::TryLockError;

pub use self::mapped::{OwnedRwLockMappedWriteGuard, RwLockMappedWriteGuard};
pub use self::read::{OwnedRwLockReadGuard, RwLockReadGuard};
pub use self::write::{OwnedRwLockWriteGuard, RwLockWriteGuard};
use super::guarded::{Gate, Guarded, Lock, MOST_READERS, Reading, Writing};
use super::view::{LockKind, Mode};

/// [`tokio::sync::RwLock`], tracked.
///
/// Does what that one does: first come, first served, so that a reader waits behind a writer that waits; safe to cancel, counted
/// against a task's budget. See [`Mutex`](super::Mutex) for what is added.
///
/// ```
/// use stallscope::sync::RwLock; // instead of tokio::sync::RwLock
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let stock = RwLock::new(vec![3, 1, 4]);
/// stock.write().await.push(1);
/// let (one, two) = (stock.read().await, stock.read().await);
/// assert_eq!(one.len() + two.len(), 8);
/// # }
/// ```
pub struct RwLock<T: ?Sized>(Guarded<T>);

// SAFETY: the gate lets one writer at a time to the value, which is as if it were sent from one to the next, or several readers, which
// share it.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLock<T> {}

impl<T: ?Sized> Lock for RwLock<T> {
    type Value = T;

    #[inline]
    fn guarded(&self) -> &Guarded<T> {
        &self.0
    }
}

impl<T> RwLock<T> {
    /// A lock that nobody holds.
    ///
    /// ```
    /// let lock = stallscope::sync::RwLock::new(5);
    /// ```
    #[track_caller]
    pub const fn new(value: T) -> Self {
        let gate = Gate::new(LockKind::RwLock, MOST_READERS, Location::caller());
        RwLock(Guarded::new(gate, value))
    }

    /// A lock that so many may read at a time.
    ///
    /// ```
    /// let lock = stallscope::sync::RwLock::with_max_readers(5, 1024);
    /// ```
    ///
    /// # Panics
    ///
    /// `max_reads` is 0, or more than `u32::MAX >> 3`.
    #[track_caller]
    pub const fn with_max_readers(value: T, max_reads: u32) -> Self {
        Self::const_with_max_readers(value, max_reads)
    }

    /// As [`new`](RwLock::new), under the name that it has in tokio where it is for a `static`.
    ///
    /// ```
    /// use stallscope::sync::RwLock;
    ///
    /// static LOCK: RwLock<i32> = RwLock::const_new(5);
    /// ```
    #[track_caller]
    pub const fn const_new(value: T) -> Self {
        Self::new(value)
    }

    /// As [`with_max_readers`](RwLock::with_max_readers), under the name that it has in tokio where it is for a `static`.
    ///
    /// ```
    /// use stallscope::sync::RwLock;
    ///
    /// static LOCK: RwLock<i32> = RwLock::const_with_max_readers(5, 1024);
    /// ```
    ///
    /// # Panics
    ///
    /// `max_reads` is 0, or more than `u32::MAX >> 3`.
    #[track_caller]
    pub const fn const_with_max_readers(value: T, max_reads: u32) -> Self {
        assert!(max_reads > 0, "a RwLock may not be created with 0 readers");
        assert!(
            max_reads <= MOST_READERS,
            "a RwLock may not be created with more than 536870911 readers"
        );
        let gate = Gate::new(LockKind::RwLock, max_reads, Location::caller());
        RwLock(Guarded::new(gate, value))
    }

    /// The value, without the lock.
    ///
    /// ```
    /// assert_eq!(stallscope::sync::RwLock::new(5).into_inner(), 5);
    /// ```
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Waits until it is this call's turn, and reads beside others.
    ///
    /// Safe to cancel: who drops the future loses its place in the queue, and nothing else.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let lock = stallscope::sync::RwLock::new(5);
    /// assert_eq!(*lock.read().await, 5);
    /// # }
    /// ```
    #[track_caller]
    pub fn read(&self) -> impl Future<Output = RwLockReadGuard<'_, T>> {
        let place = Location::caller();
        async move { RwLockReadGuard::new(Reading::when_free(self, place).await) }
    }

    /// As [`read`](RwLock::read), with a guard that keeps the lock alive by itself.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let lock = std::sync::Arc::new(stallscope::sync::RwLock::new(5));
    /// let guard = lock.clone().read_owned().await;
    /// tokio::spawn(async move { drop(guard) }).await.unwrap();
    /// # }
    /// ```
    #[track_caller]
    pub fn read_owned(self: Arc<Self>) -> impl Future<Output = OwnedRwLockReadGuard<T>> {
        let place = Location::caller();
        async move { OwnedRwLockReadGuard::new(Reading::when_free(self, place).await) }
    }

    /// Reads if nobody writes or waits to.
    ///
    /// ```
    /// let lock = stallscope::sync::RwLock::new(5);
    /// assert!(lock.try_read().is_ok());
    /// ```
    ///
    /// # Errors
    ///
    /// Somebody writes, or waits to.
    #[inline]
    #[track_caller]
    pub fn try_read(&self) -> Result<RwLockReadGuard<'_, T>, TryLockError> {
        Ok(RwLockReadGuard::new(Reading::if_free(self)?))
    }

    /// As [`try_read`](RwLock::try_read), with a guard that keeps the lock alive by itself.
    ///
    /// ```
    /// let lock = std::sync::Arc::new(stallscope::sync::RwLock::new(5));
    /// assert!(lock.try_read_owned().is_ok());
    /// ```
    ///
    /// # Errors
    ///
    /// Somebody writes, or waits to.
    #[inline]
    #[track_caller]
    pub fn try_read_owned(self: Arc<Self>) -> Result<OwnedRwLockReadGuard<T>, TryLockError> {
        Ok(OwnedRwLockReadGuard::new(Reading::if_free(self)?))
    }

    /// Blocks the thread until it is this call's turn, and reads beside others: for code that is not async.
    ///
    /// ```
    /// let lock = stallscope::sync::RwLock::new(5);
    /// assert_eq!(*lock.blocking_read(), 5);
    /// ```
    ///
    /// # Panics
    ///
    /// In async code, whose thread must not be blocked.
    #[track_caller]
    pub fn blocking_read(&self) -> RwLockReadGuard<'_, T> {
        RwLockReadGuard::new(Reading::blocking(self))
    }

    /// Waits until it is this call's turn, and writes alone.
    ///
    /// Safe to cancel: who drops the future loses its place in the queue, and nothing else.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let lock = stallscope::sync::RwLock::new(5);
    /// *lock.write().await += 1;
    /// # }
    /// ```
    #[track_caller]
    pub fn write(&self) -> impl Future<Output = RwLockWriteGuard<'_, T>> {
        let place = Location::caller();
        async move { RwLockWriteGuard::new(Writing::when_free(self, place).await) }
    }

    /// As [`write`](RwLock::write), with a guard that keeps the lock alive by itself.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let lock = std::sync::Arc::new(stallscope::sync::RwLock::new(5));
    /// let guard = lock.clone().write_owned().await;
    /// tokio::spawn(async move { drop(guard) }).await.unwrap();
    /// # }
    /// ```
    #[track_caller]
    pub fn write_owned(self: Arc<Self>) -> impl Future<Output = OwnedRwLockWriteGuard<T>> {
        let place = Location::caller();
        async move { OwnedRwLockWriteGuard::new(Writing::when_free(self, place).await) }
    }

    /// Writes if nobody reads or writes.
    ///
    /// ```
    /// let lock = stallscope::sync::RwLock::new(5);
    /// assert!(lock.try_write().is_ok());
    /// ```
    ///
    /// # Errors
    ///
    /// Somebody reads or writes.
    #[inline]
    #[track_caller]
    pub fn try_write(&self) -> Result<RwLockWriteGuard<'_, T>, TryLockError> {
        Ok(RwLockWriteGuard::new(Writing::if_free(self)?))
    }

    /// As [`try_write`](RwLock::try_write), with a guard that keeps the lock alive by itself.
    ///
    /// ```
    /// let lock = std::sync::Arc::new(stallscope::sync::RwLock::new(5));
    /// assert!(lock.try_write_owned().is_ok());
    /// ```
    ///
    /// # Errors
    ///
    /// Somebody reads or writes.
    #[inline]
    #[track_caller]
    pub fn try_write_owned(self: Arc<Self>) -> Result<OwnedRwLockWriteGuard<T>, TryLockError> {
        Ok(OwnedRwLockWriteGuard::new(Writing::if_free(self)?))
    }

    /// Blocks the thread until it is this call's turn, and writes alone: for code that is not async.
    ///
    /// ```
    /// let lock = stallscope::sync::RwLock::new(5);
    /// *lock.blocking_write() += 1;
    /// ```
    ///
    /// # Panics
    ///
    /// In async code, whose thread must not be blocked.
    #[track_caller]
    pub fn blocking_write(&self) -> RwLockWriteGuard<'_, T> {
        RwLockWriteGuard::new(Writing::blocking(self))
    }

    /// The value, to which there is only this one way.
    ///
    /// ```
    /// let mut lock = stallscope::sync::RwLock::new(5);
    /// *lock.get_mut() += 1;
    /// ```
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
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
        self.0.fmt("RwLock", Mode::Shared, formatter)
    }
}
