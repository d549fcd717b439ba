//! What is measured: every scenario with its numbers, and the figures it yields.

mod locks;
mod memory;
mod polls;
mod stalls;

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
pub(crate) fn runs() -> impl Iterator<Item = &'static Run> {
    [polls::RUNS, memory::RUNS, stalls::RUNS, locks::RUNS]
        .into_iter()
        .flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_figure_has_an_id_of_its_own() {
        let ids: Vec<_> = runs()
            .flat_map(|run| run.figures)
            .map(|figure| figure.id)
            .collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    }

    #[test]
    fn quick_runs_the_same_scenarios() {
        for run in runs() {
            assert_eq!(run.full.split(' ').next(), run.quick.split(' ').next());
        }
    }
}
