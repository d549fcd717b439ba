//! How long an application takes from `main` to the first line of its own.

use std::time::Instant;

use anyhow::Result;

use crate::arguments::Arguments;
use crate::instrumented;
use crate::measure::{Figures, micros};

/// `micros` from the first line of `main` to the first poll of the root future.
pub(crate) fn run(arguments: &Arguments, started: Instant) -> Result<Figures> {
    let workers = arguments.count("workers")?;
    let elapsed = instrumented::root(workers, async move { started.elapsed() })?;
    Ok(vec![("micros", micros(elapsed))])
}
