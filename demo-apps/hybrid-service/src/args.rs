//! The command line.

use std::time::Duration;

use clap::Parser;

use crate::fault::Fault;

/// Serves a small shop's REST API, with pictures and reports, to customers of its own
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Args {
    /// End after this time, for instance 30s; without it on Ctrl-C
    #[arg(long = "for", value_name = "DURATION", value_parser = demo_support::duration)]
    pub(crate) run_for: Option<Duration>,

    /// Port of the service on 127.0.0.1; 0 takes any free one
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,

    /// Customers at the same time; 0 leaves the service to yours
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(..=1000))]
    pub(crate) load: u16,

    /// A mistake to make, for stallscope to find
    #[arg(long, value_name = "NAME")]
    pub(crate) fault: Option<Fault>,
}
