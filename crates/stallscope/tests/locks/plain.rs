//! The locks of tokio and std.

pub(crate) use std::sync as std_sync;
pub(crate) use tokio::sync as tokio_sync;

#[path = "blocking.rs"]
mod blocking;
#[path = "mutex.rs"]
mod mutex;
#[path = "rwlock.rs"]
mod rwlock;

pub(crate) fn begin() {}
