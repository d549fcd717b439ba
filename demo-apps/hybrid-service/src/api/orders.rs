//! `/orders`: from the shelf into the database, or not at all.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::error::ApiError;
use crate::inventory::{Inventory, Refused};
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
    let (inventory, till) = (Arc::clone(&state.inventory), Arc::clone(&state.till));
    // All of it where it is done to its end, also when the customer goes away meanwhile.
    let sell = move |connection: &mut _| {
        let sold = sell(&inventory, connection, product, pieces)?;
        Ok(sold.inspect(|sold| till.pay(sold.receipt.cents)))
    };
    let sold = state.database.call(sell).await??;
    if sold.left == 0 {
        state.buyer.sold_out(product);
    }
    Ok((StatusCode::CREATED, Json(sold.receipt)))
}

#[derive(Debug)]
struct Sold {
    receipt: Receipt,
    left: u32,
}

/// Takes the pieces off the shelf and stores the order. Blocks.
fn sell(
    inventory: &Inventory,
    connection: &mut Connection,
    product: u32,
    pieces: u32,
) -> rusqlite::Result<Result<Sold, Refused>> {
    let left = match inventory.reserve(product, pieces) {
        Ok(left) => left,
        Err(refused) => return Ok(Err(refused)),
    };
    let cents = left.price_cents.saturating_mul(pieces);
    let order = NewOrder {
        product,
        pieces,
        cents,
    };
    let stored = orders::store(connection, order);
    let order = stored.inspect_err(|_| inventory.put_back(product, pieces))?;
    let receipt = Receipt { order, cents };
    Ok(Ok(Sold {
        receipt,
        left: left.pieces,
    }))
}
