//! The service from start to stop: a fresh database, the accept loop, the refresher, the load, the account at the end.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use anyhow::{Context, bail};
use demo_support::{SUMMARY_PERIOD, Stopped};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::args::Args;
use crate::buyer::Buyer;
use crate::database::Database;
use crate::load::{self, Tally};
use crate::orders::Sum;
use crate::sessions::{Overview, Sessions};
use crate::state::AppState;
use crate::{api, orders, refresher, server};

/// Serves until `stop`.
///
/// The load ends first, then the accept loop with its connections, then what they used: no request is cut off.
pub(crate) async fn run(
    args: &Args,
    stop: impl Future<Output = Stopped>,
) -> anyhow::Result<Account> {
    let (folder, database) = spawn_blocking(fresh_database)
        .await
        .context("creating the database panicked")??;
    let (best_sellers, listed) = watch::channel(Arc::from([]));
    let buyer = Buyer::call().context("no thread for the buyer")?;
    let state = AppState::new(database, buyer, listed);

    let (listener, address) = demo_support::listen(args.port).await?;
    let closing = CancellationToken::new();
    let refresher = stallscope::task("refresher").spawn(refresher::run(
        Arc::clone(&state.database),
        Arc::clone(&state.inventory),
        Arc::clone(&state.till),
        best_sellers,
        closing.clone(),
    ));
    let accept_loop = stallscope::task("accept loop").spawn(server::accept_loop(
        listener,
        api::routes(state.clone()),
        state.sessions.clone(),
        closing.clone(),
    ));

    let leaving = CancellationToken::new();
    let tally = Arc::new(Tally::default());
    let url = format!("http://{address}");
    let load = stallscope::task("load generator").spawn(load::generate(
        url,
        args.load,
        Arc::clone(&tally),
        leaving.clone(),
    ));
    info!("serving {} customers at http://{address}", args.load);

    tokio::select! {
        stopped = stop => info!("stopping: {stopped}"),
        never = log_summaries(&tally, &state.sessions) => match never {},
        never = state.pace.keep(&state.hits) => match never {},
    }

    leaving.cancel();
    load.await.context("the load generator panicked")?;
    closing.cancel();
    accept_loop.await.context("the accept loop panicked")?;
    refresher.await.context("the refresher panicked")?;

    let stored = state.database.call(|connection| orders::sum(connection));
    let stored = stored.await.context("cannot add up the orders")?;
    let account = Account {
        requests: tally.requests(),
        failures: tally.failures(),
        sessions: state.sessions.overview(),
        confirmed: tally.orders(),
        stored,
        in_till: state.till.count().await,
    };
    if account.confirmed > account.stored.orders {
        bail!("orders were lost: {account}");
    }
    // SQLite writes its log back when the last connection closes: that is for the blocking pool too.
    spawn_blocking(move || {
        drop(state);
        folder.close()
    })
    .await
    .context("closing the database panicked")?
    .context("cannot remove the database")?;
    Ok(account)
}

/// An empty database in a folder of its own, which is removed when the folder is dropped. Blocks.
fn fresh_database() -> anyhow::Result<(TempDir, Database)> {
    let folder = tempfile::tempdir().context("cannot make a folder for the database")?;
    let path = folder.path().join("shop.sqlite");
    let database = Database::open(&path, orders::SCHEMA).context("cannot create the database")?;
    Ok((folder, database))
}

async fn log_summaries(tally: &Tally, sessions: &Sessions) -> Infallible {
    let mut before = 0;
    loop {
        sleep(SUMMARY_PERIOD).await;
        let (requests, failures) = (tally.requests(), tally.failures());
        let Overview { open, stale, .. } = sessions.overview();
        info!(
            "{} requests/s, slowest order {} ms, {failures} failed so far, {open} sessions ({stale} stale)",
            (requests - before) / SUMMARY_PERIOD.as_secs(),
            tally.take_slowest_order_ms(),
        );
        before = requests;
    }
}

/// What the service did, as its customers and its database count it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    requests: u64,
    failures: u64,
    sessions: Overview,
    confirmed: u64,
    stored: Sum,
    /// In cents.
    in_till: u64,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            requests,
            failures,
            sessions,
            confirmed,
            stored,
            in_till,
        } = self;
        write!(
            f,
            "served {requests} requests on {} connections, {failures} failed; \
             {confirmed} orders confirmed, {} in the database; \
             {} cents to be paid, {in_till} in the till; {} sessions left open",
            sessions.opened, stored.orders, stored.cents, sessions.open,
        )
    }
}
