//! How long do polls last, and waits for a lock? One counter per power of two of ticks, written by one thread at a time.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::clock::Rate;

const BUCKETS: usize = 64;

/// Durations by their binary logarithm. One writer; any number of readers.
pub(crate) struct Histogram([AtomicU64; BUCKETS]);

impl Histogram {
    pub(super) const fn new() -> Self {
        Histogram([const { AtomicU64::new(0) }; BUCKETS])
    }

    #[inline]
    pub(crate) fn count(&self, ticks: u64) {
        let bucket = &self.0[(ticks | 1).ilog2() as usize];
        bucket.store(bucket.load(Relaxed) + 1, Relaxed);
    }

    /// Number of durations counted.
    pub(crate) fn total(&self) -> u64 {
        self.0.iter().map(|bucket| bucket.load(Relaxed)).sum()
    }

    /// Adds this histogram to one in nanoseconds. A bucket goes where its middle falls: off by at
    /// most one bucket.
    pub(crate) fn add_to(&self, nanos: &mut [u64; BUCKETS], rate: &Rate) {
        for (bucket, count) in self.0.iter().enumerate() {
            let count = count.load(Relaxed);
            if count > 0 {
                let middle = (1_u64 << bucket) + ((1_u64 << bucket) >> 1);
                nanos[(rate.nanos(middle) | 1).ilog2() as usize] += count;
            }
        }
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_counted_by_its_power_of_two() {
        let histogram = Histogram::new();
        for ticks in [0, 1, 2, 3, 1024, 2047] {
            histogram.count(ticks);
        }
        let mut nanos = [0; BUCKETS];
        histogram.add_to(&mut nanos, &Rate::for_test(0));
        assert_eq!((nanos[0], nanos[1], nanos[10]), (2, 2, 2));
        assert_eq!(histogram.total(), 6);
    }
}
