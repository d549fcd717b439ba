//! The pipeline from start to stop: a fresh database, the stages, the drain, the proof.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use anyhow::{Context, bail};
use demo_support::{SUMMARY_PERIOD, Stopped};
use tempfile::TempDir;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;
use tracing::info;

use crate::args::Args;
use crate::calibration::Calibration;
use crate::disk;
use crate::forecast::Forecast;
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
    let sensors = args.load;
    let (folder, store, calibration) = spawn_blocking(move || fresh_files(sensors))
        .await
        .context("creating the database panicked")??;

    let pipeline = Pipeline::start(sensors, &calibration, store);
    let forecast = Arc::new(Forecast::default());
    let guard = disk::guard(folder.path().to_owned(), Arc::clone(&forecast));
    let guard = stallscope::task("disk guard").spawn(guard);
    let _guard = AbortOnDropHandle::new(guard);
    let progress = Arc::clone(pipeline.progress());
    let meter = async move { forecast.keep_pace(&progress.written).await };
    let meter = stallscope::task("meter").spawn(meter);
    let _meter = AbortOnDropHandle::new(meter);
    info!(
        "moving the readings of {sensors} sensors into {}",
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

/// An empty store and a calibration table in a folder of their own, which is removed when it is dropped. Blocks.
fn fresh_files(sensors: u16) -> anyhow::Result<(TempDir, Store, Calibration)> {
    let folder = tempfile::tempdir().context("cannot make a folder for the database")?;
    let path = folder.path().join("readings.sqlite");
    let store = Store::create(&path, KEPT_ROWS).context("cannot create the database")?;
    let path = folder.path().join("calibration");
    let calibration = Calibration::create(path, sensors).context("cannot write the calibration")?;
    Ok((folder, store, calibration))
}

async fn log_summaries(progress: &Progress) -> Infallible {
    loop {
        sleep(SUMMARY_PERIOD).await;
        info!("{progress}");
    }
}
