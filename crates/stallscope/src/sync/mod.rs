//! State that several tasks or threads share, and what really happens to it.
//!
//! Safe Rust has no data races. What remains, and what bites in tokio programs, is atomicity and order: a value that is read before an
//! `.await` and written after it, a guard held across one, two locks taken in opposite orders. The types here do what those they
//! replace do, and tell when it has happened, with the lines of both sides. Nothing here guesses.

#[cfg_attr(stallscope_off, allow(unused_imports))]
mod atomics;
#[cfg(not(stallscope_off))]
pub mod blocking;
mod conflict;
#[cfg(not(stallscope_off))]
mod guarded;
mod here;
pub(crate) mod left_entered;
mod local;
#[cfg_attr(stallscope_off, allow(dead_code))]
pub(crate) mod memory;
#[cfg(not(stallscope_off))]
mod mutex;
#[cfg_attr(stallscope_off, allow(dead_code))]
pub(crate) mod open_guards;
mod party;
#[cfg_attr(stallscope_off, allow(dead_code))]
pub(crate) mod perturb;
mod probe;
#[cfg_attr(stallscope_off, allow(dead_code))]
pub(crate) mod region;
#[cfg(not(stallscope_off))]
mod rwlock;
mod shared;
#[cfg_attr(stallscope_off, allow(dead_code))]
mod track;
pub(crate) mod trial;
pub(crate) mod view;

pub(crate) use self::conflict::{CONFLICTS, Conflict, Side};
pub use self::local::LocalKey;
pub use self::memory::{MemoryWatch, watch_memory};
#[cfg(not(stallscope_off))]
pub use self::mutex::{
    MappedMutexGuard, Mutex, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard,
};
pub(crate) use self::party::Party;
pub use self::probe::AccessProbe;
#[cfg(not(stallscope_off))]
pub use self::rwlock::{
    OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock,
    RwLockMappedWriteGuard, RwLockReadGuard, RwLockWriteGuard,
};
pub use self::shared::Shared;
pub(crate) use self::track::{left_out, locks, wanted};
use crate::process;

pub use tokio::sync::TryLockError;
#[cfg(stallscope_off)]
pub use tokio::sync::{
    MappedMutexGuard, Mutex, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard,
    OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock,
    RwLockMappedWriteGuard, RwLockReadGuard, RwLockWriteGuard,
};

/// The locks of std themselves, in a build with `--cfg stallscope_off`.
#[cfg(stallscope_off)]
pub mod blocking {
    pub use std::sync::{
        LockResult, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        TryLockError, TryLockResult,
    };
}

/// Whether what happens is to be told.
#[inline]
fn is_on() -> bool {
    process::is_on()
}
