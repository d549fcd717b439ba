//! Does a place leak? Pure functions of its history and a census.

use super::census::Figures;
use super::history::{Rings, STEPS, Sample};
use crate::config::Config;

/// The thresholds. Durations in nanoseconds unless they say otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thresholds {
    /// Through which live tasks have to rise, seconds.
    pub(crate) window: u64,
    /// For how long an orphan has to be idle.
    pub(crate) grace: u64,
}

impl Thresholds {
    pub(crate) fn of(config: &Config) -> Self {
        Thresholds {
            window: config.leak_window.as_secs(),
            grace: u64::try_from(config.leak_grace.as_nanos()).unwrap_or(u64::MAX),
        }
    }
}

/// The fewest tasks that a place has to gain.
const LEAST_GAIN: f64 = 10.0;
/// A window is looked at in so many parts, and each has to rise.
const PARTS: u64 = 5;
/// By how many standard deviations of independent comings and goings the gain has to exceed chance.
const SIGNIFICANT: f64 = 4.0;
/// As far as the history of a place reaches, seconds.
const FAR_BACK: u64 = 59 * 60;
/// Orphans of one moment are one event, not a habit: their births have to be this far apart.
const LEAST_SPREAD: u64 = 1_000_000_000;

/// The place's live tasks have risen through a whole window: tasks gained per second.
///
/// Looked at are the window that is set and, for slower leaks, the whole ten minutes and the whole hour that are known of the place.
pub(crate) fn growth(rings: &Rings, window: u64) -> Option<f64> {
    let longer = STEPS[1..].iter().map(|step| step * 59);
    let mut windows = std::iter::once(window).chain(longer.filter(|longer| *longer > window));
    windows.find_map(|window| rises_through(rings, window))
}

fn rises_through(rings: &Rings, window: u64) -> Option<f64> {
    let (before, now) = (rings.ago(window)?, rings.now());
    let gain = now.live() as f64 - before.live() as f64;
    let moves = (now.spawned - before.spawned) + (now.ended - before.ended);
    if gain < LEAST_GAIN || gain < SIGNIFICANT * (moves as f64).sqrt() {
        return None;
    }
    // A quarter of its share for each part: a rise to a level that then holds ends in parts without any.
    let least = (gain / PARTS as f64 / 4.0).max(1.0);
    let at = |part: u64| {
        let seconds = window * (PARTS - part) / PARTS;
        rings.ago(seconds).map(|sample| sample.live() as f64)
    };
    (0..PARTS)
        .all(
            |part| matches!((at(part), at(part + 1)), (Some(from), Some(to)) if to - from >= least),
        )
        .then_some(gain / window as f64)
}

/// Tasks of several parents that have ended go on without being polled, and there are ever more of them.
pub(crate) fn orphans(rings: &Rings, figures: &Figures, before: Option<u64>, grace: u64) -> bool {
    let forgotten = &figures.forgotten;
    let spread = forgotten.oldest.saturating_sub(forgotten.youngest);
    let falls = rings
        .ago(grace.div_ceil(1_000_000_000).clamp(2, 60))
        .is_some_and(|then| rings.now().live() < then.live());
    // Connections of a pool that nobody uses become idle together, and none is new.
    // One second less than that: a sample of the history may be up to a second older than it is asked for.
    let seconds = grace.div_ceil(1_000_000_000).clamp(2, FAR_BACK) - 1;
    let is_new = |then: Sample| rings.now().spawned > then.spawned;
    forgotten.parents.len() > 1
        && rings.ago(seconds).is_none_or(is_new)
        && spread >= LEAST_SPREAD.max(grace / 8)
        && !falls
        && before.is_none_or(|before| forgotten.count > before)
}

/// Whether a place that was found to leak does so no more: half of what it had at most is gone.
pub(crate) fn has_recovered(live: u64, most: u64) -> bool {
    live * 2 < most
}

#[cfg(test)]
mod tests {
    use super::super::history::History;
    use super::*;

    /// The first second after the start at which a place is found to grow, by the number of its live tasks and of those ended.
    fn found(window: u64, until: u64, at: impl Fn(u64) -> (u64, u64)) -> Option<u64> {
        let mut history = History::default();
        (1..=until).find(|&second| {
            let (live, ended) = at(second);
            let sample = Sample {
                spawned: live + ended,
                ended,
            };
            history.record(second, [(1, sample)].into_iter());
            growth(history.of(1).expect("recorded"), window).is_some()
        })
    }

    #[test]
    fn five_more_each_second_are_found_as_soon_as_the_window_is_full() {
        assert_eq!(found(5, 60, |second| (second * 5, 0)), Some(6));
        assert_eq!(found(600, 1200, |second| (second * 5, 0)), Some(600));
    }

    #[test]
    fn a_leak_among_many_tasks_that_end_is_found_in_time() {
        // 100 a second, of which one in twenty stays.
        let at = found(60, 7200, |second| (second * 5, second * 95));
        assert!(at.is_some_and(|at| at <= 600), "{at:?}");
    }

    #[test]
    fn a_first_rise_to_a_level_that_holds_is_none() {
        for rise in 1..=5 {
            let level = |second: u64| (second.min(rise) * 500 + second % 7, second * 20);
            assert_eq!(found(5, 7200, level), None, "a rise of {rise} s");
        }
    }

    #[test]
    fn a_burst_that_drains_is_none() {
        let burst = |second: u64| (10_000_u64.saturating_sub(second * 160), second * 160);
        assert_eq!(found(5, 600, burst), None);
    }

    #[test]
    fn coming_and_going_is_none() {
        // A walk at random around ten thousand steady connections.
        let (mut live, mut ended, mut state) = (10_000_u64, 0_u64, 7_u64);
        let steps: Vec<(u64, u64)> = (0..7200)
            .map(|_| {
                for _ in 0..100 {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    if state >> 63 == 0 {
                        live += 1;
                    } else {
                        (live, ended) = (live - 1, ended + 1);
                    }
                }
                (live, ended)
            })
            .collect();
        for window in [5, 60, 600] {
            assert_eq!(
                found(window, 7200, |second| steps[second as usize - 1]),
                None,
                "{window} s"
            );
        }
    }

    const S: u64 = 1_000_000_000;

    fn forgotten(count: u64, parents: u64, spread: u64) -> Figures {
        let mut figures = Figures::default();
        figures.forgotten.count = count;
        figures.forgotten.parents = (0..parents).collect();
        (figures.forgotten.youngest, figures.forgotten.oldest) = (3 * S, 3 * S + spread);
        figures
    }

    /// `new`: tasks that are spawned each second.
    fn rings(new: u64, live: impl Fn(u64) -> u64) -> History {
        let mut history = History::default();
        for second in 1..=10 {
            let spawned = 1000 + new * second;
            let sample = Sample {
                spawned,
                ended: spawned - live(second),
            };
            history.record(second, [(1, sample)].into_iter());
        }
        history
    }

    #[test]
    fn orphans_are_a_leak_if_several_parents_leave_ever_more() {
        let steady = rings(1, |_| 20);
        let judge = |figures: &Figures, before| {
            orphans(steady.of(1).expect("recorded"), figures, before, 3 * S)
        };
        assert!(judge(&forgotten(5, 2, 2 * S), Some(3)));
        assert!(
            !judge(&forgotten(5, 1, 2 * S), Some(3)),
            "of one start-up task"
        );
        assert!(!judge(&forgotten(5, 2, 0), Some(3)), "of one moment");
        assert!(!judge(&forgotten(5, 2, 2 * S), Some(5)), "no more of them");
        let pool = rings(0, |_| 20);
        let idle = orphans(
            pool.of(1).expect("recorded"),
            &forgotten(5, 2, 2 * S),
            Some(3),
            3 * S,
        );
        assert!(!idle, "a pool that nobody uses");
        let drains = rings(1, |second| 100 - second * 5);
        let draining = orphans(
            drains.of(1).expect("recorded"),
            &forgotten(5, 2, 2 * S),
            Some(3),
            3 * S,
        );
        assert!(!draining, "a burst whose number falls");
    }
}
