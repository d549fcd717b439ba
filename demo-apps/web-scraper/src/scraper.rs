//! The scraper: one round after another, with a pause between, and what they add up to.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::alarms::Alarms;
use crate::fetch::Fetcher;
use crate::mirror::Mirror;
use crate::round::{self, Round};
use crate::totals::Totals;

/// Politeness: the shop gets this much rest between two rounds.
const PAUSE: Duration = Duration::from_millis(300);

/// Scrapes until `stopping`, publishing the totals after every round.
///
/// A round that is cut short by the stop does not count; its requests are dropped with it.
pub(crate) async fn run(
    fetcher: Fetcher,
    mirror: Mirror,
    publish: watch::Sender<Totals>,
    alarms: Alarms,
    stopping: CancellationToken,
) {
    let fetcher = Arc::new(fetcher);
    let mut previous: Option<Round> = None;
    loop {
        if !mirror.has_room().await {
            debug!("the mirror is full: the shop itself is asked");
        }
        let attempt = stopping.run_until_cancelled(round::scrape(&fetcher)).await;
        match attempt {
            None => return,
            Some(Ok(round)) => {
                publish.send_modify(|totals| totals.add(&round, previous.as_ref()));
                if let Some(previous) = &previous {
                    alarms.compare(previous, &round);
                }
                previous = Some(round);
            }
            Some(Err(failed)) => warn!("no round this time: the catalogue {failed}"),
        }
        if stopping.run_until_cancelled(sleep(PAUSE)).await.is_none() {
            return;
        }
    }
}
