//! `/reports`: the exact one from the database, the quick one from memory.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::error::ApiError;
use crate::inventory::PRODUCTS;
use crate::orders::{self, Sales};
use crate::state::AppState;

#[derive(Debug, Serialize)]
pub(super) struct SalesReport {
    products: Vec<Sales>,
    total_cents: u64,
}

/// Every product that was sold, as of now.
pub(super) async fn sales(State(state): State<AppState>) -> Result<Json<SalesReport>, ApiError> {
    let query = |connection: &mut _| orders::best_sellers(connection, PRODUCTS);
    let products = state.database.call(query).await?;
    let total_cents = products.iter().map(|sales| sales.cents).sum();
    Ok(Json(SalesReport {
        products,
        total_cents,
    }))
}

/// The best sellers, a second old at most.
pub(super) async fn best_sellers(State(state): State<AppState>) -> Json<Vec<Sales>> {
    let listed = Arc::clone(&state.best_sellers.borrow());
    Json(listed.to_vec())
}
