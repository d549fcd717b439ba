//! The background refresher: once a second it brings up to date what need not be exact, and tidies up.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::database::Database;
use crate::fault::{CHOSEN, Fault};
use crate::inventory::Inventory;
use crate::orders::{self, Sales};
use crate::till::{self, Till};

const PERIOD: Duration = Duration::from_secs(1);

/// Best sellers that are listed.
const LISTED: u32 = 10;

/// Refreshes the best sellers, fills the shelves and empties the till until `stopping`.
pub(crate) async fn run(
    database: Arc<Database>,
    inventory: Arc<Inventory>,
    till: Arc<Till>,
    best_sellers: watch::Sender<Arc<[Sales]>>,
    stopping: CancellationToken,
) {
    let mut pace = interval(PERIOD);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stopping.run_until_cancelled(pace.tick()).await.is_some() {
        match database
            .call(|connection| orders::best_sellers(connection, LISTED))
            .await
        {
            Ok(sales) => {
                best_sellers.send_replace(sales.into());
            }
            Err(error) => warn!("the best sellers stay as they were: {error}"),
        }
        match restock(&inventory).await {
            Ok(filled) => debug!("filled {filled} shelves"),
            Err(error) => warn!("the shelves stay as they were: {error}"),
        }
        if !till.empty(till::safe_opens()).await {
            debug!("the safe did not open in time: the till is emptied next time");
        }
    }
}

/// Takes the shelves for no longer than a look at them; whoever takes longer has to go to the blocking pool.
async fn restock(inventory: &Arc<Inventory>) -> Result<usize, JoinError> {
    if CHOSEN.is(Fault::HeldLock) {
        let inventory = Arc::clone(inventory);
        return spawn_blocking(move || inventory.restock()).await;
    }
    Ok(inventory.restock_by_delivery().await)
}
