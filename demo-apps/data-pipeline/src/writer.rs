//! The writer: gathers batches and commits them on the blocking pool, one transaction at a time.

use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use crate::fault::{CHOSEN, Fault};
use crate::progress::Progress;
use crate::reading::Row;
use crate::store::Store;

/// At most one transaction in this time: few large ones are cheaper than many small ones.
const COMMITTED_EVERY: Duration = Duration::from_millis(50);

/// The median is worked out this often.
const SURVEYED_EVERY: Duration = Duration::from_secs(1);

/// Most batches in one transaction.
const GATHERED: usize = 64;

/// Writes until every consumer is gone and the channel is empty, then gives the store back.
///
/// # Errors
///
/// The first transaction that fails ends it: its consumers see the channel closed and end too.
pub(crate) async fn run(
    mut batches: mpsc::Receiver<Vec<Row>>,
    mut store: Store,
    progress: &Progress,
) -> anyhow::Result<Store> {
    let mut pace = interval(COMMITTED_EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut surveyed = Instant::now();
    let mut gathered = Vec::with_capacity(GATHERED);
    while batches.recv_many(&mut gathered, GATHERED).await > 0 {
        let rows: Vec<Row> = gathered.drain(..).flatten().collect();
        let count = rows.len() as u64;
        store = commit(store, rows).await?;
        progress.written.add(count);
        if surveyed.elapsed() >= SURVEYED_EVERY {
            store = survey(store, progress).await?;
            surveyed = Instant::now();
        }
        pace.tick().await;
    }
    Ok(store)
}

/// SQLite waits for the disk, so it does that where waiting is allowed; the store goes there and comes back.
async fn commit(mut store: Store, rows: Vec<Row>) -> anyhow::Result<Store> {
    let committed = spawn_blocking(move || store.insert(&rows).map(|()| store));
    committed
        .await
        .context("a transaction panicked")?
        .context("a transaction failed")
}

/// Takes the median of the newest readings into `progress`. SQLite computes that for a while.
async fn survey(store: Store, progress: &Progress) -> anyhow::Result<Store> {
    let (store, median) = if CHOSEN.is(Fault::QueryOnWorker) {
        let median = store.median();
        (store, median)
    } else {
        let surveyed = spawn_blocking(move || {
            let median = store.median();
            (store, median)
        });
        surveyed.await.context("the median panicked")?
    };
    progress.median.set(median.context("no median")?);
    Ok(store)
}
