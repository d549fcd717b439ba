//! The command line.

use std::time::Duration;

use clap::Parser;

use crate::fault::Fault;

/// Scrapes a shop's hundred product pages, round after round
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Args {
    /// End after this time, for instance 30s; without it on Ctrl-C
    #[arg(long = "for", value_name = "DURATION", value_parser = demo_support::duration)]
    pub(crate) run_for: Option<Duration>,

    /// Port of the shop on 127.0.0.1; 0 takes any free one
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,

    /// Pages fetched at the same time
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) load: u16,

    /// A mistake to make, for stallscope to find
    #[arg(long, value_name = "NAME")]
    pub(crate) fault: Option<Fault>,
}
