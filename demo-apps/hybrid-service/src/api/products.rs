//! `/products`: what there is, and when that changes.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::runtime::Handle;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::error::ApiError;
use crate::fault::{CHOSEN, Fault};
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
    match awaited(id, changes).await? {
        Some(stock) => Ok(Json(stock).into_response()),
        None => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

async fn awaited(id: u32, mut changes: Receiver<Stock>) -> Result<Option<Stock>, ApiError> {
    if CHOSEN.is(Fault::LastingSubscriber) {
        let (tell, mut told) = mpsc::unbounded_channel();
        // fault: lasting-subscriber
        tokio::spawn(tell_of(id, changes, tell));
        return Ok(timeout(LONG_POLL, told.recv()).await.ok().flatten());
    }
    if CHOSEN.is(Fault::DeafSubscriber) {
        let (tell, told) = oneshot::channel();
        // fault: deaf-subscriber
        tokio::spawn(tell_of_one(id, changes, tell));
        return Ok(timeout(LONG_POLL, told).await.ok().and_then(Result::ok));
    }
    let change = async move { timeout(LONG_POLL, change_of(id, &mut changes)).await };
    if CHOSEN.is(Fault::FullPool) {
        let runtime = Handle::current();
        let waits = spawn_blocking(move || {
            // fault: full-pool
            runtime.block_on(change)
        });
        let waited = waits.await;
        let waited = waited.map_err(|error| ApiError::Internal(error.to_string()))?;
        return Ok(waited.ok().flatten());
    }
    Ok(change.await.ok().flatten())
}

async fn change_of(id: u32, changes: &mut Receiver<Stock>) -> Option<Stock> {
    loop {
        match changes.recv().await {
            Ok(stock) if stock.product == id => return Some(stock),
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return None,
        }
    }
}

/// Tells of every change, also when nobody listens any more.
async fn tell_of(id: u32, mut changes: Receiver<Stock>, tell: mpsc::UnboundedSender<Stock>) {
    while let Some(stock) = change_of(id, &mut changes).await {
        let _ = tell.send(stock);
    }
}

/// Tells of the next change, if that is there at once: whoever only looks is not woken for what comes.
async fn tell_of_one(id: u32, mut changes: Receiver<Stock>, tell: oneshot::Sender<Stock>) {
    let next = poll_fn(|_| match changes.try_recv() {
        Ok(stock) if stock.product == id => Poll::Ready(Some(stock)),
        Ok(_) | Err(TryRecvError::Empty | TryRecvError::Lagged(_)) => Poll::Pending,
        Err(TryRecvError::Closed) => Poll::Ready(None),
    });
    // fault: deaf-subscriber (the await)
    if let Some(stock) = next.await {
        let _ = tell.send(stock);
    }
}
