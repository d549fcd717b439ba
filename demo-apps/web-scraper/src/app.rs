//! The two halves, the shop and its scraper, from start to stop.

use std::convert::Infallible;
use std::future::Future;

use anyhow::{Context, bail};
use demo_support::{DRAIN_LIMIT, SUMMARY_PERIOD, Stopped};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::alarms::Alarms;
use crate::args::Args;
use crate::fault::{CHOSEN, Fault};
use crate::fetch::Fetcher;
use crate::mirror::Mirror;
use crate::totals::Totals;
use crate::{meter, scraper, shop};

/// Serves the shop and scrapes it until `stop`.
///
/// The scraper ends first and its connections with it, so that no request is cut off by a closing shop.
pub(crate) async fn run(
    args: &Args,
    stop: impl Future<Output = Stopped>,
) -> anyhow::Result<Totals> {
    let (listener, address) = demo_support::listen(args.port).await?;
    let site = format!("http://{address}");

    let closing = CancellationToken::new();
    let mut server = stallscope::task("shop").spawn(shop::serve(listener, closing.clone()));

    let stopping = CancellationToken::new();
    let (publish, published) = watch::channel(Totals::default());
    let _watched = meter::watch();
    let fetcher = Fetcher::new(&site, args.load)?;
    let mirror = Mirror::start().await.context("no mirror")?;
    let alarms = Alarms::start().context("no thread for the price alarms")?;
    let mut scraper = stallscope::task("scraper").spawn(scraper::run(
        fetcher,
        mirror,
        publish,
        alarms,
        stopping.clone(),
    ));
    info!("scraping the shop at {site}, {} pages at a time", args.load);

    tokio::select! {
        stopped = stop => info!("stopping: {stopped}"),
        never = log_summaries(&published) => match never {},
        ended = &mut scraper => bail!("the scraper ended without being asked to: {ended:?}"),
        ended = &mut server => bail!("the shop ended without being asked to: {ended:?}"),
    }

    stopping.cancel();
    scraper.await.context("the scraper panicked")?;
    closing.cancel();
    if let Ok(ended) = timeout(DRAIN_LIMIT, &mut server).await {
        ended
            .context("the shop panicked")?
            .context("the shop failed")?;
    } else {
        warn!("the shop still has connections after {DRAIN_LIMIT:?}: cutting them");
        server.abort();
    }
    let totals = *published.borrow();
    Ok(totals)
}

async fn log_summaries(published: &watch::Receiver<Totals>) -> Infallible {
    loop {
        pause().await;
        let totals = *published.borrow();
        info!("{totals}");
    }
}

/// The time between two summaries.
async fn pause() {
    if CHOSEN.is(Fault::BlockingMain) {
        // fault: blocking-main
        std::thread::sleep(SUMMARY_PERIOD);
        // Or else the stop would never get its turn.
        tokio::task::yield_now().await;
    } else {
        sleep(SUMMARY_PERIOD).await;
    }
}
