//! What it costs to spawn a task that does nothing, and to join it.

use anyhow::Result;

use crate::arguments::Arguments;
use crate::instrumented;
use crate::measure::{Figures, Stopwatch, nanos_each};

/// `wall_ns`, `cpu_ns`: per spawned and joined task, one after the other.
pub(crate) fn run(arguments: &Arguments) -> Result<Figures> {
    let workers = arguments.count("workers")?;
    let tasks = arguments.count("tasks")?;

    let elapsed = instrumented::run(workers, async move {
        spawn_and_join(tasks / 10).await?;
        let watch = Stopwatch::start();
        spawn_and_join(tasks).await?;
        anyhow::Ok(watch.stop())
    })??;

    Ok(vec![
        ("wall_ns", nanos_each(elapsed.wall, tasks)),
        ("cpu_ns", nanos_each(elapsed.cpu, tasks)),
    ])
}

async fn spawn_and_join(tasks: usize) -> Result<()> {
    for _ in 0..tasks {
        tokio::spawn(async {}).await?;
    }
    Ok(())
}
