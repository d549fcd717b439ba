//! The accept loop: one task that takes connections and starts a task for each.

use std::io;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::connection;
use crate::sessions::Sessions;

/// After a failed accept, most often for want of file descriptors: time for some connections to end.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// Accepts until `stopping`, then lets every connection finish the request it is in.
pub(crate) async fn accept_loop(
    listener: TcpListener,
    routes: Router,
    sessions: Sessions,
    stopping: CancellationToken,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stopping.cancelled() => break,
            accepted = accept(&listener) => {
                let session = sessions.open();
                let (routes, stopping) = (routes.clone(), stopping.clone());
                connections.spawn(connection::serve(accepted, routes, session, stopping));
            }
            Some(ended) = connections.join_next() => log_panic(ended),
        }
    }
    drop(listener);
    drain(connections).await;
}

/// The next connection, however often it takes: a service outlives a failed accept.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                report(&error);
                sleep(ACCEPT_BACKOFF).await;
            }
        }
    }
}

/// Waits for all connections; those that are still there at the limit are cut.
async fn drain(mut connections: JoinSet<()>) {
    let all_ended = async {
        while let Some(ended) = connections.join_next().await {
            log_panic(ended);
        }
    };
    if timeout(demo_support::DRAIN_LIMIT, all_ended).await.is_err() {
        warn!(
            "cutting {} connections that would not end",
            connections.len()
        );
        connections.shutdown().await;
    }
}

fn report(error: &io::Error) {
    warn!("cannot accept a connection, trying again in {ACCEPT_BACKOFF:?}: {error}");
}

fn log_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        warn!("a connection failed: {error}");
    }
}
