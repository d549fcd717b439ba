//! What is on the shelves, how much of it, and who wants to know when that changes.

use std::time::Duration;

use serde::Serialize;
use stallscope::sync::blocking::{Mutex, MutexGuard, PoisonError};
use tokio::sync::broadcast;
use tokio::time::sleep;

use crate::fault::{CHOSEN, Fault};

/// Products, numbered from 1.
pub(crate) const PRODUCTS: u32 = 40;

/// Pieces of each product on a full shelf.
const FULL: u32 = 60;

/// For how long somebody with a ladder is between the shelves.
const FILLING: Duration = Duration::from_millis(150);

/// How long it takes from an order of ours to its delivery.
const DELIVERY: Duration = Duration::from_millis(100);

/// Changes that a slow subscriber may fall behind before it misses some.
const CHANGES: usize = 64;

/// The shelves.
#[derive(Debug)]
pub(crate) struct Inventory {
    /// Pieces by product. Locked for one look or one change, never across an await: see [`Inventory::reserve`].
    stock: Mutex<Vec<u32>>,
    changes: broadcast::Sender<Stock>,
}

/// One product and how many pieces of it there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Stock {
    pub(crate) product: u32,
    pub(crate) pieces: u32,
    pub(crate) price_cents: u32,
}

/// Why pieces were not reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    NoSuchProduct,
    SoldOut,
}

impl Inventory {
    /// All shelves full.
    pub(crate) fn full() -> Self {
        let (changes, _) = broadcast::channel(CHANGES);
        Self {
            stock: Mutex::new(vec![FULL; PRODUCTS as usize]),
            changes,
        }
    }

    pub(crate) fn all(&self) -> Vec<Stock> {
        (1..)
            .zip(self.stock().iter())
            .map(|(product, &pieces)| Stock::new(product, pieces))
            .collect()
    }

    pub(crate) fn get(&self, product: u32) -> Option<Stock> {
        let pieces = *self.stock().get(shelf(product)?)?;
        Some(Stock::new(product, pieces))
    }

    /// Takes `pieces` of `product` off the shelf.
    ///
    /// Looking and taking happen under one lock: two customers never get the same piece.
    pub(crate) fn reserve(&self, product: u32, pieces: u32) -> Result<Stock, Refused> {
        let left = {
            // fault: lost-stock (the sale)
            let mut stock = self.stock();
            let on_shelf = shelf(product).and_then(|shelf| stock.get_mut(shelf));
            let on_shelf = on_shelf.ok_or(Refused::NoSuchProduct)?;
            *on_shelf = on_shelf.checked_sub(pieces).ok_or(Refused::SoldOut)?;
            Stock::new(product, *on_shelf)
        };
        self.tell(left);
        Ok(left)
    }

    /// Puts pieces back that were reserved and then not sold.
    pub(crate) fn put_back(&self, product: u32, pieces: u32) {
        let now = shelf(product).and_then(|shelf| {
            let mut stock = self.stock();
            let on_shelf = stock.get_mut(shelf)?;
            *on_shelf = on_shelf.saturating_add(pieces);
            Some(Stock::new(product, *on_shelf))
        });
        if let Some(now) = now {
            self.tell(now);
        }
    }

    /// Has pieces delivered, then fills the shelves as [`Inventory::restock`] does. Customers go on buying meanwhile.
    pub(crate) async fn restock_by_delivery(&self) -> usize {
        stallscope::atomic("restock", async {
            if CHOSEN.is(Fault::LostStock) {
                let mut stock = self.stock().clone();
                sleep(DELIVERY).await;
                let filled = fill(&mut stock);
                // fault: lost-stock
                *self.stock() = stock;
                return self.tell_all(&filled);
            }
            sleep(DELIVERY).await;
            self.restock()
        })
        .await
    }

    /// Fills every shelf that is less than half full; returns how many those were.
    pub(crate) fn restock(&self) -> usize {
        let mut stock = self.stock();
        let filled = fill(&mut stock);
        if CHOSEN.is(Fault::HeldLock) {
            std::thread::sleep(FILLING);
        }
        drop(stock);
        self.tell_all(&filled)
    }

    /// Every change from now on, for as long as the receiver is kept.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Stock> {
        self.changes.subscribe()
    }

    fn tell_all(&self, filled: &[Stock]) -> usize {
        for &stock in filled {
            self.tell(stock);
        }
        filled.len()
    }

    /// Nobody listening is no error.
    fn tell(&self, changed: Stock) {
        let _ = self.changes.send(changed);
    }

    /// No code that holds this lock can panic half way through a change, so a poisoned shelf is still whole.
    ///
    /// A finding about the lock is one about who called this.
    #[track_caller]
    fn stock(&self) -> MutexGuard<'_, Vec<u32>> {
        // fault: held-lock
        self.stock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stock {
    fn new(product: u32, pieces: u32) -> Self {
        Self {
            product,
            pieces,
            price_cents: 195 + product * 37 % 900,
        }
    }
}

/// Fills those that are less than half full, and tells which.
fn fill(shelves: &mut [u32]) -> Vec<Stock> {
    let mut filled = Vec::new();
    for (product, pieces) in (1..).zip(shelves) {
        if *pieces < FULL / 2 {
            *pieces = FULL;
            filled.push(Stock::new(product, FULL));
        }
    }
    filled
}

/// Where `product` stands in the list; whether there is such a shelf is the list's to say.
fn shelf(product: u32) -> Option<usize> {
    usize::try_from(product.checked_sub(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gets_what_is_not_there() {
        let inventory = Inventory::full();
        assert_eq!(inventory.reserve(0, 1), Err(Refused::NoSuchProduct));
        assert_eq!(
            inventory.reserve(PRODUCTS + 1, 1),
            Err(Refused::NoSuchProduct)
        );
        assert_eq!(inventory.reserve(1, FULL).map(|left| left.pieces), Ok(0));
        assert_eq!(inventory.reserve(1, 1), Err(Refused::SoldOut));
        assert_eq!(inventory.get(1).map(|stock| stock.pieces), Some(0));
    }

    #[test]
    fn what_is_put_back_can_be_sold_again() {
        let inventory = Inventory::full();
        inventory.reserve(7, 10).expect("the shelf is full");
        inventory.put_back(7, 10);
        assert_eq!(inventory.get(7).map(|stock| stock.pieces), Some(FULL));
    }

    #[test]
    fn a_subscriber_hears_of_sales_and_of_new_stock() {
        let inventory = Inventory::full();
        let mut changes = inventory.subscribe();
        inventory.reserve(3, FULL - 1).expect("the shelf is full");
        assert_eq!(inventory.restock(), 1);
        let heard: Vec<_> = std::iter::from_fn(|| changes.try_recv().ok())
            .map(|stock| (stock.product, stock.pieces))
            .collect();
        assert_eq!(heard, [(3, 1), (3, FULL)]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_sold_before_the_delivery_comes_is_sold() {
        let inventory = Inventory::full();
        inventory.reserve(3, FULL - 1).expect("the shelf is full");
        let sells = async {
            sleep(DELIVERY / 2).await;
            inventory.reserve(5, 7).expect("the shelf is full");
        };
        let (filled, ()) = tokio::join!(inventory.restock_by_delivery(), sells);
        let pieces = |product| inventory.get(product).map(|stock| stock.pieces);
        assert_eq!(
            (filled, pieces(3), pieces(5)),
            (1, Some(FULL), Some(FULL - 7))
        );
    }

    #[test]
    fn many_customers_never_take_more_than_there_is() {
        let inventory = Inventory::full();
        let sold: usize = std::thread::scope(|scope| {
            let customers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        (0..FULL)
                            .filter(|_| inventory.reserve(5, 1).is_ok())
                            .count()
                    })
                })
                .collect();
            customers
                .into_iter()
                .map(|customer| customer.join().expect("no panic"))
                .sum()
        });
        assert_eq!(sold, FULL as usize);
    }
}
