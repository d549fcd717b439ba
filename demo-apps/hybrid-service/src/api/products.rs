//! `/products`: what there is, and when that changes.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

use super::error::ApiError;
use crate::inventory::Stock;
use crate::state::AppState;

/// A client that waits for a change is answered after this long, change or not.
const LONG_POLL: Duration = Duration::from_millis(400);

pub(super) async fn list(State(state): State<AppState>) -> Json<Vec<Stock>> {
    Json(state.inventory.all())
}

pub(super) async fn one(
    State(state): State<AppState>,
    Path(id): Path<u32>,
) -> Result<Json<Stock>, ApiError> {
    state
        .inventory
        .get(id)
        .map(Json)
        .ok_or(ApiError::NoSuchProduct)
}

/// The stock of a product after its next change; no content if there is none for a while.
///
/// The subscription lives in the request's own future and ends with it, also when the client goes away.
pub(super) async fn next_change(
    State(state): State<AppState>,
    Path(id): Path<u32>,
) -> Result<Response, ApiError> {
    let changes = state.inventory.subscribe();
    state.inventory.get(id).ok_or(ApiError::NoSuchProduct)?;
    match timeout(LONG_POLL, change_of(id, changes)).await {
        Ok(Some(stock)) => Ok(Json(stock).into_response()),
        Ok(None) | Err(_) => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

async fn change_of(id: u32, mut changes: Receiver<Stock>) -> Option<Stock> {
    loop {
        match changes.recv().await {
            Ok(stock) if stock.product == id => return Some(stock),
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return None,
        }
    }
}
