//! The spawn places of the service of a test, with what became of their tasks over time.

use stallscope_wire::message::{Site, SiteStats};

const MS: u64 = 1_000_000;

/// Most live tasks first: a pool that breathes, a leak, a task that was started once, and a place of a crate.
pub(crate) fn places() -> Vec<SiteStats> {
    vec![
        SiteStats {
            live: 500,
            spawned: 88_123,
            ended: 87_623,
            polls: 352_492,
            busy_ns: 2_210 * MS,
            longest_poll_ns: 1_234_567,
            oldest_ns: 9_800 * MS,
            live_by_second: (0..10).map(|second| 480 + second % 4 * 5).collect(),
            live_by_ten_seconds: vec![500],
            live_by_minute: vec![500],
            spawned_per_second: 1_250.4,
            ended_per_second: 1_251.0,
            longest_idle_ns: 800 * MS,
            ..place("demo-apps/hybrid-service/src/server.rs", 48)
        },
        SiteStats {
            live: 412,
            spawned: 463,
            ended: 51,
            polls: 926,
            busy_ns: 3 * MS,
            longest_poll_ns: 700_000,
            oldest_ns: 9_100 * MS,
            live_by_second: (0..10).map(|second| 331 + second * 9).collect(),
            live_by_ten_seconds: vec![412],
            live_by_minute: vec![412],
            spawned_per_second: 10.2,
            ended_per_second: 1.2,
            orphans: 408,
            longest_idle_ns: 9_000 * MS,
            ..place("demo-apps/hybrid-service/src/session.rs", 88)
        },
        SiteStats {
            live: 1,
            spawned: 1,
            polls: 3,
            oldest_ns: 10_000 * MS,
            live_by_second: vec![1; 10],
            live_by_ten_seconds: vec![1],
            live_by_minute: vec![1],
            orphans: 1,
            longest_idle_ns: 10_000 * MS,
            ..place("demo-apps/hybrid-service/src/main.rs", 63)
        },
        SiteStats {
            spawned: 12,
            ended: 12,
            polls: 24,
            live_by_second: vec![0; 10],
            live_by_ten_seconds: vec![0],
            live_by_minute: vec![0],
            ..place(
                "/home/me/.cargo/registry/src/a-registry-1949cf8c/hyper-util-0.1.17/src/rt/tokio.rs",
                33,
            )
        },
    ]
}

fn place(file: &str, line: u32) -> SiteStats {
    SiteStats {
        site: Some(Site {
            id: line,
            file: file.to_owned(),
            line,
            column: 9,
        }),
        ..SiteStats::default()
    }
}
