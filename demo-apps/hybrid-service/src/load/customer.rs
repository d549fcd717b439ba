//! One customer: about ten requests over one kept-alive connection, then the next visit over a new one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder, StatusCode};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::Tally;
use crate::api::OrderRequest;
use crate::inventory::PRODUCTS;

/// A request that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// Shops until `stopping`, one visit after another.
pub(super) async fn shop(url: Arc<str>, tally: Arc<Tally>, stopping: CancellationToken) {
    while !stopping.is_cancelled() {
        match client() {
            Ok(client) => visit(&client, &url, &tally, &stopping).await,
            Err(error) => return warn!("a customer cannot set up its HTTP client: {error}"),
        }
    }
}

/// One visit has one client, and so one connection, which ends when the client is dropped.
fn client() -> reqwest::Result<Client> {
    // No limit for idle connections: there is one, it is hardly ever idle, and no task need look after that.
    Client::builder()
        .no_proxy()
        .pool_idle_timeout(None)
        .timeout(PATIENCE)
        .build()
}

/// The stop is looked at between two requests: an order that was sent is waited for.
async fn visit(client: &Client, url: &str, tally: &Tally, stopping: &CancellationToken) {
    for _ in 0..fastrand::u32(5..15) {
        let thinking = sleep(Duration::from_millis(fastrand::u64(20..120)));
        if stopping.run_until_cancelled(thinking).await.is_none() {
            return;
        }
        let asked_at = Instant::now();
        match next_request(client, url).send().await {
            Ok(answer) if is_proper(answer.status()) => {
                let ordered = answer.status() == StatusCode::CREATED;
                // Read to its end, so that the connection can be used again.
                if answer.bytes().await.is_ok() {
                    tally.answered();
                } else {
                    tally.failed();
                }
                if ordered {
                    tally.ordered(asked_at.elapsed());
                }
            }
            Ok(answer) => {
                debug!("the service answered {}", answer.status());
                tally.failed();
            }
            Err(error) => {
                debug!("a request failed: {error}");
                tally.failed();
            }
        }
    }
}

/// What a customer may be told: a sold-out shelf is no failure of the service.
fn is_proper(status: StatusCode) -> bool {
    status.is_success() || status == StatusCode::CONFLICT
}

fn next_request(client: &Client, url: &str) -> RequestBuilder {
    let product = fastrand::u32(1..=PRODUCTS);
    match fastrand::u32(..100) {
        0..30 => client.get(format!("{url}/products/{product}")),
        30..45 => client.get(format!("{url}/products")),
        45..65 => {
            let order = OrderRequest {
                product,
                pieces: fastrand::u32(1..=5),
            };
            client.post(format!("{url}/orders")).json(&order)
        }
        65..78 => {
            let width = fastrand::u32(32..=160);
            client.get(format!("{url}/products/{product}/picture?width={width}"))
        }
        78..85 => client.get(format!("{url}/reports/sales")),
        85..90 => client.get(format!("{url}/reports/best-sellers")),
        90..98 => client.get(format!("{url}/products/{product}/changes")),
        _ => client.get(format!("{url}/sessions")),
    }
}
