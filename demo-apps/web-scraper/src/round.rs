//! One round: every page that the catalogue lists, each fetched by a task of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::JoinSet;
use tracing::{debug, warn};

use crate::decoder;
use crate::extract;
use crate::fetch::{CATALOGUE, FetchError, Fetcher, Page};
use crate::product::Product;

/// What one pass over the catalogue brought home.
#[derive(Debug, Default)]
pub(crate) struct Round {
    /// By product number, so that two rounds can be compared.
    pub(crate) products: BTreeMap<u32, Product>,
    /// Attempts beyond the first, over all pages.
    pub(crate) retries: u32,
    /// Pages that failed in every attempt, or held no product.
    pub(crate) given_up: u32,
}

/// Fetches the catalogue, then every page it lists.
///
/// Dropping the future aborts all of its page tasks: they live in its `JoinSet`.
pub(crate) async fn scrape(fetcher: &Arc<Fetcher>) -> Result<Round, FetchError> {
    let catalogue = fetcher.page(CATALOGUE).await?;

    let mut pages = JoinSet::new();
    for path in extract::product_paths(&catalogue.html) {
        pages.spawn(scrape_page(Arc::clone(fetcher), path.to_owned()));
    }

    let mut round = Round::default();
    while let Some(finished) = pages.join_next().await {
        match finished {
            Ok(Ok((product, retries))) => {
                round.products.insert(product.id, product);
                round.retries += retries;
            }
            Ok(Err(failed)) => {
                debug!("{failed}");
                round.given_up += 1;
            }
            Err(panicked) => {
                warn!("a page task failed: {panicked}");
                round.given_up += 1;
            }
        }
    }
    Ok(round)
}

async fn scrape_page(fetcher: Arc<Fetcher>, path: String) -> Result<(Product, u32), String> {
    let Page { html, retries } = fetcher
        .page(&path)
        .await
        .map_err(|failed| format!("{path} {failed}"))?;
    let decoded = decoder::decode(html).await;
    let page = decoded.map_err(|failed| format!("{path} cannot be decoded: {failed}"))?;
    let product =
        extract::product(&page).ok_or_else(|| format!("{path} does not look like a product"))?;
    Ok((product, retries))
}
