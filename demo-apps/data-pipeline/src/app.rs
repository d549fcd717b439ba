//! The pipeline from start to stop: a fresh database, the stages, the drain, the proof.

use std::convert::Infallible;
use std::future::Future;

use anyhow::{Context, bail};
use demo_support::{SUMMARY_PERIOD, Stopped};
use tempfile::TempDir;
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
    let (folder, store) = spawn_blocking(fresh_store)
        .await
        .context("creating the database panicked")??;

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
    // The drain has closed the database; removing it still takes the disk's time.
    spawn_blocking(move || folder.close())
        .await
        .context("removing the database panicked")?
        .context("cannot remove the database")?;
    Ok(ledger)
}

/// An empty store in a folder of its own, which is removed when the folder is dropped. Blocks.
fn fresh_store() -> anyhow::Result<(TempDir, Store)> {
    let folder = tempfile::tempdir().context("cannot make a folder for the database")?;
    let path = folder.path().join("readings.sqlite");
    let store = Store::create(&path, KEPT_ROWS).context("cannot create the database")?;
    Ok((folder, store))
}

async fn log_summaries(progress: &Progress) -> Infallible {
    loop {
        sleep(SUMMARY_PERIOD).await;
        info!("{progress}");
    }
}
