//! One connection: HTTP/1.1 requests one after the other, kept alive between them.

use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::heartbeat;
use crate::sessions::Session;

/// A client that takes longer than this for the head of its next request, idle or half way through, is sent away.
const HEAD_LIMIT: Duration = Duration::from_secs(5);

/// Serves `stream` until the client is done with it; at `stopping` it answers the request in hand and ends.
pub(crate) async fn serve(
    stream: TcpStream,
    routes: Router,
    session: Session,
    stopping: CancellationToken,
) {
    // Dropped, and so ended, with the connection.
    let _heartbeat = heartbeat::start(session.pulse());

    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT);
    let mut connection =
        pin!(http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes)));

    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        debug!("a connection ended early: {error}");
    }
}
