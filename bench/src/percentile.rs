//! Which time is exceeded by few?

use std::time::Duration;

/// The time that so many percent of `times` do not exceed; the longest for 100. Zero of none.
pub(crate) fn at_percent(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    let rank = (times.len() * percent).div_ceil(100);
    times
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_time_that_was_measured() {
        let mut times: Vec<Duration> = (1..=60).rev().map(Duration::from_millis).collect();
        let at = |percent| at_percent(&mut times.clone(), percent).as_millis();
        assert_eq!([at(50), at(99), at(100)], [30, 60, 60]);
        times.truncate(1);
        assert_eq!(at_percent(&mut times, 50).as_millis(), 60);
        assert_eq!(at_percent(&mut [], 50), Duration::ZERO);
    }
}
