//! `hybrid-service`: the REST service of a small shop, quick requests and heavy ones side by side.
//!
//! It brings its own customers, so that one command shows life.

mod api;
mod app;
mod args;
mod connection;
mod database;
mod heartbeat;
mod inventory;
mod load;
mod orders;
mod picture;
mod refresher;
mod server;
mod sessions;
mod state;

use std::process::ExitCode;

#[stallscope::main]
async fn main() -> ExitCode {
    let args: args::Args = demo_support::arguments();
    demo_support::log_to_stderr();
    let stop = demo_support::stop_signal(args.run_for);
    demo_support::report(app::run(&args, stop).await)
}
