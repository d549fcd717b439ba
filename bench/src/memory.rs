//! What tasks cost in resident memory: while they live, among others that end, and after all of them have ended.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::task::yield_now;

use crate::arguments::Arguments;
use crate::gate::Countdown;
use crate::instrumented;
use crate::measure::{Figures, resident, settled};

/// One eternal task in so many.
const GENERATION: usize = 1000;

/// How long memory must hold still before the measurement begins.
const START_UP: Duration = Duration::from_millis(500);

/// `bytes_per_task` of that many tasks that wait for ever, their handles kept.
pub(crate) fn live(arguments: &Arguments) -> Result<Figures> {
    let workers = arguments.count("workers")?;
    let tasks = arguments.count("tasks")?;
    let quiet = arguments.millis("quiet_ms")?;

    instrumented::run(workers, async move {
        let before = settled(START_UP).await?.bytes;
        let handles: Vec<_> = (0..tasks).map(|_| tokio::spawn(pending::<()>())).collect();
        let after = settled(quiet).await?.bytes;
        drop(handles);
        Ok(vec![("bytes_per_task", per_task(before, after, tasks))])
    })?
}

/// `bytes_per_task` of each task that lives for ever among [`GENERATION`] − 1 that end before the next is spawned.
pub(crate) fn eternal_as_they_go(arguments: &Arguments) -> Result<Figures> {
    let workers = arguments.count("workers")?;
    let eternal = arguments.count("eternal")?;
    let quiet = arguments.millis("quiet_ms")?;

    instrumented::run(workers, async move {
        let before = settled(START_UP).await?.bytes;
        for _ in 0..eternal {
            drop(tokio::spawn(pending::<()>()));
            spawn_and_join(GENERATION - 1).await?;
        }
        let after = settled(quiet).await?.bytes;
        Ok(vec![("bytes_per_task", per_task(before, after, eternal))])
    })?
}

/// The same when all of them, short and eternal, are spawned before any is polled. One worker: the driver holds it.
pub(crate) fn eternal_all_at_once(arguments: &Arguments) -> Result<Figures> {
    let eternal = arguments.count("eternal")?;
    let quiet = arguments.millis("quiet_ms")?;

    instrumented::run(1, async move {
        let before = settled(START_UP).await?.bytes;
        let short = Arc::new(Countdown::new(eternal * (GENERATION - 1)));
        for index in 0..eternal * GENERATION {
            if index % GENERATION == 0 {
                drop(tokio::spawn(pending::<()>()));
            } else {
                let short = Arc::clone(&short);
                drop(tokio::spawn(async move {
                    yield_now().await;
                    short.arrive();
                }));
            }
        }
        short.all_arrived().await;
        let after = settled(quiet).await?.bytes;
        Ok(vec![("bytes_per_task", per_task(before, after, eternal))])
    })?
}

/// `after_mb`, `settled_mb`: growth of resident memory right after waves of short tasks and once it has settled, which
/// takes `settle_s`.
pub(crate) fn churn(arguments: &Arguments) -> Result<Figures> {
    let workers = arguments.count("workers")?;
    let waves = arguments.count("waves")?;
    let quiet = arguments.millis("quiet_ms")?;

    instrumented::run(workers, async move {
        let before = settled(START_UP).await?.bytes;
        for _ in 0..waves {
            spawn_and_join(1000).await?;
        }
        let right_after = resident()?;
        let level = settled(quiet).await?;
        Ok(vec![
            ("after_mb", growth(before, right_after) / 1e6),
            ("settled_mb", growth(before, level.bytes) / 1e6),
            ("settle_s", level.after.as_secs_f64()),
        ])
    })?
}

/// Spawns that many tasks of two polls each, then waits for all of them.
async fn spawn_and_join(tasks: usize) -> Result<()> {
    let handles: Vec<_> = (0..tasks).map(|_| tokio::spawn(yield_now())).collect();
    for handle in handles {
        handle.await?;
    }
    Ok(())
}

fn per_task(before: u64, after: u64, tasks: usize) -> f64 {
    growth(before, after) / tasks as f64
}

fn growth(before: u64, after: u64) -> f64 {
    after as f64 - before as f64
}
