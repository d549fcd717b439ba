//! The places of the program of the sessions: figures over time beside the tasks that live.

use stallscope_wire::message::{
    Certainty, Finding, FindingTask, Leak, Location, Severity, Site, SiteQuery, SiteStats,
    SiteWindow, Task, TaskKind,
};

use super::{FakeAgent, MILLISECOND, SECOND, task};

/// Where sessions are spawned that never end.
const SESSIONS: &str = "demo-apps/hybrid-service/src/session.rs";

impl FakeAgent {
    /// With 412 sessions that outlive their connections, nine more in each second.
    pub(crate) fn with_a_leak(mut self) -> Self {
        let site = self.site(SESSIONS, 88);
        for n in 0..412 {
            self.add(Task {
                id: 1_000 + n,
                parent: Some(900),
                parent_ended: true,
                site,
                age_ns: (412 - n) * 110 * MILLISECOND,
                idle_ns: (412 - n) * 100 * MILLISECOND,
                ..task(2)
            });
        }
        self.figures.insert(
            site,
            SiteStats {
                spawned: 463,
                ended: 51,
                live_by_second: (0..46).map(|second| 7 + second * 9).collect(),
                live_by_ten_seconds: vec![0, 52, 142, 232, 322, 412],
                live_by_minute: vec![0, 412],
                spawned_per_second: 10.2,
                ended_per_second: 1.2,
                orphans: 408,
                longest_idle_ns: 41 * SECOND,
                ..SiteStats::default()
            },
        );
        self.findings = Some(vec![leak(site)]);
        self
    }

    /// Most live tasks first, whatever was asked for: nothing else is asked for.
    pub(super) fn places(&self, query: &SiteQuery) -> SiteWindow {
        let mut places: Vec<SiteStats> = self.sites.iter().map(|site| self.stats(site)).collect();
        places.sort_by_key(|stats| std::cmp::Reverse(stats.live));
        let total = places.len() as u64;
        places.truncate(query.limit as usize);
        SiteWindow {
            total,
            sites: places,
        }
    }

    /// A place of which nothing else is known has always had as many live tasks as now.
    fn stats(&self, site: &Site) -> SiteStats {
        let tasks = || self.tasks.values().filter(|task| task.site == site.id);
        let live = tasks().count();
        let steady = vec![u32::try_from(live).expect("few tasks"); 60];
        let known = self.figures.get(&site.id).cloned();
        SiteStats {
            site: Some(site.clone()),
            live: live as u64,
            oldest_ns: tasks().map(|task| task.age_ns).max().unwrap_or(0),
            ..known.unwrap_or_else(|| SiteStats {
                spawned: live as u64,
                live_by_second: steady.clone(),
                live_by_ten_seconds: steady,
                live_by_minute: vec![0, 0, u32::try_from(live).expect("few tasks")],
                longest_idle_ns: tasks().map(|task| task.idle_ns).max().unwrap_or(0),
                ..SiteStats::default()
            })
        }
    }
}

/// Connections come and go: their number breathes.
pub(super) fn connections() -> SiteStats {
    SiteStats {
        spawned: 2_840,
        ended: 2_800,
        live_by_second: (0..60).map(|second| 31 + (second * 7) % 10).collect(),
        live_by_ten_seconds: vec![36; 12],
        live_by_minute: vec![22, 36, 36],
        spawned_per_second: 23.0,
        ended_per_second: 22.8,
        longest_idle_ns: 400 * MILLISECOND,
        ..SiteStats::default()
    }
}

fn leak(site: u32) -> Finding {
    Finding {
        id: 11,
        kind: "task-leak".to_owned(),
        rule: "growth".to_owned(),
        severity: Severity::High.into(),
        certainty: Certainty::Likely.into(),
        count: 1,
        first_seen_unix_ns: 90 * SECOND,
        ongoing: true,
        location: Some(Location {
            file: SESSIONS.to_owned(),
            line: 88,
            column: 9,
            ..Location::default()
        }),
        task: Some(FindingTask {
            id: 1_000,
            kind: TaskKind::Task.into(),
            spawned_at: Some(Site {
                id: site,
                file: SESSIONS.to_owned(),
                line: 88,
                column: 9,
            }),
            ancestors: vec![900, 2, 0],
            ..FindingTask::default()
        }),
        leak: Some(Leak {
            live: 412,
            live_at_first: 103,
            growth_per_second: 9.0,
            spawned: 463,
            ended: 51,
            oldest_ns: 45 * SECOND,
            orphans: 408,
        }),
        message: "412 tasks from demo-apps/hybrid-service/src/session.rs:88 are alive, 9 more in each second; the oldest \
                  is 45 s old, and 408 have lost their parent"
            .to_owned(),
        help: "docs/findings.md#task-leak-growth".to_owned(),
        ..Finding::default()
    }
}
