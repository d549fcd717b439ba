//! `web-scraper`: watches the prices of a shop by scraping its hundred product pages, round after round.
//!
//! The shop is served by this same process, so that one command shows life.

mod alarms;
mod app;
mod args;
mod decoder;
mod extract;
mod fault;
mod fetch;
mod meter;
mod mirror;
mod product;
mod round;
mod scraper;
mod shop;
mod totals;

use std::process::ExitCode;

#[stallscope::main]
async fn main() -> ExitCode {
    let args: args::Args = demo_support::arguments();
    demo_support::log_to_stderr();
    fault::CHOSEN.choose(args.fault);
    let stop = demo_support::stop_signal(args.run_for);
    demo_support::report(app::run(&args, stop).await)
}
