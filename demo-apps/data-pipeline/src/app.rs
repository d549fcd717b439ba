//! The pipeline from start to stop: a fresh database, the stages, the drain, the proof.

use std::convert::Infallible;
use std::future::Future;

use anyhow::{Context, bail};
use demo_support::{SUMMARY_PERIOD, Stopped};
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tracing::info;

use crate::args::Args;
use crate::ledger::Ledger;
use crate::pipeline::Pipeline;
use crate::progress::Progress;
use crate::store::Store;

/// The database keeps the newest rows only, so that the demo can run for days.
const KEPT_ROWS: u64 = 200_000;

/// Runs the pipeline until `stop`, drains it, and accounts for every reading.
pub(crate) async fn run(
    args: &Args,
    stop: impl Future<Output = Stopped>,
) -> anyhow::Result<Ledger> {
    // Removed with everything in it when the function returns.
    let folder = tempfile::tempdir().context("cannot make a folder for the database")?;
    let path = folder.path().join("readings.sqlite");
    let store = spawn_blocking(move || Store::create(&path, KEPT_ROWS))
        .await
        .context("opening the database panicked")?
        .context("cannot create the database")?;

    let pipeline = Pipeline::start(args.load, store);
    info!(
        "moving the readings of {} sensors into {}",
        args.load,
        folder.path().display()
    );

    tokio::select! {
        stopped = stop => info!("stopping: {stopped}"),
        never = log_summaries(pipeline.progress()) => match never {},
        () = pipeline.broken() => {}
    }

    let ledger = pipeline.drain().await?;
    if !ledger.balances() {
        bail!("{ledger}");
    }
    Ok(ledger)
}

async fn log_summaries(progress: &Progress) -> Infallible {
    loop {
        sleep(SUMMARY_PERIOD).await;
        info!("{progress}");
    }
}
