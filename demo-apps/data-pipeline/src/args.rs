//! The command line.

use std::time::Duration;

use clap::Parser;

use crate::fault::Fault;

/// Moves sensor readings through bounded channels into SQLite and proves at the end that none was lost
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Args {
    /// End after this time, for instance 30s; without it on Ctrl-C
    #[arg(long = "for", value_name = "DURATION", value_parser = demo_support::duration)]
    pub(crate) run_for: Option<Duration>,

    /// Sensors, each with a producer of its own
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) load: u16,

    /// A mistake to make, for stallscope to find
    #[arg(long, value_name = "NAME")]
    pub(crate) fault: Option<Fault>,
}
