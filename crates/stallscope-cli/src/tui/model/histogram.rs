//! How long the polls of the last seconds took, from the agent's counts by powers of two.

use std::collections::VecDeque;
use std::time::Duration;

/// The counts of the last ten seconds: long enough for a p99, short enough to mean "now".
const SPAN: Duration = Duration::from_secs(10);

/// The running counts of polls by duration, as they were at the updates of the last seconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct PollTimes {
    /// Time of the update in nanoseconds, and `Overview.poll_times` then. Oldest first.
    samples: VecDeque<(u64, Vec<u64>)>,
}

/// Upper limits: the agent tells between which powers of two a poll was, so "99 % took less than this".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quantiles {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) max: Duration,
}

impl PollTimes {
    /// Adds what an update said.
    pub(crate) fn push(&mut self, at_ns: u64, poll_times: Vec<u64>) {
        self.samples.push_back((at_ns, poll_times));
        let oldest = at_ns.saturating_sub(u64::try_from(SPAN.as_nanos()).unwrap_or(u64::MAX));
        // One sample older than the span stays: the span starts there.
        while self.samples.get(1).is_some_and(|&(at, _)| at <= oldest) {
            self.samples.pop_front();
        }
    }

    /// Of the polls that ended in the last seconds; `None` if there was none.
    pub(crate) fn quantiles(&self) -> Option<Quantiles> {
        let (_, first) = self.samples.front()?;
        let (_, last) = self.samples.back()?;
        let counts: Vec<u64> = last
            .iter()
            .enumerate()
            .map(|(i, &count)| count.saturating_sub(first.get(i).copied().unwrap_or(0)))
            .collect();
        let total = counts.iter().copied().map(u128::from).sum::<u128>();
        if total == 0 {
            return None;
        }
        let below = |rank: u128| {
            let mut seen = 0_u128;
            let bucket = counts.iter().position(|&count| {
                seen += u128::from(count);
                seen >= rank
            });
            upper_end(bucket.unwrap_or(counts.len()))
        };
        Some(Quantiles {
            p50: below(total.div_ceil(2)),
            p99: below(total - total / 100),
            max: below(total),
        })
    }
}

/// Element i counts polls of less than 2^(i+1) nanoseconds.
fn upper_end(bucket: usize) -> Duration {
    let bits = u32::try_from(bucket.saturating_add(1)).unwrap_or(u32::MAX);
    Duration::from_nanos(1_u64.checked_shl(bits).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn counts(pairs: &[(usize, u64)]) -> Vec<u64> {
        let mut counts = vec![0; 40];
        for &(bucket, count) in pairs {
            counts[bucket] = count;
        }
        counts
    }

    #[test]
    fn what_happened_before_the_first_update_does_not_count() {
        let mut times = PollTimes::default();
        times.push(0, counts(&[(30, 1_000)]));
        assert_eq!(times.quantiles(), None);
        times.push(SECOND, counts(&[(30, 1_000), (9, 98), (19, 1), (24, 1)]));
        let quantiles = times.quantiles().expect("a hundred polls ended");
        assert_eq!(quantiles.p50, Duration::from_nanos(1 << 10));
        assert_eq!(quantiles.p99, Duration::from_nanos(1 << 20));
        assert_eq!(quantiles.max, Duration::from_nanos(1 << 25));
    }

    #[test]
    fn a_slow_poll_is_forgotten_after_ten_seconds() {
        let mut times = PollTimes::default();
        times.push(0, counts(&[]));
        times.push(SECOND, counts(&[(24, 1)]));
        for second in 2..=12 {
            times.push(second * SECOND, counts(&[(24, 1), (9, second)]));
        }
        assert_eq!(
            times.quantiles().map(|quantiles| quantiles.max),
            Some(Duration::from_nanos(1 << 10))
        );
    }

    #[test]
    fn counts_from_a_strange_agent_are_survived() {
        let mut times = PollTimes::default();
        times.push(5, vec![9; 3]);
        times.push(4, vec![u64::MAX; 100]);
        assert_eq!(
            times.quantiles().map(|quantiles| quantiles.max),
            Some(Duration::from_nanos(u64::MAX))
        );
        times.push(6, Vec::new());
        assert_eq!(times.quantiles(), None);
    }
}
