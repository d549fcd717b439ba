//! How a request fails: a status and one sentence as JSON.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tracing::error;

use crate::database::DatabaseError;
use crate::inventory::Refused;
use crate::picture;

/// Why a request got no answer.
#[derive(Debug)]
pub(super) enum ApiError {
    NoSuchProduct,
    SoldOut,
    NothingOrdered,
    Width,
    /// Nothing the client did; the log says more than the answer.
    Internal(String),
}

#[derive(Serialize)]
struct Body {
    error: String,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, error) = match self {
            Self::NoSuchProduct => (StatusCode::NOT_FOUND, "there is no such product".to_owned()),
            Self::SoldOut => (
                StatusCode::CONFLICT,
                "there are not that many left".to_owned(),
            ),
            Self::NothingOrdered => (
                StatusCode::BAD_REQUEST,
                "an order is for one piece at least".to_owned(),
            ),
            Self::Width => {
                let (least, most) = (picture::WIDTHS.start(), picture::WIDTHS.end());
                (
                    StatusCode::BAD_REQUEST,
                    format!("width is {least} to {most} pixels"),
                )
            }
            Self::Internal(cause) => {
                error!("a request failed: {cause}");
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the service failed".to_owned(),
                )
            }
        };
        (status, Json(Body { error })).into_response()
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NoSuchProduct => Self::NoSuchProduct,
            Refused::SoldOut => Self::SoldOut,
        }
    }
}

impl From<DatabaseError> for ApiError {
    fn from(error: DatabaseError) -> Self {
        Self::Internal(error.to_string())
    }
}
