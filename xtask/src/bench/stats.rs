//! Medians with their spread, and differences between runs of the same round.

use serde::{Deserialize, Serialize};

/// What is said of the samples of all rounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Summary {
    /// `None` without samples. The median of an even number of samples is the mean of the middle two.
    pub(crate) fn of(samples: &[f64]) -> Option<Self> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = match sorted.len() % 2 {
            1 => sorted[middle],
            _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
        };
        Some(Self { median, min, max })
    }
}

/// `combine(sample, reference)` of each round in which both were measured.
///
/// Comparing within a round keeps slow drifts of the machine (other load, clock speed) out of the result: they hit both.
pub(crate) fn by_round(
    samples: &[Option<f64>],
    reference: &[Option<f64>],
    combine: impl Fn(f64, f64) -> f64,
) -> Vec<f64> {
    let rounds = samples.iter().zip(reference);
    rounds
        .filter_map(|(sample, reference)| Some(combine((*sample)?, (*reference)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_in_the_middle_whatever_the_order() {
        let odd = Summary::of(&[9.0, 1.0, 5.0]);
        assert_eq!(
            odd,
            Some(Summary {
                median: 5.0,
                min: 1.0,
                max: 9.0
            })
        );
        let even = Summary::of(&[4.0, 1.0, 2.0, 100.0]);
        assert_eq!(
            even,
            Some(Summary {
                median: 3.0,
                min: 1.0,
                max: 100.0
            })
        );
    }

    #[test]
    fn one_sample_is_its_own_spread_and_none_has_no_summary() {
        assert_eq!(
            Summary::of(&[7.0]),
            Some(Summary {
                median: 7.0,
                min: 7.0,
                max: 7.0
            })
        );
        assert_eq!(Summary::of(&[]), None);
    }

    #[test]
    fn a_drift_that_hits_both_cancels() {
        let bare = [Some(60.0), Some(80.0), Some(70.0)];
        let hooks = [Some(68.0), Some(88.0), Some(78.0)];
        assert_eq!(by_round(&hooks, &bare, |a, b| a - b), [8.0, 8.0, 8.0]);
    }

    #[test]
    fn a_round_with_a_failed_run_is_left_out() {
        let bare = [Some(60.0), None, Some(70.0)];
        let hooks = [None, Some(88.0), Some(78.0)];
        assert_eq!(by_round(&hooks, &bare, |a, b| a - b), [8.0]);
    }
}
