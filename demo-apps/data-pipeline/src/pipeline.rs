//! The stages and the channels between them: how they start, and how they end in order.
//!
//! ```text
//! producers ──lane──▶ consumer ─┐
//! producers ──lane──▶ consumer ─┼──batches──▶ writer ──▶ SQLite
//! producers ──lane──▶ consumer ─┘
//! ```
//!
//! All channels are bounded, so a slow disk slows the producers down instead of filling the memory. A sensor always
//! uses the same lane: its readings stay in order. To stop, the producers are asked to end; every later stage ends by
//! itself once the stage before it has gone and its channel is empty. Nothing is cancelled, so nothing is lost.

use std::sync::Arc;

use anyhow::Context;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet, spawn_blocking};
use tokio_util::sync::CancellationToken;

use crate::calibration::Calibration;
use crate::ledger::Ledger;
use crate::progress::Progress;
use crate::store::Store;
use crate::{consumer, producer, writer};

const CONSUMERS: u16 = 4;

/// Readings that wait in a lane at most.
const LANE: usize = 256;

/// Batches that wait for the writer at most.
const BATCHES: usize = 64;

/// A running pipeline.
#[derive(Debug)]
pub(crate) struct Pipeline {
    progress: Arc<Progress>,
    stopping: CancellationToken,
    broken: CancellationToken,
    producers: JoinSet<()>,
    consumers: JoinSet<()>,
    writer: JoinHandle<anyhow::Result<Store>>,
}

impl Pipeline {
    /// Starts the stages, the last one first, with one producer for each of `sensors`.
    pub(crate) fn start(sensors: u16, calibration: &Calibration, store: Store) -> Self {
        let progress = Arc::new(Progress::default());
        let stopping = CancellationToken::new();
        let broken = CancellationToken::new();

        let (batches, to_write) = mpsc::channel(BATCHES);
        let ended = broken.clone().drop_guard();
        let written = Arc::clone(&progress);
        let writer = stallscope::task("writer").spawn(async move {
            let _ended = ended;
            writer::run(to_write, store, &written).await
        });

        let mut consumers = JoinSet::new();
        let mut lanes = Vec::new();
        for _ in 0..CONSUMERS {
            let (lane, readings) = mpsc::channel(LANE);
            lanes.push(lane);
            consumers.spawn(consumer::run(
                readings,
                batches.clone(),
                Arc::clone(&progress),
            ));
        }

        let mut producers = JoinSet::new();
        for (sensor, lane) in (0..sensors).zip(lanes.iter().cycle()) {
            producers.spawn(producer::run(
                sensor,
                calibration.clone(),
                lane.clone(),
                Arc::clone(&progress),
                stopping.clone(),
            ));
        }

        // The senders that are left belong to the stages alone: when those end, the channels close.
        Self {
            progress,
            stopping,
            broken,
            producers,
            consumers,
            writer,
        }
    }

    /// How far the readings have come.
    pub(crate) fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    /// Ends when the pipeline cannot go on because its writer failed; [`Pipeline::drain`] then says why.
    pub(crate) async fn broken(&self) {
        self.broken.cancelled().await;
    }

    /// Ends the stages in order, each after everything before it has arrived, and counts.
    pub(crate) async fn drain(mut self) -> anyhow::Result<Ledger> {
        self.stopping.cancel();
        join_all(&mut self.producers)
            .await
            .context("a producer panicked")?;
        join_all(&mut self.consumers)
            .await
            .context("a consumer panicked")?;
        let store = self.writer.await.context("the writer panicked")??;

        let counted = spawn_blocking(move || store.count())
            .await
            .context("counting the rows panicked")?
            .context("cannot count the rows")?;
        Ok(Ledger {
            produced: self.progress.produced.get(),
            consumed: self.progress.consumed.get(),
            written: self.progress.written.get(),
            stored: counted.stored,
            expired: counted.expired,
            outliers: counted.outliers,
        })
    }
}

/// Waits for all tasks; the first panic is the error.
async fn join_all(tasks: &mut JoinSet<()>) -> Result<(), tokio::task::JoinError> {
    while let Some(ended) = tasks.join_next().await {
        ended?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::time::Duration;

    use tempfile::TempDir;

    fn store(kept: u64) -> Store {
        Store::create(Path::new(":memory:"), kept).expect("an in-memory database can be made")
    }

    /// A pipeline with a calibration table, in a folder to be kept as long.
    fn start(sensors: u16, store: Store) -> (Pipeline, TempDir) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let table = Calibration::create(folder.path().join("calibration"), sensors);
        let table = table.expect("a new file can be written");
        (Pipeline::start(sensors, &table, store), folder)
    }

    /// Lets `pipeline` run until it has written at least `rows`.
    async fn until_written(pipeline: &Pipeline, rows: u64) {
        while pipeline.progress().written.get() < rows {
            assert!(!pipeline.broken.is_cancelled(), "the writer ended early");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_drained_pipeline_has_lost_nothing() {
        let (pipeline, _folder) = start(16, store(500));
        until_written(&pipeline, 1_000).await;
        let ledger = pipeline.drain().await.expect("nothing fails");
        assert!(ledger.balances(), "{ledger}");
        assert_eq!(ledger.stored, 500);
    }

    #[tokio::test]
    async fn stopped_before_its_first_row_it_ends_all_the_same() {
        let (pipeline, _folder) = start(3, store(500));
        let ledger = pipeline.drain().await.expect("nothing fails");
        assert!(ledger.balances(), "{ledger}");
    }

    #[tokio::test]
    async fn a_writer_that_fails_ends_the_pipeline_and_says_why() {
        let mut used = store(500);
        let row = crate::reading::Row {
            reading: crate::reading::Reading {
                sensor: 0,
                sequence: 0,
                celsius: 20.0,
            },
            smoothed: 20.0,
            outlier: false,
        };
        used.insert(&[row]).expect("a new row");
        let (pipeline, _folder) = start(1, used);
        pipeline.broken().await;
        let failed = pipeline
            .drain()
            .await
            .expect_err("row 0 of sensor 0 is there already");
        assert!(
            format!("{failed:#}").starts_with("a transaction failed: UNIQUE"),
            "{failed:#}"
        );
    }
}
