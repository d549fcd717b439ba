//! What the customers experienced.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counted by all customers together. Relaxed: the numbers order nothing.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    answered: AtomicU64,
    failed: AtomicU64,
    orders: AtomicU64,
    slowest_order_ms: AtomicU64,
}

impl Tally {
    /// A request was answered as it should be.
    pub(super) fn answered(&self) {
        self.answered.fetch_add(1, Ordering::Relaxed);
    }

    /// A request got no answer, or a wrong one.
    pub(super) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// An order was confirmed.
    pub(super) fn ordered(&self, took: Duration) {
        self.orders.fetch_add(1, Ordering::Relaxed);
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.slowest_order_ms
            .fetch_max(milliseconds, Ordering::Relaxed);
    }

    /// Requests answered since the start.
    pub(crate) fn requests(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Requests without a proper answer since the start.
    pub(crate) fn failures(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Orders confirmed since the start.
    pub(crate) fn orders(&self) -> u64 {
        self.orders.load(Ordering::Relaxed)
    }

    /// The longest time an order took to be confirmed, in milliseconds, since this was asked last; zero without any.
    pub(crate) fn take_slowest_order_ms(&self) -> u64 {
        self.slowest_order_ms.swap(0, Ordering::Relaxed)
    }
}
