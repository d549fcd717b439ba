//! What all rounds add up to, and how it reads.

use std::fmt;

use crate::round::Round;

/// Sums over all complete rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Complete rounds.
    pub(crate) rounds: u64,
    /// Product pages fetched and understood.
    pub(crate) pages: u64,
    /// Attempts beyond the first.
    pub(crate) retries: u64,
    /// Pages that failed in every attempt.
    pub(crate) given_up: u64,
    /// Products whose price differed from the round before.
    pub(crate) repriced: u64,
    /// Mean price in the last round, in cents; zero before the first.
    pub(crate) mean_cents: u64,
}

impl Totals {
    /// Adds a round; `previous` is the one before it, for the changes between the two.
    pub(crate) fn add(&mut self, round: &Round, previous: Option<&Round>) {
        let pages = round.products.len() as u64;
        let sum: u64 = round
            .products
            .values()
            .map(|product| u64::from(product.price_cents))
            .sum();
        self.rounds += 1;
        self.pages += pages;
        self.retries += u64::from(round.retries);
        self.given_up += u64::from(round.given_up);
        self.repriced += previous.map_or(0, |previous| repriced(round, previous));
        self.mean_cents = sum.checked_div(pages).unwrap_or(0);
    }
}

fn repriced(round: &Round, previous: &Round) -> u64 {
    let changed = round.products.iter().filter(|(id, now)| {
        previous
            .products
            .get(id)
            .is_some_and(|before| before.price_cents != now.price_cents)
    });
    changed.count() as u64
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rounds,
            pages,
            retries,
            given_up,
            repriced,
            mean_cents,
        } = self;
        let (euros, cents) = (mean_cents / 100, mean_cents % 100);
        write!(
            f,
            "scraped {pages} pages in {rounds} rounds, {retries} retries, {given_up} given up, \
             {repriced} prices changed, mean price {euros}.{cents:02} EUR"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::Product;

    fn round(prices: &[(u32, u32)]) -> Round {
        let product = |&(id, price_cents): &(u32, u32)| {
            let (category, name) = ("tea".to_owned(), format!("tea no. {id}"));
            (
                id,
                Product {
                    id,
                    category,
                    name,
                    price_cents,
                },
            )
        };
        Round {
            products: prices.iter().map(product).collect(),
            retries: 2,
            given_up: 1,
        }
    }

    #[test]
    fn a_price_counts_as_changed_only_against_the_round_before() {
        let first = round(&[(1, 500), (2, 700)]);
        let second = round(&[(1, 600), (2, 700), (3, 800)]);
        let mut totals = Totals::default();
        totals.add(&first, None);
        assert_eq!(totals.repriced, 0);
        totals.add(&second, Some(&first));
        assert_eq!(
            totals.to_string(),
            "scraped 5 pages in 2 rounds, 4 retries, 2 given up, 1 prices changed, mean price 7.00 EUR"
        );
    }

    #[test]
    fn a_round_without_pages_has_no_mean() {
        let mut totals = Totals::default();
        totals.add(&Round::default(), None);
        assert_eq!((totals.rounds, totals.mean_cents), (1, 0));
    }
}
