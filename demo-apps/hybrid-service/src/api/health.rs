//! `/health`: what tokio itself says of the runtime, for whoever wants to compare, and how busy the service is.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tokio::runtime::Handle;

use crate::state::AppState;

#[derive(Debug, Serialize)]
pub(super) struct Health {
    /// Tasks spawned and not ended; closures on the blocking pool are none.
    alive_tasks: usize,
    workers: usize,
    /// Requests answered since the start.
    hits: u64,
    /// Requests answered in the second that was measured last.
    pace: u64,
}

pub(super) async fn health(State(state): State<AppState>) -> Json<Health> {
    let metrics = Handle::current().metrics();
    Json(Health {
        alive_tasks: metrics.num_alive_tasks(),
        workers: metrics.num_workers(),
        hits: state.hits.so_far(),
        pace: state.pace.latest(),
    })
}
