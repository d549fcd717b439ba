//! `hybrid-service`: the REST service of a small shop, quick requests and heavy ones side by side.
//!
//! It brings its own customers, so that one command shows life.

mod api;
mod app;
mod args;
mod buyer;
mod connection;
mod database;
mod fault;
mod heartbeat;
mod hits;
mod inventory;
mod load;
mod orders;
mod pace;
mod picture;
mod refresher;
mod server;
mod sessions;
mod state;
mod till;

use std::process::ExitCode;

use anyhow::Context;
use stallscope::BuilderExt;
use tokio::runtime::{Builder, Runtime};

/// Threads of the blocking pool. Permits see to it that there is never more to do on it than that.
const POOL: usize = database::CONNECTIONS + state::PICTURES_AT_ONCE;

fn main() -> ExitCode {
    let _stallscope = stallscope::init();
    let args: args::Args = demo_support::arguments();
    demo_support::log_to_stderr();
    fault::CHOSEN.choose(args.fault);
    let account = runtime().and_then(|runtime| {
        runtime.block_on(stallscope::root(async {
            let stop = demo_support::stop_signal(args.run_for);
            app::run(&args, stop).await
        }))
    });
    demo_support::report(account)
}

fn runtime() -> anyhow::Result<Runtime> {
    Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(POOL)
        .stallscope()
        .build()
        .context("cannot start the runtime")
}
