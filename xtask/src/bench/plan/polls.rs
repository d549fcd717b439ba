//! What one reading of a clock, one poll, and one task cost.

use super::super::mode::Mode;
use super::{Group, Run, Tasks, Unit, figure};

pub(super) const RUNS: &[Run] = &[
    Run {
        group: Group::Clock,
        full: "clock readings=20000000",
        quick: "clock readings=2000000",
        modes: &[Mode::Bare],
        tasks: Tasks::FEW,
        figures: &[
            figure(
                "clock-counter",
                "counter_ns",
                "one reading of the time stamp counter",
                Unit::Nanos,
            ),
            figure(
                "clock-system",
                "system_ns",
                "one reading of the system's clock",
                Unit::Nanos,
            ),
        ],
    },
    Run {
        group: Group::Poll,
        full: "poll workers=1 tasks=1000 yields=2000 warm_up=100",
        quick: "poll workers=1 tasks=1000 yields=1000 warm_up=100",
        modes: &Mode::ALL,
        tasks: Tasks::FEW,
        figures: &[
            figure(
                "poll-w1-cpu",
                "cpu_ns",
                "poll, 1 000 tasks, 1 worker",
                Unit::Nanos,
            ),
            figure("poll-w1", "wall_ns", "— wall time × workers", Unit::Nanos),
        ],
    },
    Run {
        group: Group::Poll,
        full: "poll workers=2 tasks=1000 yields=2000 warm_up=100",
        quick: "poll workers=2 tasks=1000 yields=1000 warm_up=100",
        modes: &Mode::ALL,
        tasks: Tasks::FEW,
        figures: &[
            figure(
                "poll-w2-cpu",
                "cpu_ns",
                "poll, 1 000 tasks, 2 workers",
                Unit::Nanos,
            ),
            figure("poll-w2", "wall_ns", "— wall time × workers", Unit::Nanos),
        ],
    },
    Run {
        group: Group::Poll,
        full: "poll workers=1 tasks=100000 yields=100 warm_up=3",
        quick: "poll workers=1 tasks=100000 yields=20 warm_up=3",
        modes: &Mode::ALL,
        tasks: Tasks::same(100_000),
        figures: &[
            figure(
                "poll-100k-w1-cpu",
                "cpu_ns",
                "poll, 100 000 tasks, 1 worker",
                Unit::Nanos,
            ),
            figure(
                "poll-100k-w1",
                "wall_ns",
                "— wall time × workers",
                Unit::Nanos,
            ),
        ],
    },
    Run {
        group: Group::Poll,
        full: "poll workers=2 tasks=100000 yields=100 warm_up=3",
        quick: "poll workers=2 tasks=100000 yields=20 warm_up=3",
        modes: &Mode::ALL,
        tasks: Tasks::same(100_000),
        figures: &[
            figure(
                "poll-100k-w2-cpu",
                "cpu_ns",
                "poll, 100 000 tasks, 2 workers",
                Unit::Nanos,
            ),
            figure(
                "poll-100k-w2",
                "wall_ns",
                "— wall time × workers",
                Unit::Nanos,
            ),
        ],
    },
    Run {
        group: Group::Spawn,
        full: "spawn workers=1 tasks=200000",
        quick: "spawn workers=1 tasks=20000",
        modes: &Mode::ALL,
        tasks: Tasks {
            full: 220_000,
            quick: 22_000,
        },
        figures: &[
            figure(
                "spawn-w1-cpu",
                "cpu_ns",
                "spawn + join, 1 worker",
                Unit::Nanos,
            ),
            figure("spawn-w1", "wall_ns", "— wall time", Unit::Nanos),
        ],
    },
    Run {
        group: Group::Spawn,
        full: "spawn workers=2 tasks=200000",
        quick: "spawn workers=2 tasks=20000",
        modes: &Mode::ALL,
        tasks: Tasks {
            full: 220_000,
            quick: 22_000,
        },
        figures: &[
            figure(
                "spawn-w2-cpu",
                "cpu_ns",
                "spawn + join, 2 workers",
                Unit::Nanos,
            ),
            figure("spawn-w2", "wall_ns", "— wall time", Unit::Nanos),
        ],
    },
];
