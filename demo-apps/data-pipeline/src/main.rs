//! `data-pipeline`: sensor readings through bounded channels into SQLite, and not one of them lost on the way.

mod app;
mod args;
mod calibration;
mod consumer;
mod disk;
mod fault;
mod forecast;
mod ledger;
mod period;
mod pipeline;
mod producer;
mod progress;
mod reading;
mod store;
mod writer;

use std::process::ExitCode;

#[stallscope::main]
async fn main() -> ExitCode {
    let args: args::Args = demo_support::arguments();
    demo_support::log_to_stderr();
    fault::CHOSEN.choose(args.fault);
    let stop = demo_support::stop_signal(args.run_for);
    demo_support::report(app::run(&args, stop).await)
}
