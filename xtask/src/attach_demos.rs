//! `cargo xtask attach-demos`: what does `stallscope-attach` tell of the demos and of a published server without stallscope in them, and what
//! does it cost them?
//!
//! CI asks of one demo and of that server; here it is all of them. Each is built anew, with types in its debug information: about 1 GB
//! of disk.

use anyhow::{Context, Result, ensure};

use crate::cargo::cargo;

/// Run the tests that look at demos from outside, also those that CI leaves out.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Measure instead what looks cost hybrid-service and mini-redis under load: for a quiet machine, two minutes after the build.
    #[arg(long)]
    cost: bool,
}

/// The tests that measure.
const COST: &str = "looks_cost_it_no_throughput";

pub(crate) fn run(args: &Args) -> Result<()> {
    if args.cost {
        let demos = ["hybrid-service", "third-party"];
        return test(&["--release"], &demos, &["--ignored", "--nocapture", COST]);
    }
    let demos = [
        "hybrid-service",
        "data-pipeline",
        "web-scraper",
        "third-party",
    ];
    test(&[], &demos, &["--include-ignored", "--skip", COST])
}

fn test(options: &[&str], packages: &[&str], arguments: &[&str]) -> Result<()> {
    let mut tests = cargo();
    tests.args(["test", "--quiet", "--no-fail-fast", "--test", "untouched"]);
    tests.args(options);
    for package in packages {
        tests.args(["--package", package]);
    }
    let status = tests.arg("--").args(arguments).status();
    let status = status.context("cannot start cargo")?;
    ensure!(status.success(), "the tests failed: see above");
    Ok(())
}
