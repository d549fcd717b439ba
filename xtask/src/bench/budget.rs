//! What stallscope may cost, and whether it keeps to that.
//!
//! Every budget of the design stands here, also those that this version cannot be held to yet: a missing one is shown.

use serde::{Deserialize, Serialize};

use super::mode::Mode;
use super::plan::Unit;
use super::report::{Row, find};
use super::stats::Summary;

/// A promise about one or several figures.
struct Budget {
    what: &'static str,
    limit: &'static str,
    judge: Judge,
}

enum Judge {
    /// In each figure the median of what the build adds to its reference is at most this.
    Added {
        mode: Mode,
        figures: &'static [&'static str],
        at_most: f64,
    },
    /// In each figure what the build adds cannot be told from nothing: some round shows no difference, or the median
    /// difference is below the resolution of the measurement.
    Nothing {
        mode: Mode,
        figures: &'static [&'static str],
        resolution: f64,
    },
    /// In each figure the median itself is at most this: it measures what bare tokio has nothing of.
    Whole {
        mode: Mode,
        figures: &'static [&'static str],
        at_most: f64,
    },
    /// This command does not measure it, for this reason.
    NotMeasured(&'static str),
}

/// CPU time, which a busy neighbour on the same cores does not stretch, and which holds the agent's own work as well.
const POLLS: &[&str] = &[
    "poll-w1-cpu",
    "poll-w2-cpu",
    "poll-100k-w1-cpu",
    "poll-100k-w2-cpu",
];
const SPAWNS: &[&str] = &["spawn-w1-cpu", "spawn-w2-cpu"];
const MEMORY: &[&str] = &[
    "live-10k",
    "live-100k",
    "live-1m",
    "eternal-as-they-go",
    "eternal-all-at-once",
];
const LOCKS: &[&str] = &[
    "lock-mutex-ratio",
    "lock-read-ratio",
    "lock-write-ratio",
    "lock-blocking-mutex-ratio",
    "lock-blocking-read-ratio",
    "lock-blocking-write-ratio",
];

const BUDGETS: &[Budget] = &[
    Budget {
        what: "hooks tier, added per poll",
        limit: "≤ 12 ns",
        judge: Judge::Added {
            mode: Mode::Hooks,
            figures: POLLS,
            at_most: 12.0,
        },
    },
    Budget {
        what: "core tier, added per poll",
        limit: "0",
        judge: Judge::Nothing {
            mode: Mode::Core,
            figures: POLLS,
            resolution: 1.0,
        },
    },
    Budget {
        what: "deep tier, added per poll",
        limit: "≤ 80 ns",
        judge: Judge::NotMeasured("this version has no deep tier"),
    },
    Budget {
        what: "hooks tier, spawn + end of a task",
        limit: "≤ 200 ns",
        judge: Judge::Added {
            mode: Mode::Hooks,
            figures: SPAWNS,
            at_most: 200.0,
        },
    },
    Budget {
        what: "core tier, spawn + end of a task",
        limit: "≤ 200 ns",
        judge: Judge::Added {
            mode: Mode::Core,
            figures: SPAWNS,
            at_most: 200.0,
        },
    },
    Budget {
        what: "hooks tier, memory per live task",
        limit: "≤ 128 B",
        judge: Judge::Added {
            mode: Mode::Hooks,
            figures: MEMORY,
            at_most: 128.0,
        },
    },
    Budget {
        what: "memory after 200 000 short tasks",
        // 0.5 MB is 2.5 B for each of them: what the allocator may keep, not what a record of a task takes.
        limit: "back (within 0.5 MB of bare) in 10 s",
        judge: Judge::Added {
            mode: Mode::Hooks,
            figures: &["churn-settled"],
            at_most: 0.5,
        },
    },
    Budget {
        what: "hooks tier, agent and watchdog of an idle application",
        limit: "≤ 0.2 % of a core",
        judge: Judge::Added {
            mode: Mode::Hooks,
            figures: &["idle"],
            at_most: 0.2,
        },
    },
    Budget {
        what: "core tier, agent and watchdog of an idle application",
        limit: "≤ 0.2 % of a core",
        judge: Judge::Added {
            mode: Mode::Core,
            figures: &["idle"],
            at_most: 0.2,
        },
    },
    Budget {
        what: "from crossing the threshold to a finding with its stack",
        limit: "≤ 10 ms at p99",
        judge: Judge::Whole {
            mode: Mode::Hooks,
            figures: &["stall-asleep-p99", "stall-computing-p99"],
            at_most: 10_000.0,
        },
    },
    Budget {
        what: "pause of a running thread by one capture",
        limit: "≤ 100 µs",
        judge: Judge::Whole {
            mode: Mode::Hooks,
            figures: &["pause-running"],
            at_most: 100.0,
        },
    },
    Budget {
        what: "pause of a sleeping thread by one capture",
        limit: "0",
        judge: Judge::Whole {
            mode: Mode::Hooks,
            figures: &["pause-asleep"],
            at_most: 0.0,
        },
    },
    Budget {
        what: "hooks tier, a free lock taken and let go of",
        limit: "≤ 1.5 × the plain one",
        judge: Judge::Whole {
            mode: Mode::Hooks,
            figures: LOCKS,
            at_most: 1.5,
        },
    },
    Budget {
        what: "core tier, a free lock taken and let go of",
        limit: "≤ 1.5 × the plain one",
        judge: Judge::Whole {
            mode: Mode::Core,
            figures: LOCKS,
            at_most: 1.5,
        },
    },
    Budget {
        what: "1 000 000 live tasks in the TUI",
        limit: "first screen < 1 s, key to frame < 16 ms",
        judge: Judge::NotMeasured("not part of this benchmark: see the tests of stallscope-cli"),
    },
    Budget {
        what: "crates added to an application with tokio and tracing",
        limit: "≤ 25",
        judge: Judge::Added {
            mode: Mode::Hooks,
            figures: &["crates"],
            at_most: 25.0,
        },
    },
];

/// One budget against one figure.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Judged {
    pub(crate) budget: String,
    pub(crate) limit: String,
    /// The figure it was held against; empty if none.
    pub(crate) figure: String,
    pub(crate) what: Option<String>,
    pub(crate) unit: Option<Unit>,
    /// Median of what was added to bare tokio built with the same flags; of what bare tokio has nothing of, the median itself.
    pub(crate) added: Option<f64>,
    /// The same to plain stable tokio: what the flag itself costs is in it.
    pub(crate) added_to_bare: Option<f64>,
    pub(crate) verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    Within,
    Missed,
    NotMeasured(String),
}

/// Every budget, held against the rows of a run.
pub(crate) fn judge(rows: &[Row]) -> Vec<Judged> {
    BUDGETS
        .iter()
        .flat_map(|budget| judge_one(budget, rows))
        .collect()
}

fn judge_one(budget: &Budget, rows: &[Row]) -> Vec<Judged> {
    let is_whole = matches!(budget.judge, Judge::Whole { .. });
    let counted = |row: &Row| if is_whole { row.absolute } else { row.added };
    let judged = |figure: &str, row: Option<&Row>, verdict| Judged {
        budget: budget.what.to_owned(),
        limit: budget.limit.to_owned(),
        figure: figure.to_owned(),
        what: row.map(|row| row.what.clone()),
        unit: row.map(|row| row.unit),
        added: row.and_then(counted).map(|added| added.median),
        added_to_bare: row
            .and_then(|row| row.added_to_bare)
            .map(|added| added.median),
        verdict,
    };
    let (mode, figures) = match budget.judge {
        Judge::Added { mode, figures, .. }
        | Judge::Nothing { mode, figures, .. }
        | Judge::Whole { mode, figures, .. } => (mode, figures),
        Judge::NotMeasured(why) => {
            return vec![judged("", None, Verdict::NotMeasured(why.to_owned()))];
        }
    };
    figures
        .iter()
        .map(|figure| {
            let row = find(rows, figure, mode);
            let added = row.and_then(counted);
            judged(figure, row, verdict(&budget.judge, row, added))
        })
        .collect()
}

fn verdict(judge: &Judge, row: Option<&Row>, added: Option<Summary>) -> Verdict {
    let Some(row) = row else {
        return Verdict::NotMeasured("not part of this run".to_owned());
    };
    let Some(added) = added else {
        let why = row
            .not_run
            .as_deref()
            .unwrap_or("the reference build was not run");
        return Verdict::NotMeasured(why.to_owned());
    };
    let kept = match *judge {
        Judge::Added { at_most, .. } | Judge::Whole { at_most, .. } => added.median <= at_most,
        Judge::Nothing { resolution, .. } => added.min <= 0.0 || added.median <= resolution,
        Judge::NotMeasured(_) => false,
    };
    if kept {
        Verdict::Within
    } else {
        Verdict::Missed
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::Figure;
    use super::super::report::{Series, rows};
    use super::*;

    const POLL: Figure = Figure {
        id: "poll-w1-cpu",
        key: "",
        what: "poll",
        unit: Unit::Nanos,
    };

    fn series(mode: Mode, samples: &[f64]) -> Series {
        Series {
            mode,
            samples: samples.iter().copied().map(Some).collect(),
            not_run: None,
        }
    }

    fn verdict_of(what: &str, rows: &[Row]) -> Verdict {
        let judged = judge(rows);
        let found = judged
            .iter()
            .find(|judged| judged.budget == what && judged.figure == "poll-w1-cpu");
        found.map(|judged| judged.verdict.clone()).unwrap()
    }

    fn hooks(samples: &[f64]) -> Verdict {
        let rows = rows(
            &POLL,
            &[
                series(Mode::Bare, &[50.0, 50.0, 50.0]),
                series(Mode::BareUnstable, &[60.0, 70.0, 65.0]),
                series(Mode::Hooks, samples),
            ],
        );
        verdict_of("hooks tier, added per poll", &rows)
    }

    #[test]
    fn the_median_of_the_differences_decides_and_the_limit_itself_is_within() {
        assert_eq!(hooks(&[72.0, 82.0, 200.0]), Verdict::Within);
        assert_eq!(hooks(&[72.1, 82.1, 77.1]), Verdict::Missed);
    }

    #[test]
    fn nothing_means_a_difference_that_is_sometimes_negative_or_too_small_to_see() {
        let core = |samples: &[f64]| {
            let bare = series(Mode::Bare, &[60.0, 60.0, 60.0]);
            verdict_of(
                "core tier, added per poll",
                &rows(&POLL, &[bare, series(Mode::Core, samples)]),
            )
        };
        assert_eq!(core(&[59.0, 64.0, 63.0]), Verdict::Within);
        assert_eq!(core(&[60.5, 60.9, 60.7]), Verdict::Within);
        assert_eq!(core(&[62.0, 64.0, 63.0]), Verdict::Missed);
    }

    #[test]
    fn what_bare_tokio_has_nothing_of_is_judged_by_itself() {
        const PAUSE: Figure = Figure {
            id: "pause-running",
            key: "",
            what: "pause",
            unit: Unit::Micros,
        };
        let pause = |samples: &[f64]| {
            let judged = judge(&rows(&PAUSE, &[series(Mode::Hooks, samples)]));
            let found = judged
                .into_iter()
                .find(|judged| judged.figure == "pause-running");
            found.map(|judged| (judged.added, judged.verdict)).unwrap()
        };
        assert_eq!(pause(&[2.0, 900.0, 3.0]), (Some(3.0), Verdict::Within));
        assert_eq!(pause(&[200.0]), (Some(200.0), Verdict::Missed));
    }

    #[test]
    fn what_was_not_run_is_shown_with_its_reason() {
        let failed = Series {
            mode: Mode::Hooks,
            samples: vec![None],
            not_run: Some("it does not build".to_owned()),
        };
        let rows = rows(&POLL, &[series(Mode::BareUnstable, &[60.0]), failed]);
        let verdict = verdict_of("hooks tier, added per poll", &rows);
        assert_eq!(
            verdict,
            Verdict::NotMeasured("it does not build".to_owned())
        );
    }

    #[test]
    fn a_run_of_nothing_still_lists_every_budget() {
        let judged = judge(&[]);
        for budget in BUDGETS {
            assert!(
                judged.iter().any(|judged| judged.budget == budget.what),
                "{}",
                budget.what
            );
        }
        assert!(
            judged
                .iter()
                .all(|judged| matches!(judged.verdict, Verdict::NotMeasured(_)))
        );
    }
}
