//! [`std::sync::Mutex`] and [`std::sync::RwLock`], tracked: for code that is not async, and for short moments in code that is.
//!
//! ```
//! use stallscope::sync::blocking::Mutex; // instead of std::sync::Mutex
//!
//! static STOCK: Mutex<Vec<u32>> = Mutex::new(Vec::new());
//! STOCK.lock().unwrap().push(1);
//! ```

mod hold;
mod mutex;
mod rwlock;

pub use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};

pub use self::mutex::{Mutex, MutexGuard};
pub use self::rwlock::{RwLock, RwLockReadGuard, RwLockWriteGuard};
