//! The load generator: a number of customers at all times, each a task of its own.

mod customer;
mod tally;

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::warn;

pub(crate) use tally::Tally;

/// Sends `count` customers to the service at `url` until `stopping`; each finishes the request it is in.
pub(crate) async fn generate(
    url: String,
    count: u16,
    tally: Arc<Tally>,
    stopping: CancellationToken,
) {
    let url: Arc<str> = url.into();
    let mut customers = JoinSet::new();
    for _ in 0..count {
        customers.spawn(customer::shop(
            Arc::clone(&url),
            Arc::clone(&tally),
            stopping.clone(),
        ));
    }
    while let Some(ended) = customers.join_next().await {
        if let Err(error) = ended {
            warn!("a customer failed: {error}");
        }
    }
}
