//! How far the readings have come: one counter per stage, for the log while it runs and for the proof at the end.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Readings past each stage since the start.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Accepted by a lane.
    pub(crate) produced: Counter,
    /// Passed on by a consumer.
    pub(crate) consumed: Counter,
    /// Committed.
    pub(crate) written: Counter,
    /// Of the newest readings that are committed, in degrees; zero before it was first worked out.
    pub(crate) median: Gauge,
}

/// A number that many tasks add to.
///
/// Relaxed, for it orders nothing: the final value is read after all who add to it were joined.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The bits of a number that one task sets and others look at.
#[derive(Debug, Default)]
pub(crate) struct Gauge(AtomicU64);

impl Gauge {
    pub(crate) fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The last stage first: so no reading is seen past a stage, but not yet at the one before it.
        let (written, consumed, produced) =
            (self.written.get(), self.consumed.get(), self.produced.get());
        let (in_lanes, in_batches) = (
            produced.saturating_sub(consumed),
            consumed.saturating_sub(written),
        );
        write!(
            f,
            "{produced} readings produced, {in_lanes} in the lanes, {in_batches} in batches, {written} written, median {:.1} °C",
            self.median.get(),
        )
    }
}
