//! What all requests share.

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

use crate::buyer::Buyer;
use crate::database::Database;
use crate::hits::Hits;
use crate::inventory::Inventory;
use crate::orders::Sales;
use crate::pace::Pace;
use crate::sessions::Sessions;
use crate::till::Till;

/// Pictures drawn at the same time: they need a core each, and the workers need theirs.
pub(crate) const PICTURES_AT_ONCE: usize = 2;

/// Handed to every handler; clones are the same state.
#[derive(Clone, Debug)]
pub(crate) struct AppState {
    pub(crate) database: Arc<Database>,
    pub(crate) inventory: Arc<Inventory>,
    pub(crate) buyer: Arc<Buyer>,
    pub(crate) till: Arc<Till>,
    pub(crate) sessions: Sessions,
    pub(crate) hits: Arc<Hits>,
    pub(crate) pace: Arc<Pace>,
    /// Kept fresh by the [refresher](crate::refresher).
    pub(crate) best_sellers: watch::Receiver<Arc<[Sales]>>,
    pub(crate) drawing: Arc<Semaphore>,
}

impl AppState {
    /// With full shelves and nobody there. Best sellers come through `best_sellers`.
    pub(crate) fn new(
        database: Database,
        buyer: Buyer,
        best_sellers: watch::Receiver<Arc<[Sales]>>,
    ) -> Self {
        Self {
            database: Arc::new(database),
            inventory: Arc::new(Inventory::full()),
            buyer: Arc::new(buyer),
            till: Arc::default(),
            sessions: Sessions::default(),
            hits: Arc::new(Hits::none()),
            pace: Arc::default(),
            best_sellers,
            drawing: Arc::new(Semaphore::new(PICTURES_AT_ONCE)),
        }
    }
}
