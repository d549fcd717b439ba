//! What is measured: every scenario with its numbers, and the figures it yields.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::mode::Mode;

/// What `--only` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    /// Time to read a clock on this machine.
    Clock,
    /// Time of one poll.
    Poll,
    /// Time to spawn and join a task.
    Spawn,
    /// Memory of live tasks.
    Live,
    /// Memory of the one task in a thousand that never ends.
    Eternal,
    /// Memory after many short tasks.
    Churn,
    /// CPU time of an application that does nothing.
    Idle,
    /// Time from `main` to the root future.
    Startup,
    /// Time from crossing the threshold until a client is told of a stall.
    Stalls,
    /// Time for which the capture of a stack holds a thread.
    Pause,
    /// Time to take a free lock, tracked and plain.
    Locks,
    /// Crates added to an application.
    Crates,
}

/// One run of the bench program in each mode and round.
pub(crate) struct Run {
    pub(crate) group: Group,
    /// Scenario and arguments.
    full: &'static str,
    quick: &'static str,
    pub(crate) modes: &'static [Mode],
    /// How many tasks live or have ended by the time it is over: an instrumentation that keeps them all needs room.
    tasks: Tasks,
    pub(crate) figures: &'static [Figure],
}

impl Run {
    pub(crate) fn command(&self, quick: bool) -> &'static str {
        if quick { self.quick } else { self.full }
    }

    /// Some drivers spawn their tasks in one poll of many milliseconds, which stallscope would rightly report, and read the program's debug
    /// information for. What that costs is no part of what a task costs: only where stalls are what is measured are they looked for.
    pub(crate) fn looks_for_stalls(&self) -> bool {
        self.group == Group::Stalls
    }

    pub(crate) fn tasks(&self, quick: bool) -> u64 {
        if quick {
            self.tasks.quick
        } else {
            self.tasks.full
        }
    }
}

struct Tasks {
    full: u64,
    quick: u64,
}

impl Tasks {
    const FEW: Self = Self {
        full: 1000,
        quick: 1000,
    };
    const fn same(tasks: u64) -> Self {
        Self {
            full: tasks,
            quick: tasks,
        }
    }
}

/// One number of a run.
pub(crate) struct Figure {
    /// Unique, and part of the JSON output: not to be changed.
    pub(crate) id: &'static str,
    /// Its name in the program's output.
    pub(crate) key: &'static str,
    pub(crate) what: &'static str,
    pub(crate) unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unit {
    Nanos,
    Micros,
    Seconds,
    Bytes,
    Megabytes,
    Percent,
    Crates,
    /// How many times as much.
    Times,
}

const fn figure(id: &'static str, key: &'static str, what: &'static str, unit: Unit) -> Figure {
    Figure {
        id,
        key,
        what,
        unit,
    }
}

/// Not a run: counted by `cargo tree`, once.
pub(crate) const CRATES: Figure = figure(
    "crates",
    "",
    "crates of an application with tokio and tracing",
    Unit::Crates,
);

/// In the order in which they are run and shown.
pub(crate) const RUNS: &[Run] = &[
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
    Run {
        group: Group::Locks,
        full: "locks rounds=201 times=20000",
        quick: "locks rounds=41 times=20000",
        modes: &[Mode::Core, Mode::Hooks],
        tasks: Tasks::FEW,
        figures: &[
            figure(
                "lock-mutex",
                "mutex_ns",
                "lock + unlock of `sync::Mutex`, tracked",
                Unit::Nanos,
            ),
            figure(
                "lock-mutex-plain",
                "mutex_plain_ns",
                "— the plain one in the same run",
                Unit::Nanos,
            ),
            figure(
                "lock-mutex-ratio",
                "mutex_ratio",
                "— tracked / plain",
                Unit::Times,
            ),
            figure(
                "lock-read",
                "read_ns",
                "lock + unlock of `sync::RwLock`, to read, tracked",
                Unit::Nanos,
            ),
            figure(
                "lock-read-plain",
                "read_plain_ns",
                "— the plain one in the same run",
                Unit::Nanos,
            ),
            figure(
                "lock-read-ratio",
                "read_ratio",
                "— tracked / plain",
                Unit::Times,
            ),
            figure(
                "lock-write",
                "write_ns",
                "lock + unlock of `sync::RwLock`, to write, tracked",
                Unit::Nanos,
            ),
            figure(
                "lock-write-plain",
                "write_plain_ns",
                "— the plain one in the same run",
                Unit::Nanos,
            ),
            figure(
                "lock-write-ratio",
                "write_ratio",
                "— tracked / plain",
                Unit::Times,
            ),
            figure(
                "lock-blocking-mutex",
                "blocking_mutex_ns",
                "lock + unlock of `sync::blocking::Mutex`, tracked",
                Unit::Nanos,
            ),
            figure(
                "lock-blocking-mutex-plain",
                "blocking_mutex_plain_ns",
                "— the plain one in the same run",
                Unit::Nanos,
            ),
            figure(
                "lock-blocking-mutex-ratio",
                "blocking_mutex_ratio",
                "— tracked / plain",
                Unit::Times,
            ),
            figure(
                "lock-blocking-read",
                "blocking_read_ns",
                "lock + unlock of `sync::blocking::RwLock`, to read, tracked",
                Unit::Nanos,
            ),
            figure(
                "lock-blocking-read-plain",
                "blocking_read_plain_ns",
                "— the plain one in the same run",
                Unit::Nanos,
            ),
            figure(
                "lock-blocking-read-ratio",
                "blocking_read_ratio",
                "— tracked / plain",
                Unit::Times,
            ),
            figure(
                "lock-blocking-write",
                "blocking_write_ns",
                "lock + unlock of `sync::blocking::RwLock`, to write, tracked",
                Unit::Nanos,
            ),
            figure(
                "lock-blocking-write-plain",
                "blocking_write_plain_ns",
                "— the plain one in the same run",
                Unit::Nanos,
            ),
            figure(
                "lock-blocking-write-ratio",
                "blocking_write_ratio",
                "— tracked / plain",
                Unit::Times,
            ),
        ],
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_figure_has_an_id_of_its_own() {
        let ids: Vec<_> = RUNS
            .iter()
            .flat_map(|run| run.figures)
            .map(|figure| figure.id)
            .collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    }

    #[test]
    fn quick_runs_the_same_scenarios() {
        for run in RUNS {
            assert_eq!(run.full.split(' ').next(), run.quick.split(' ').next());
        }
    }
}
