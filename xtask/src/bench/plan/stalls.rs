//! How soon a stall is told, and what looking at it costs the thread.

use super::super::mode::Mode;
use super::{Group, Run, Tasks, Unit, figure};

pub(super) const RUNS: &[Run] = &[
    Run {
        group: Group::Stalls,
        full: "stalls-asleep stalls=60 lasts_ms=100",
        quick: "stalls-asleep stalls=10 lasts_ms=100",
        modes: &[Mode::Core, Mode::Hooks],
        tasks: Tasks::FEW,
        figures: &[
            figure(
                "stall-asleep",
                "median_us",
                "from crossing the threshold to a client, asleep",
                Unit::Micros,
            ),
            figure(
                "stall-asleep-p99",
                "p99_us",
                "from crossing the threshold to a client, asleep, p99",
                Unit::Micros,
            ),
            figure(
                "stall-asleep-first",
                "first_us",
                "— the first one of a process",
                Unit::Micros,
            ),
        ],
    },
    Run {
        group: Group::Stalls,
        full: "stalls-computing stalls=60 lasts_ms=100",
        quick: "stalls-computing stalls=10 lasts_ms=100",
        modes: &[Mode::Core, Mode::Hooks],
        tasks: Tasks::FEW,
        figures: &[
            figure(
                "stall-computing",
                "median_us",
                "from crossing the threshold to a client, computing",
                Unit::Micros,
            ),
            figure(
                "stall-computing-p99",
                "p99_us",
                "from crossing the threshold to a client, computing, p99",
                Unit::Micros,
            ),
            figure(
                "stall-computing-first",
                "first_us",
                "— the first one of a process",
                Unit::Micros,
            ),
        ],
    },
    Run {
        group: Group::Pause,
        full: "pause captures=500",
        quick: "pause captures=100",
        modes: &[Mode::Hooks],
        tasks: Tasks::FEW,
        figures: &[
            figure(
                "pause-running",
                "running_median_us",
                "pause of a running thread by one capture",
                Unit::Micros,
            ),
            figure(
                "pause-running-p99",
                "running_p99_us",
                "— 99th percentile",
                Unit::Micros,
            ),
            figure(
                "pause-asleep",
                "asleep_us",
                "— of a sleeping thread, the longest",
                Unit::Micros,
            ),
        ],
    },
];
