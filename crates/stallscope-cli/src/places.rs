//! Spawn places: which of them looks most like a leak, and what else they are sorted by.

use std::cmp::Ordering;

use clap::ValueEnum;
use stallscope_wire::message::SiteStats;

use crate::format::UNKNOWN;

/// What places are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlaceSort {
    /// How fast live tasks grow
    #[default]
    Growth,
    Live,
    SpawnRate,
    EndRate,
    Oldest,
    /// The longest time without a poll
    Idle,
    /// Tasks whose parent has ended
    Orphans,
    /// File and line
    Site,
}

/// How far back a look at a place reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum History {
    #[default]
    Minute,
    TenMinutes,
    Hour,
}

impl PlaceSort {
    /// The order of two places. What is equal comes in the order of what looks like a leak, then by place, whatever the direction.
    pub(crate) fn compare(
        self,
        a: &SiteStats,
        b: &SiteStats,
        history: History,
        descending: bool,
    ) -> Ordering {
        let by = match self {
            PlaceSort::Growth => history.growth(a).total_cmp(&history.growth(b)),
            PlaceSort::Live => a.live.cmp(&b.live),
            PlaceSort::SpawnRate => a.spawned_per_second.total_cmp(&b.spawned_per_second),
            PlaceSort::EndRate => a.ended_per_second.total_cmp(&b.ended_per_second),
            PlaceSort::Oldest => a.oldest_ns.cmp(&b.oldest_ns),
            PlaceSort::Idle => a.longest_idle_ns.cmp(&b.longest_idle_ns),
            PlaceSort::Orphans => a.orphans.cmp(&b.orphans),
            PlaceSort::Site => position(a).cmp(&position(b)),
        };
        let directed = if descending { by.reverse() } else { by };
        directed
            .then_with(|| b.orphans.cmp(&a.orphans))
            .then_with(|| b.live.cmp(&a.live))
            .then_with(|| position(a).cmp(&position(b)))
    }
}

impl History {
    /// Live tasks at past moments, the last being the present. Shorter for a young place, empty from an agent that keeps none.
    pub(crate) fn of(self, stats: &SiteStats) -> &[u32] {
        match self {
            History::Minute => &stats.live_by_second,
            History::TenMinutes => &stats.live_by_ten_seconds,
            History::Hour => &stats.live_by_minute,
        }
    }

    /// How fast the number of live tasks rises, in tasks per second; below 0 if it falls.
    ///
    /// The lowest point of the later half is compared with that of the earlier half: a pool that goes up and down keeps its lowest
    /// point, tasks that never end raise it. The first fifth does not count: every place begins with none.
    pub(crate) fn growth(self, stats: &SiteStats) -> f64 {
        let history = self.of(stats);
        let settled = &history[history.len() / 5..];
        let half = settled.len() / 2;
        let (earlier, later) = settled.split_at(half);
        match (earlier.iter().min(), later.iter().min()) {
            (Some(&before), Some(&now)) => {
                let seconds = self.step_seconds() * half as f64;
                (f64::from(now) - f64::from(before)) / seconds
            }
            _ => 0.0,
        }
    }

    /// Further back; the same if it cannot be.
    pub(crate) fn longer(self) -> Self {
        match self {
            History::Minute => History::TenMinutes,
            History::TenMinutes | History::Hour => History::Hour,
        }
    }

    /// Less far back; the same if it cannot be.
    pub(crate) fn shorter(self) -> Self {
        match self {
            History::Minute | History::TenMinutes => History::Minute,
            History::Hour => History::TenMinutes,
        }
    }

    /// `last minute`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            History::Minute => "last minute",
            History::TenMinutes => "last ten minutes",
            History::Hour => "last hour",
        }
    }

    /// From one point of the history to the next.
    fn step_seconds(self) -> f64 {
        match self {
            History::Minute => 1.0,
            History::TenMinutes => 10.0,
            History::Hour => 60.0,
        }
    }
}

/// Whether its agent keeps histories and rates. One that does sends at least the present.
pub(crate) fn has_history(stats: &SiteStats) -> bool {
    !stats.live_by_second.is_empty()
}

/// A figure that only such an agent knows, for people.
pub(crate) fn if_known(stats: &SiteStats, figure: impl FnOnce() -> String) -> String {
    if has_history(stats) {
        figure()
    } else {
        UNKNOWN.to_owned()
    }
}

fn position(stats: &SiteStats) -> Option<(&str, u32, u32)> {
    let site = stats.site.as_ref()?;
    Some((&site.file, site.line, site.column))
}

#[cfg(test)]
mod tests {
    use stallscope_wire::message::Site;

    use super::*;

    fn place(line: u32, live_by_second: Vec<u32>) -> SiteStats {
        let site = Site {
            id: line,
            file: "src/main.rs".to_owned(),
            line,
            column: 9,
        };
        SiteStats {
            site: Some(site),
            live: live_by_second.last().copied().unwrap_or(0).into(),
            live_by_second,
            ..SiteStats::default()
        }
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn growth_is_the_slope_of_what_only_rises() {
        let leak = place(1, (0..60).map(|second| 40 + 9 * second).collect());
        assert!(close(History::Minute.growth(&leak), 9.0));
        let drains = place(1, (0..60).rev().collect());
        assert!(close(History::Minute.growth(&drains), -1.0));
    }

    #[test]
    fn a_pool_that_breathes_and_a_young_place_do_not_grow() {
        let pool = place(1, (0..60).map(|second| 3 + second % 10).collect());
        assert!(close(History::Minute.growth(&pool), 0.0));
        let warmed_up = vec![1, 4, 9, 9, 9, 9, 9, 9, 9, 9];
        for history in [vec![], vec![7], warmed_up] {
            assert!(close(History::Minute.growth(&place(1, history)), 0.0));
        }
        assert!(close(History::Hour.growth(&pool), 0.0), "no history of it");
    }

    #[test]
    fn what_does_not_differ_comes_in_the_order_of_suspicion() {
        let orphans = SiteStats {
            orphans: 5,
            ..place(40, vec![5, 5])
        };
        let mut places = [
            place(10, vec![9, 9]),
            place(30, vec![1, 100]),
            place(20, vec![9, 9]),
            orphans,
        ];
        let lines = |places: &[SiteStats]| -> Vec<u32> {
            let sites = places.iter().filter_map(|stats| stats.site.as_ref());
            sites.map(|site| site.line).collect()
        };
        places.sort_by(|a, b| PlaceSort::Growth.compare(a, b, History::Minute, true));
        assert_eq!(lines(&places), [30, 40, 10, 20]);
        places.sort_by(|a, b| PlaceSort::Growth.compare(a, b, History::Minute, false));
        assert_eq!(lines(&places), [40, 10, 20, 30]);
        places.sort_by(|a, b| PlaceSort::Site.compare(a, b, History::Minute, false));
        assert_eq!(lines(&places), [10, 20, 30, 40]);
    }
}
