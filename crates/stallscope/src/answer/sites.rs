//! Figures of each spawn place: the counters of ended tasks plus one pass over the live ones.

use std::collections::HashMap;

use stallscope_wire::message::{Site, SiteQuery, SiteSort, SiteStats, SiteWindow, TaskKind};

use super::live::{Live, site};
use super::source::Source;
use crate::leaks::{History, Sample};
use crate::recorder::{RECORDER, SiteFigures};

const MOST_SITES: usize = 10_000;

/// The counters of all places, as the history of leaks keeps them.
pub(super) fn samples() -> Vec<(u32, Sample)> {
    let sample = |figures: SiteFigures| {
        let sample = Sample {
            spawned: figures.spawned,
            ended: figures.ended,
        };
        (figures.id.0, sample)
    };
    let spawning = RECORDER
        .site_figures()
        .into_iter()
        .filter(|figures| figures.spawned > 0);
    spawning.map(sample).collect()
}

pub(super) fn window(query: &SiteQuery, live: &Live<'_>, history: &History) -> SiteWindow {
    let ended = RECORDER
        .site_figures()
        .into_iter()
        .map(|figures| before_now(&figures, live))
        .collect();
    cut(query, with_history(with_live(ended, live), history))
}

/// What the counters know: tasks that have ended.
fn before_now(figures: &SiteFigures, live: &Live<'_>) -> SiteStats {
    SiteStats {
        site: Some(
            figures
                .place
                .map_or_else(|| elsewhere(figures.id.0), |place| site(figures.id, place)),
        ),
        live: figures.spawned.saturating_sub(figures.ended),
        spawned: figures.spawned,
        ended: figures.ended,
        polls: figures.totals.polls,
        busy_ns: live.rate.nanos(figures.totals.busy),
        longest_poll_ns: live.rate.nanos(figures.totals.longest),
        ..SiteStats::default()
    }
}

fn elsewhere(id: u32) -> Site {
    Site {
        id,
        file: "(places beyond the first 4095)".to_owned(),
        line: 0,
        column: 0,
    }
}

/// Adds the times of tasks that have not ended.
fn with_live(mut sites: Vec<SiteStats>, source: &dyn Source) -> Vec<SiteStats> {
    let id = |stats: &SiteStats| stats.site.as_ref().map_or(0, |site| site.id);
    let index: HashMap<u32, usize> = sites
        .iter()
        .enumerate()
        .map(|(index, stats)| (id(stats), index))
        .collect();
    source.for_each(&mut |row| {
        if row.kind == TaskKind::Task
            && let Some(&index) = index.get(&row.site)
        {
            let stats = &mut sites[index];
            stats.polls += row.polls;
            stats.busy_ns += row.busy;
            stats.longest_poll_ns = stats.longest_poll_ns.max(row.longest);
            stats.oldest_ns = stats.oldest_ns.max(row.age);
            stats.longest_idle_ns = stats.longest_idle_ns.max(row.idle);
            stats.orphans += u64::from(row.parent.is_some_and(|parent| !source.is_live(parent)));
        }
    });
    // A place known only as that of a root future has spawned nothing.
    sites.retain(|stats| stats.spawned > 0);
    sites
}

fn with_history(mut sites: Vec<SiteStats>, history: &History) -> Vec<SiteStats> {
    for stats in &mut sites {
        let Some(rings) = stats.site.as_ref().and_then(|site| history.of(site.id)) else {
            continue;
        };
        let ring = |index| {
            let live = |sample: Sample| u32::try_from(sample.live()).unwrap_or(u32::MAX);
            rings.ring(index).map(live).collect()
        };
        stats.live_by_second = ring(0);
        stats.live_by_ten_seconds = ring(1);
        stats.live_by_minute = ring(2);
        stats.spawned_per_second = rings.per_second(|sample| sample.spawned);
        stats.ended_per_second = rings.per_second(|sample| sample.ended);
    }
    sites
}

fn cut(query: &SiteQuery, mut sites: Vec<SiteStats>) -> SiteWindow {
    let total = sites.len() as u64;
    let number = |stats: &SiteStats| match query.sort() {
        SiteSort::Unknown | SiteSort::Live => stats.live,
        SiteSort::Spawned => stats.spawned,
        SiteSort::Busy => stats.busy_ns,
        SiteSort::Place => 0,
    };
    let place = |stats: &SiteStats| {
        stats
            .site
            .as_ref()
            .map(|site| (site.file.clone(), site.line, site.column))
    };
    // By place, the usual direction is upwards; by figures, the largest first.
    sites.sort_by_cached_key(|stats| (u64::MAX - number(stats), place(stats)));
    if query.ascending != (query.sort() == SiteSort::Place) {
        sites.reverse();
    }
    let limit = if query.limit == 0 {
        MOST_SITES
    } else {
        query.limit as usize
    };
    sites.truncate(limit.min(MOST_SITES));
    SiteWindow { total, sites }
}

#[cfg(test)]
mod tests {
    use super::super::source::fake::Fake;
    use super::*;

    fn stats(id: u32, live: u64, busy_ns: u64) -> SiteStats {
        let site = Site {
            id,
            file: format!("{id}.rs"),
            line: 1,
            column: 1,
        };
        SiteStats {
            site: Some(site),
            live,
            busy_ns,
            spawned: live + 1,
            ended: 1,
            ..SiteStats::default()
        }
    }

    fn ids(window: &SiteWindow) -> Vec<u32> {
        window
            .sites
            .iter()
            .filter_map(|stats| Some(stats.site.as_ref()?.id))
            .collect()
    }

    #[test]
    fn live_tasks_add_to_what_the_ended_ones_have_left() {
        let mut fake = Fake {
            files: vec!["1.rs"],
            ..Fake::default()
        };
        fake.add(1, None, 1);
        fake.add(2, None, 1);
        let sites = with_live(vec![stats(1, 2, 100)], &fake);
        assert_eq!((sites[0].polls, sites[0].busy_ns), (2, 100 + 10 + 20));
        assert_eq!((sites[0].longest_poll_ns, sites[0].oldest_ns), (2, 999));
    }

    #[test]
    fn the_largest_come_first_and_places_in_the_order_of_text() {
        let sites = || vec![stats(1, 5, 10), stats(2, 9, 5), stats(3, 1, 20)];
        let by = |sort: SiteSort, ascending| {
            ids(&cut(
                &SiteQuery {
                    sort: sort.into(),
                    ascending,
                    limit: 0,
                },
                sites(),
            ))
        };
        assert_eq!(by(SiteSort::Live, false), [2, 1, 3]);
        assert_eq!(by(SiteSort::Live, true), [3, 1, 2]);
        assert_eq!(by(SiteSort::Busy, false), [3, 1, 2]);
        assert_eq!(by(SiteSort::Place, true), [1, 2, 3]);
        assert_eq!(by(SiteSort::Place, false), [3, 2, 1]);
        let window = cut(
            &SiteQuery {
                limit: 1,
                ..SiteQuery::default()
            },
            sites(),
        );
        assert_eq!((window.total, window.sites.len()), (3, 1));
    }
}
