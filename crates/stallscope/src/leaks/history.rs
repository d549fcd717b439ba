//! How many tasks of each place were alive, and when? Pure: counters and a time in.
//!
//! Three rings for each place: a minute by seconds, ten minutes by ten seconds, an hour by minutes. Some 3 kB for a place that is an hour
//! old.

use std::collections::{HashMap, VecDeque};

/// Entries of one ring.
pub(crate) const KEPT: usize = 60;

/// The distance of the entries of each ring, seconds.
pub(crate) const STEPS: [u64; 3] = [1, 10, 60];

/// What a place's counters said at one moment. They only grow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Sample {
    pub(crate) spawned: u64,
    pub(crate) ended: u64,
}

impl Sample {
    pub(crate) fn live(self) -> u64 {
        self.spawned.saturating_sub(self.ended)
    }
}

/// All places.
#[derive(Default)]
pub(crate) struct History {
    places: HashMap<u32, Rings>,
    /// The last second that was recorded.
    last: Option<u64>,
}

#[derive(Default)]
pub(crate) struct Rings([VecDeque<Sample>; 3]);

impl History {
    /// Whether this second has not been recorded yet.
    pub(crate) fn is_due(&self, second: u64) -> bool {
        self.last.is_none_or(|last| last < second)
    }

    /// Records the counters of all places at a second since the start; a second time in one second does nothing.
    pub(crate) fn record(&mut self, second: u64, now: impl Iterator<Item = (u32, Sample)>) {
        let since = match self.last {
            Some(_) if !self.is_due(second) => return,
            Some(last) => last,
            // Nothing is known of the time before.
            None => second.saturating_sub(1),
        };
        self.last = Some(second);
        for (site, sample) in now {
            let rings = self.places.entry(site).or_default();
            for (ring, step) in rings.0.iter_mut().zip(STEPS) {
                // Steps that were missed, as the machine had better to do, are filled with what is known now.
                let steps = second / step - since / step;
                for _ in 0..steps.min(KEPT as u64) {
                    ring.push_back(sample);
                }
                // The present is always the last.
                if ring.is_empty() {
                    ring.push_back(sample);
                }
                if let Some(last) = ring.back_mut() {
                    *last = sample;
                }
                while ring.len() > KEPT {
                    ring.pop_front();
                }
            }
        }
    }

    pub(crate) fn of(&self, site: u32) -> Option<&Rings> {
        self.places.get(&site)
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = (u32, &Rings)> {
        self.places.iter().map(|(site, rings)| (*site, rings))
    }
}

impl Rings {
    /// One of the rings, oldest first; the last entry is the present.
    pub(crate) fn ring(&self, index: usize) -> impl ExactSizeIterator<Item = Sample> {
        self.0[index].iter().copied()
    }

    pub(crate) fn now(&self) -> Sample {
        self.0[0].back().copied().unwrap_or_default()
    }

    /// What was so many seconds ago, by the finest ring that reaches there; none if that is not known.
    pub(crate) fn ago(&self, seconds: u64) -> Option<Sample> {
        self.0.iter().zip(STEPS).find_map(|(ring, step)| {
            let back = usize::try_from(seconds.div_ceil(step)).ok()?;
            let index = ring.len().checked_sub(back + 1)?;
            ring.get(index).copied()
        })
    }

    /// Change per second of a counter over the last ten seconds, or as long as the place is known.
    pub(crate) fn per_second(&self, of: impl Fn(Sample) -> u64) -> f64 {
        let known = self.0[0].len().saturating_sub(1).min(10);
        let Some(before) = self.ago(known as u64).filter(|_| known > 0) else {
            return 0.0;
        };
        (of(self.now()) as f64 - of(before) as f64) / known as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(spawned: u64) -> Sample {
        Sample { spawned, ended: 0 }
    }

    /// A place that has as many tasks as seconds have passed.
    fn after(seconds: std::ops::RangeInclusive<u64>) -> History {
        let mut history = History::default();
        for second in seconds {
            history.record(second, [(7, sample(second))].into_iter());
        }
        history
    }

    #[test]
    fn each_ring_reaches_sixty_of_its_steps_back() {
        let history = after(1..=7200);
        let rings = history.of(7).expect("the place");
        let spawned =
            |index| -> Vec<u64> { rings.ring(index).map(|sample| sample.spawned).collect() };
        assert_eq!(spawned(0), (7141..=7200).collect::<Vec<_>>());
        assert_eq!(spawned(1).len(), 60);
        assert_eq!(spawned(1)[58..], [7199, 7200]);
        assert_eq!(spawned(2)[..2], [3719, 3779]);
        assert_eq!(rings.ago(30).map(|sample| sample.spawned), Some(7170));
        assert_eq!(rings.ago(300).map(|sample| sample.spawned), Some(6909));
        assert_eq!(rings.ago(7200), None);
        assert!((rings.per_second(|sample| sample.spawned) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_young_place_has_a_short_history() {
        let history = after(100..=103);
        let rings = history.of(7).expect("the place");
        assert_eq!(rings.ring(0).len(), 4);
        assert_eq!(
            (rings.ago(3).map(|sample| sample.spawned), rings.ago(4)),
            (Some(100), None)
        );
        let only_one = after(5..=5)
            .of(7)
            .map(|rings| rings.per_second(|sample| sample.spawned));
        assert!(only_one.is_some_and(|rate| rate.abs() < 1e-9));
    }

    #[test]
    fn missed_seconds_keep_the_distance_of_the_others() {
        let mut history = after(1..=5);
        history.record(9, [(7, sample(50))].into_iter());
        let rings = history.of(7).expect("the place");
        assert_eq!(rings.ago(4).map(|sample| sample.spawned), Some(5));
        history.record(9, [(7, sample(51))].into_iter());
        assert_eq!(history.of(7).map(|rings| rings.now().spawned), Some(50));
    }
}
