//! A task that asks which hooks the current runtime calls: the only way to tell, before anything
//! else has run on it, whether it is one that was built with ours, and with which. It does nothing,
//! ends at once, and is not recorded; tokio's own counters count it.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Watched;

/// Canaries that a spawn hook of ours has caught.
static CAUGHT: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static FLIES: Cell<bool> = const { Cell::new(false) };
}

pub(super) fn fly() {
    FLIES.set(true);
    // The spawn hook is called within this call.
    drop(tokio::spawn(async {}));
    FLIES.set(false);
}

/// How many were caught: tasks of which tokio knows and the recorder does not, though the hook has fired.
pub(crate) fn caught() -> u64 {
    CAUGHT.load(Ordering::Relaxed)
}

/// Whether the task that is being spawned on this thread is the canary; if so, the runtime is
/// identified.
pub(crate) fn is_caught_by(watched: &Watched) -> bool {
    let caught = FLIES.get();
    if caught {
        CAUGHT.fetch_add(1, Ordering::Relaxed);
        watched.identify();
    }
    caught
}
