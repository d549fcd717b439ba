//! The result of a whole run, as `--json` prints it and `cargo xtask docs` reads it.

use serde::{Deserialize, Serialize};

use super::budget::Judged;
use super::machine::Machine;
use super::mode::Mode;
use super::plan::{Figure, Unit};
use super::stats::{Summary, by_round};

#[derive(Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    /// UTC, `2026-11-20`.
    pub(crate) date: String,
    pub(crate) rounds: usize,
    pub(crate) quick: bool,
    pub(crate) rows: Vec<Row>,
    pub(crate) budgets: Vec<Judged>,
}

/// One figure of one build.
#[derive(Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) figure: String,
    pub(crate) what: String,
    pub(crate) unit: Unit,
    pub(crate) mode: Mode,
    /// One for each round; `null` where the run failed.
    pub(crate) samples: Vec<Option<f64>>,
    /// Of the samples. `null` if there are none: `not_run` says why.
    pub(crate) absolute: Option<Summary>,
    /// Of the differences to the reference build in the same round.
    pub(crate) added: Option<Summary>,
    /// Of the differences to plain stable tokio in the same round.
    pub(crate) added_to_bare: Option<Summary>,
    /// Median of the ratios to the reference build in the same round.
    pub(crate) ratio: Option<f64>,
    pub(crate) not_run: Option<String>,
}

/// The samples of one figure in one build, one for each round.
pub(crate) struct Series {
    pub(crate) mode: Mode,
    pub(crate) samples: Vec<Option<f64>>,
    pub(crate) not_run: Option<String>,
}

/// The rows of one figure.
pub(crate) fn rows(figure: &Figure, all: &[Series]) -> Vec<Row> {
    let samples_of = |mode: Option<Mode>| {
        all.iter()
            .find(|series| Some(series.mode) == mode)
            .map_or(&[][..], |series| &series.samples)
    };
    let row = |series: &Series| {
        let reference = samples_of(series.mode.reference());
        let bare = match series.mode {
            Mode::Bare => &[][..],
            _ => samples_of(Some(Mode::Bare)),
        };
        let difference = |a, b| a - b;
        let ratios = by_round(&series.samples, reference, |a, b| a / b);
        let measured: Vec<_> = series.samples.iter().flatten().copied().collect();
        Row {
            figure: figure.id.to_owned(),
            what: figure.what.to_owned(),
            unit: figure.unit,
            mode: series.mode,
            samples: series.samples.clone(),
            absolute: Summary::of(&measured),
            added: Summary::of(&by_round(&series.samples, reference, difference)),
            added_to_bare: Summary::of(&by_round(&series.samples, bare, difference)),
            ratio: Summary::of(&ratios)
                .map(|ratios| ratios.median)
                .filter(|ratio| ratio.is_finite()),
            not_run: series.not_run.clone(),
        }
    };
    all.iter().map(row).collect()
}

/// The row of one figure of one build.
pub(crate) fn find<'a>(rows: &'a [Row], figure: &str, mode: Mode) -> Option<&'a Row> {
    rows.iter()
        .find(|row| row.figure == figure && row.mode == mode)
}
