//! `/orders`: from the shelf into the database, or not at all.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::error::ApiError;
use crate::orders::{self, NewOrder};
use crate::state::AppState;

/// What a customer sends.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct OrderRequest {
    pub(crate) product: u32,
    pub(crate) pieces: u32,
}

#[derive(Debug, Serialize)]
pub(super) struct Receipt {
    order: u64,
    cents: u32,
}

/// Answers only when the order is stored: what a customer was told is never lost.
pub(super) async fn place(
    State(state): State<AppState>,
    Json(OrderRequest { product, pieces }): Json<OrderRequest>,
) -> Result<(StatusCode, Json<Receipt>), ApiError> {
    if pieces == 0 {
        return Err(ApiError::NothingOrdered);
    }
    let left = state.inventory.reserve(product, pieces)?;
    if left.pieces == 0 {
        state.buyer.sold_out(product);
    }
    let cents = left.price_cents.saturating_mul(pieces);
    let order = NewOrder {
        product,
        pieces,
        cents,
    };
    let stored = state
        .database
        .call(move |connection| orders::store(connection, order))
        .await;
    let order = stored.inspect_err(|_| state.inventory.put_back(product, pieces))?;
    Ok((StatusCode::CREATED, Json(Receipt { order, cents })))
}
