//! The heartbeat of a connection: a task that keeps its session alive and ends with it.

use std::time::Duration;

use tokio::time::interval;
use tokio_util::task::AbortOnDropHandle;

use crate::fault::{CHOSEN, Fault};
use crate::sessions::Pulse;

const PERIOD: Duration = Duration::from_millis(500);

/// Starts the heartbeat; it stops when the handle is dropped.
#[must_use = "the heartbeat stops when this is dropped"]
pub(crate) fn start(pulse: Pulse) -> Option<AbortOnDropHandle<()>> {
    // fault: lasting-heartbeat
    let heartbeat = tokio::spawn(beat(pulse));
    if CHOSEN.is(Fault::LastingHeartbeat) {
        // A plain handle that is dropped ends nothing.
        return None;
    }
    Some(AbortOnDropHandle::new(heartbeat))
}

async fn beat(pulse: Pulse) {
    let mut pace = interval(PERIOD);
    loop {
        pace.tick().await;
        pulse.renew();
    }
}
