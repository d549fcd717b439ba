//! The REST API: which path leads to which handler.

mod error;
mod health;
mod orders;
mod pictures;
mod products;
mod reports;

use axum::extract::State;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use axum::{Json, Router};

use crate::hits;
use crate::sessions::Overview;
use crate::state::AppState;

pub(crate) use orders::OrderRequest;

/// All routes of the service.
pub(crate) fn routes(state: AppState) -> Router {
    Router::new()
        .route("/health", get(health::health))
        .route("/sessions", get(sessions))
        .route("/products", get(products::list))
        .route("/products/{id}", get(products::one))
        .route("/products/{id}/changes", get(products::next_change))
        .route("/products/{id}/picture", get(pictures::picture))
        .route("/orders", post(orders::place))
        .route("/reports/sales", get(reports::sales))
        .route("/reports/best-sellers", get(reports::best_sellers))
        .layer(from_fn_with_state(state.clone(), hits::layer))
        .with_state(state)
}

async fn sessions(State(state): State<AppState>) -> Json<Overview> {
    Json(state.sessions.overview())
}
