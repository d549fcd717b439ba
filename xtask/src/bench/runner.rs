//! Runs the builds of the bench program in turn and keeps what they measured.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, ensure};

use super::machine::available_memory;
use super::mode::Mode;
use super::plan::{Figure, Run};
use super::report::Series;
use crate::cargo::stdout_of;

/// What console-subscriber keeps for each task, alive or ended within the last hour: two histograms of about 25 kB.
const CONSOLE_BYTES_PER_TASK: u64 = 51_000;

pub(crate) struct Runner {
    programs: BTreeMap<Mode, Result<PathBuf, String>>,
    quick: bool,
    /// By key of the figure and build, one for each round.
    outcomes: BTreeMap<(&'static str, Mode), Vec<Result<f64, String>>>,
}

impl Runner {
    /// Builds the program for every mode of the runs. One that does not build is told from each of its figures; the others go on.
    pub(crate) fn build(target: &Path, quick: bool, runs: &[&Run]) -> Self {
        let modes: BTreeSet<Mode> = runs.iter().flat_map(|run| run.modes).copied().collect();
        let build = |mode: Mode| {
            (
                mode,
                mode.build(target).map_err(|error| format!("{error:#}")),
            )
        };
        Self {
            programs: modes.into_iter().map(build).collect(),
            quick,
            outcomes: BTreeMap::new(),
        }
    }

    /// One round of one run, in each of its modes.
    pub(crate) fn run(&mut self, run: &'static Run, round: usize) {
        let mut order = run.modes.to_vec();
        order.rotate_left(round % run.modes.len());
        for mode in order {
            let measured = self
                .measure(run, mode)
                .map_err(|error| format!("{error:#}"));
            match &measured {
                Ok(numbers) => eprintln!("  {:20} {numbers:?}", mode.label()),
                Err(why) => eprintln!("  {:20} not run: {why}", mode.label()),
            }
            for figure in run.figures {
                let number = measured.as_ref().map_err(Clone::clone).and_then(|numbers| {
                    let number = numbers.get(figure.key).copied();
                    number.ok_or_else(|| format!("the bench program printed no `{}`", figure.key))
                });
                self.outcomes
                    .entry((figure.id, mode))
                    .or_default()
                    .push(number);
            }
        }
    }

    fn measure(&self, run: &Run, mode: Mode) -> Result<BTreeMap<String, f64>> {
        let program = self.programs[&mode]
            .as_ref()
            .map_err(|why| anyhow!("{why}"))?;
        if mode == Mode::Console {
            self.ensure_room(run.tasks(self.quick) * CONSOLE_BYTES_PER_TASK)?;
        }
        let mut command = Command::new(program);
        command.args(run.command(self.quick).split(' ')).env_clear();
        if !run.looks_for_stalls() {
            command.env("STALLSCOPE_LONG_POLL", "60s");
        }
        let line = stdout_of(&mut command)?;
        serde_json::from_str(&line).with_context(|| format!("the bench program printed `{line}`"))
    }

    fn ensure_room(&self, bytes: u64) -> Result<()> {
        const QUICK: u64 = 4_000_000_000;
        let gigabytes = |bytes: u64| bytes.div_ceil(1_000_000_000);
        let needs = gigabytes(bytes);
        if self.quick {
            ensure!(
                bytes <= QUICK,
                "needs about {needs} GB, a quick run stops at {}",
                gigabytes(QUICK)
            );
        }
        let available = available_memory()?;
        let usable = available / 10 * 6;
        ensure!(
            bytes <= usable,
            "needs about {needs} GB, {} GB are available",
            available / 1_000_000_000
        );
        Ok(())
    }

    /// What was measured for one figure, in the modes that have it.
    pub(crate) fn series(&self, run: &Run, figure: &Figure) -> Vec<Series> {
        let series = |mode: &Mode| {
            let outcomes = self
                .outcomes
                .get(&(figure.id, *mode))
                .map_or(&[][..], Vec::as_slice);
            Series {
                mode: *mode,
                samples: outcomes
                    .iter()
                    .map(|outcome| outcome.as_ref().ok().copied())
                    .collect(),
                not_run: outcomes
                    .iter()
                    .find_map(|outcome| outcome.as_ref().err().cloned()),
            }
        };
        run.modes.iter().map(series).collect()
    }
}
