//! What an application costs that has nothing to do.

use anyhow::Result;
use tokio::time::sleep;

use crate::arguments::Arguments;
use crate::instrumented;
use crate::measure::{Figures, Stopwatch};

/// `cpu_percent` of one core, over a window that begins when start-up has died down.
pub(crate) fn run(arguments: &Arguments) -> Result<Figures> {
    let workers = arguments.count("workers")?;
    let settle = arguments.millis("settle_ms")?;
    let window = arguments.millis("window_ms")?;

    let elapsed = instrumented::run(workers, async move {
        sleep(settle).await;
        let watch = Stopwatch::start();
        sleep(window).await;
        watch.stop()
    })?;
    Ok(vec![(
        "cpu_percent",
        100.0 * elapsed.cpu.as_secs_f64() / elapsed.wall.as_secs_f64(),
    )])
}
