//! The shop: a small site with a catalogue and a page per product, and with the moods of a real one.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::decoder::escaped;
use crate::product::{PRODUCTS, Product};

/// Seconds after which to come back, for who is refused. Hardly anybody does.
const RETRY_AFTER: &str = "3600";

/// Serves the shop until `closing`, then lets open connections finish.
pub(crate) async fn serve(
    listener: TcpListener,
    closing: CancellationToken,
) -> std::io::Result<()> {
    let site = Router::new()
        .route("/catalogue", get(catalogue))
        .route("/products/{id}", get(product))
        .with_state(OpenedAt(Instant::now()));
    axum::serve(listener, site)
        .with_graceful_shutdown(closing.cancelled_owned())
        .await
}

#[derive(Clone, Copy, Debug)]
struct OpenedAt(Instant);

/// Put together anew for everybody, which takes its time.
async fn catalogue() -> Html<String> {
    sleep(Duration::from_millis(fastrand::u64(60..120))).await;
    let mut links = String::new();
    for id in 1..=PRODUCTS {
        // Writing to a `String` cannot fail.
        let _ = writeln!(links, r#"<li><a href="/products/{id}">no. {id}</a></li>"#);
    }
    Html(format!(
        "<!doctype html><title>Catalogue</title><ul>\n{links}</ul>\n"
    ))
}

async fn product(State(OpenedAt(opened_at)): State<OpenedAt>, Path(id): Path<u32>) -> Response {
    sleep(latency()).await;
    if fastrand::u32(..100) < 2 {
        let later = [(header::RETRY_AFTER, RETRY_AFTER)];
        return (StatusCode::SERVICE_UNAVAILABLE, later).into_response();
    }
    match Product::in_shop(id, opened_at.elapsed()) {
        Some(product) => Html(product_page(&product)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Mostly quick, and one request in five hundred hangs for longer than anybody waits.
fn latency() -> Duration {
    if fastrand::u32(..500) == 0 {
        Duration::from_secs(5)
    } else {
        Duration::from_millis(fastrand::u64(5..40))
    }
}

pub(crate) fn product_page(product: &Product) -> String {
    let Product {
        id,
        category,
        name,
        price_cents,
    } = product;
    let (euros, cents) = (price_cents / 100, price_cents % 100);
    let (name, category) = (escaped(name), escaped(category));
    format!(
        r#"<!doctype html>
<title>{name}</title>
<article class="product" data-id="{id}" data-category="{category}">
<h1>{name}</h1>
<p class="price">{euros}.{cents:02} EUR</p>
<p>Chosen with care, packed by hand, sent on the day you order.</p>
</article>
"#
    )
}
