//! What tasks take in memory, alive and afterwards; and what an application takes that does nothing, or begins.

use super::super::mode::Mode;
use super::{Group, Run, Tasks, Unit, figure};

pub(super) const RUNS: &[Run] = &[
    Run {
        group: Group::Live,
        full: "live workers=2 tasks=10000 quiet_ms=3000",
        quick: "live workers=2 tasks=10000 quiet_ms=300",
        modes: &Mode::ALL,
        tasks: Tasks::same(10_000),
        figures: &[figure(
            "live-10k",
            "bytes_per_task",
            "memory per live task, 10 000 tasks",
            Unit::Bytes,
        )],
    },
    Run {
        group: Group::Live,
        full: "live workers=2 tasks=100000 quiet_ms=3000",
        quick: "live workers=2 tasks=100000 quiet_ms=300",
        modes: &Mode::ALL,
        tasks: Tasks::same(100_000),
        figures: &[figure(
            "live-100k",
            "bytes_per_task",
            "memory per live task, 100 000 tasks",
            Unit::Bytes,
        )],
    },
    Run {
        group: Group::Live,
        full: "live workers=2 tasks=1000000 quiet_ms=3000",
        quick: "live workers=2 tasks=1000000 quiet_ms=300",
        modes: &Mode::ALL,
        tasks: Tasks::same(1_000_000),
        figures: &[figure(
            "live-1m",
            "bytes_per_task",
            "memory per live task, 1 000 000 tasks",
            Unit::Bytes,
        )],
    },
    Run {
        group: Group::Eternal,
        full: "eternal-as-they-go workers=2 eternal=10000 quiet_ms=3000",
        quick: "eternal-as-they-go workers=2 eternal=2000 quiet_ms=1000",
        modes: &Mode::ALL,
        tasks: Tasks {
            full: 10_000_000,
            quick: 2_000_000,
        },
        figures: &[figure(
            "eternal-as-they-go",
            "bytes_per_task",
            "memory per live task, the other 999 of 1 000 end as they go",
            Unit::Bytes,
        )],
    },
    Run {
        group: Group::Eternal,
        full: "eternal-all-at-once eternal=4000 quiet_ms=3000",
        quick: "eternal-all-at-once eternal=1000 quiet_ms=1000",
        modes: &Mode::ALL,
        tasks: Tasks {
            full: 4_000_000,
            quick: 1_000_000,
        },
        figures: &[figure(
            "eternal-all-at-once",
            "bytes_per_task",
            "memory per live task, the other 999 of 1 000 end, spawned at once",
            Unit::Bytes,
        )],
    },
    Run {
        group: Group::Churn,
        full: "churn workers=2 waves=200 quiet_ms=3000",
        quick: "churn workers=2 waves=200 quiet_ms=1000",
        modes: &Mode::ALL,
        tasks: Tasks::same(200_000),
        figures: &[
            figure(
                "churn-after",
                "after_mb",
                "memory right after 200 000 short tasks",
                Unit::Megabytes,
            ),
            figure(
                "churn-settled",
                "settled_mb",
                "memory once settled after 200 000 short tasks",
                Unit::Megabytes,
            ),
            figure(
                "churn-settle-time",
                "settle_s",
                "— time to settle",
                Unit::Seconds,
            ),
        ],
    },
    Run {
        group: Group::Idle,
        full: "idle workers=2 settle_ms=1000 window_ms=10000",
        quick: "idle workers=2 settle_ms=500 window_ms=2000",
        modes: &Mode::ALL,
        tasks: Tasks::FEW,
        figures: &[figure(
            "idle",
            "cpu_percent",
            "CPU of an idle application, nobody attached",
            Unit::Percent,
        )],
    },
    Run {
        group: Group::Startup,
        full: "startup workers=2",
        quick: "startup workers=2",
        modes: &Mode::ALL,
        tasks: Tasks::FEW,
        figures: &[figure(
            "startup",
            "micros",
            "from `main` to the root future",
            Unit::Micros,
        )],
    },
];
