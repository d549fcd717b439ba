//! `cargo xtask bench`: what stallscope costs, beside bare tokio and console-subscriber, measured in one run.
//!
//! Each build runs each scenario once a round, as a process of its own with an empty environment. Within a round the
//! builds follow each other directly, and every round another one begins, so that a machine that slows down or is shared
//! hits all of them alike. docs/overhead.md is made from the result.

mod budget;
mod crates;
mod machine;
mod mode;
mod plan;
pub(crate) mod report;
mod runner;
mod stats;
pub(crate) mod table;

use std::path::Path;

use anyhow::Result;

use self::mode::Mode;
use self::plan::{CRATES, Group};
use self::report::{Report, Series};
use self::runner::Runner;
use crate::cargo::metadata;

/// Measure what stallscope costs, beside bare tokio and console-subscriber.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often everything is measured.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Measure only this.
    #[arg(long, value_name = "GROUP", value_delimiter = ',')]
    only: Vec<Group>,
    /// One round with small numbers: an impression in about a minute.
    #[arg(long, conflicts_with = "rounds")]
    quick: bool,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let report = measure(args)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", table::render(&report));
    }
    Ok(())
}

fn measure(args: &Args) -> Result<Report> {
    let target = metadata()?.target_directory;
    let wanted = |group| args.only.is_empty() || args.only.contains(&group);
    let rounds = if args.quick {
        1
    } else {
        usize::from(args.rounds)
    };
    let mut rows = Vec::new();

    let runs: Vec<_> = plan::runs().filter(|run| wanted(run.group)).collect();
    if !runs.is_empty() {
        let mut runner = Runner::build(&target, args.quick, &runs);
        for round in 0..rounds {
            for (index, run) in runs.iter().enumerate() {
                let (round_of, run_of) = (round + 1, index + 1);
                eprintln!(
                    "round {round_of} of {rounds}, {run_of} of {}: {}",
                    runs.len(),
                    run.command(args.quick)
                );
                runner.run(run, round);
            }
        }
        for run in runs {
            for figure in run.figures {
                rows.extend(report::rows(figure, &runner.series(run, figure)));
            }
        }
    }
    if wanted(Group::Crates) {
        rows.extend(report::rows(&CRATES, &count_crates(&target)?));
    }

    Ok(Report {
        machine: machine::describe()?,
        date: machine::today()?,
        rounds,
        quick: args.quick,
        budgets: budget::judge(&rows),
        rows,
    })
}

fn count_crates(target: &Path) -> Result<Vec<Series>> {
    let count = |mode| {
        let crates = crates::count(mode, target)?;
        Ok(Series {
            mode,
            samples: vec![Some(crates as f64)],
            not_run: None,
        })
    };
    Mode::ALL.into_iter().map(count).collect()
}
