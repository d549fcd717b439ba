//! `/health`: what tokio itself says of the runtime, for whoever wants to compare.

use axum::Json;
use serde::Serialize;
use tokio::runtime::Handle;

#[derive(Debug, Serialize)]
pub(super) struct Health {
    /// Tasks spawned and not ended; closures on the blocking pool are none.
    alive_tasks: usize,
    workers: usize,
}

pub(super) async fn health() -> Json<Health> {
    let metrics = Handle::current().metrics();
    Json(Health {
        alive_tasks: metrics.num_alive_tasks(),
        workers: metrics.num_workers(),
    })
}
