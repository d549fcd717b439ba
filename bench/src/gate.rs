//! Meeting points that cost the measured tasks nothing while they run: a gate that opens once, a count that reaches zero.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

/// Closed until [`Gate::open`]; then everybody passes, for ever.
pub(crate) struct Gate(Semaphore);

impl Gate {
    pub(crate) fn new() -> Self {
        Self(Semaphore::new(0))
    }

    pub(crate) fn open(&self) {
        self.0.close();
    }

    pub(crate) async fn passed(&self) {
        // No permit is ever added, so this ends only when the semaphore is closed: with an error, as wanted.
        let _closed = self.0.acquire().await;
    }
}

/// Opens its gate when the last of `n` tasks has arrived.
pub(crate) struct Countdown {
    missing: AtomicUsize,
    complete: Gate,
}

impl Countdown {
    pub(crate) fn new(n: usize) -> Self {
        Self {
            missing: AtomicUsize::new(n),
            complete: Gate::new(),
        }
    }

    pub(crate) fn arrive(&self) {
        if self.missing.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.complete.open();
        }
    }

    pub(crate) async fn all_arrived(&self) {
        self.complete.passed().await;
    }
}
