//! One measurement per run: `stallscope-bench SCENARIO [NAME=NUMBER …]` prints its figures as one line of JSON.
//!
//! `cargo xtask bench` chooses scenarios and numbers, builds this source once per kind of instrumentation and runs the
//! builds in turn. Invariant: nothing here differs between those builds but [`instrumented`], and what measures stallscope alone
//! is in its builds only.

mod arguments;
#[cfg(feature = "stallscope")]
mod client;
mod clock;
mod gate;
mod idle;
mod instrumented;
#[cfg(feature = "stallscope")]
mod locks;
mod measure;
mod memory;
#[cfg(feature = "stallscope")]
mod pause;
#[cfg(feature = "stallscope")]
mod percentile;
mod poll;
mod spawn;
#[cfg(feature = "stallscope")]
mod stalls;
mod startup;

use std::time::Instant;

use anyhow::{Result, bail};
use arguments::Arguments;
use measure::Figures;

fn main() -> Result<()> {
    let started = Instant::now();
    let mut words = std::env::args().skip(1);
    let scenario = words.next().unwrap_or_default();
    let arguments = Arguments::parse(words)?;
    let figures: Figures = match scenario.as_str() {
        "clock" => clock::run(&arguments)?,
        "poll" => poll::run(&arguments)?,
        "spawn" => spawn::run(&arguments)?,
        "live" => memory::live(&arguments)?,
        "eternal-as-they-go" => memory::eternal_as_they_go(&arguments)?,
        "eternal-all-at-once" => memory::eternal_all_at_once(&arguments)?,
        "churn" => memory::churn(&arguments)?,
        "idle" => idle::run(&arguments)?,
        "startup" => startup::run(&arguments, started)?,
        #[cfg(feature = "stallscope")]
        "stalls-asleep" => stalls::run(&arguments, stalls::Stall::Asleep)?,
        #[cfg(feature = "stallscope")]
        "stalls-computing" => stalls::run(&arguments, stalls::Stall::Computing)?,
        #[cfg(feature = "stallscope")]
        "locks" => locks::run(&arguments)?,
        #[cfg(feature = "stallscope")]
        "pause" => pause::run(&arguments)?,
        other => bail!(
            "no scenario of this build is called `{other}`: see the list in bench/src/main.rs"
        ),
    };
    println!("{}", measure::to_json(&figures));
    // Dropping a runtime with a million tasks takes longer than the measurement, and measures nothing.
    std::process::exit(0)
}
