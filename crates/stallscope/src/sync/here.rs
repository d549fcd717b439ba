//! What tracked primitives look up of the calling thread, all in one thread-local: finding one costs more than reading it.

use std::cell::Cell;

use super::open_guards::Open;

/// Of one thread.
pub(super) struct Here {
    /// Its id of the kernel; 0 if that was not asked for yet.
    pub(super) tid: Cell<u32>,
    /// How many regions the code that runs on it is in.
    pub(super) regions: Cell<usize>,
    /// The guards of blocking locks that it holds.
    pub(super) open: Open,
}

thread_local! {
    // Nothing in it has a destructor, so it is there for as long as the thread is.
    static HERE: Here = const {
        Here {
            tid: Cell::new(0),
            regions: Cell::new(0),
            open: Open::new(),
        }
    };
}

/// Calls `body` with what is known of the calling thread.
#[inline]
pub(super) fn with<R>(body: impl FnOnce(&Here) -> R) -> R {
    HERE.with(body)
}
