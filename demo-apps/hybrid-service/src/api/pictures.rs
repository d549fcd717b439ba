//! `/products/{id}/picture`: drawn to order, on the blocking pool.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::IntoResponse;
use serde::Deserialize;
use tokio::task::spawn_blocking;

use super::error::ApiError;
use crate::fault::{CHOSEN, Fault};
use crate::picture;
use crate::state::AppState;

#[derive(Debug, Deserialize)]
pub(super) struct Size {
    #[serde(default = "usual_width")]
    width: u32,
}

fn usual_width() -> u32 {
    96
}

pub(super) async fn picture(
    State(state): State<AppState>,
    Path(id): Path<u32>,
    Query(Size { width }): Query<Size>,
) -> Result<impl IntoResponse, ApiError> {
    state.inventory.get(id).ok_or(ApiError::NoSuchProduct)?;
    if !picture::WIDTHS.contains(&width) {
        return Err(ApiError::Width);
    }
    let png = draw(&state, id, width).await?;
    Ok(([(header::CONTENT_TYPE, "image/png")], png))
}

/// Draws where drawing holds up nobody. The permit goes along: a client that leaves does not free a core that is busy.
async fn draw(state: &AppState, id: u32, width: u32) -> Result<Vec<u8>, ApiError> {
    let internal = |cause: &dyn std::fmt::Display| ApiError::Internal(cause.to_string());
    let permit = Arc::clone(&state.drawing)
        .acquire_owned()
        .await
        .map_err(|e| internal(&e))?;
    if CHOSEN.is(Fault::ImageOnWorker) {
        let drawing = spawn_blocking(move || picture::drawing(id, picture::POSTER));
        let drawing = drawing.await.map_err(|e| internal(&e))?;
        return picture::png(&drawing, width).map_err(|e| internal(&e));
    }
    let drawn = spawn_blocking(move || {
        let _permit = permit;
        picture::png(&picture::drawing(id, picture::USUAL), width)
    });
    drawn
        .await
        .map_err(|e| internal(&e))?
        .map_err(|e| internal(&e))
}
