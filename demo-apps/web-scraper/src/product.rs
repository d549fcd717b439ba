//! What the shop sells and the scraper finds: a product with its price.

use std::time::Duration;

/// Products in the shop, numbered from 1.
pub(crate) const PRODUCTS: u32 = 100;

/// The shop reprices every product this often, one after the other rather than all at once.
const REPRICED_EVERY: Duration = Duration::from_secs(7);

const CATEGORIES: [&str; 5] = ["coffee", "tea", "salt & pepper", "chocolate", "honey"];

/// One product as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Product {
    pub(crate) id: u32,
    pub(crate) category: String,
    pub(crate) name: String,
    pub(crate) price_cents: u32,
}

impl Product {
    /// Product `id` as it is when the shop has been open for `open`; none outside the shop's range.
    pub(crate) fn in_shop(id: u32, open: Duration) -> Option<Self> {
        if !(1..=PRODUCTS).contains(&id) {
            return None;
        }
        let category = CATEGORIES[id as usize % CATEGORIES.len()];
        let phase = REPRICED_EVERY * id / PRODUCTS;
        let repriced = (open + phase).as_secs() / REPRICED_EVERY.as_secs();
        // A fixed mixture of both numbers: prices look arbitrary and are the same in every run.
        let mixed = (u64::from(id) * 7919 + repriced * 104_729) % 4_000;
        Some(Self {
            id,
            category: category.to_owned(),
            name: format!("{category} no. {id}"),
            price_cents: 350 + u32::try_from(mixed).unwrap_or(0),
        })
    }
}
