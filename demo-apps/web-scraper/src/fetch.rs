//! Fetching one page: how many at a time, for how long, how often again.

use std::fmt;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// An attempt that takes longer than this has failed.
const ATTEMPT_LIMIT: Duration = Duration::from_millis(750);

/// Attempts per page.
const ATTEMPTS: u32 = 4;

/// Before the second attempt; twice as long before each further one.
const FIRST_BACKOFF: Duration = Duration::from_millis(20);

/// Gets pages of one site, a limited number of them at a time.
#[derive(Debug)]
pub(crate) struct Fetcher {
    client: reqwest::Client,
    site: String,
    permits: Semaphore,
}

/// A page as it came over the wire.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) html: String,
    /// Attempts beyond the first.
    pub(crate) retries: u32,
}

impl Fetcher {
    /// For the pages of `site` (`http://host:port`), at most `at_once` at the same time.
    pub(crate) fn new(site: &str, at_once: u16) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(usize::from(at_once))
            .build()
            .context("cannot set up the HTTP client")?;
        Ok(Self {
            client,
            site: site.to_owned(),
            permits: Semaphore::new(usize::from(at_once)),
        })
    }

    /// Gets the page at `path`, in several attempts if need be.
    ///
    /// The permit is given back while backing off: a page that fails does not keep others from being fetched.
    pub(crate) async fn page(&self, path: &str) -> Result<Page, FetchError> {
        let mut backoff = FIRST_BACKOFF;
        let mut retries = 0;
        loop {
            match self.attempt(path).await {
                Ok(html) => return Ok(Page { html, retries }),
                Err(last) if retries + 1 == ATTEMPTS => return Err(FetchError { last }),
                Err(_) => {
                    sleep(backoff).await;
                    backoff *= 2;
                    retries += 1;
                }
            }
        }
    }

    async fn attempt(&self, path: &str) -> Result<String, Failure> {
        // Nobody closes this semaphore; if somebody did, the page is not fetched.
        let _permit = self.permits.acquire().await.map_err(|_| Failure::Closed)?;
        // Dropping the request at the limit ends it: nothing of it stays behind.
        match timeout(ATTEMPT_LIMIT, self.request(path)).await {
            Ok(answer) => answer,
            Err(_) => Err(Failure::TimedOut),
        }
    }

    async fn request(&self, path: &str) -> Result<String, Failure> {
        let request = self.client.get(format!("{}{path}", self.site));
        let answer = request
            .send()
            .await
            .and_then(reqwest::Response::error_for_status);
        answer
            .map_err(Failure::Http)?
            .text()
            .await
            .map_err(Failure::Http)
    }
}

/// A page that failed in every attempt.
#[derive(Debug)]
pub(crate) struct FetchError {
    last: Failure,
}

#[derive(Debug)]
enum Failure {
    TimedOut,
    Http(reqwest::Error),
    Closed,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed in {ATTEMPTS} attempts, at last because ")?;
        match &self.last {
            Failure::TimedOut => write!(f, "it took longer than {ATTEMPT_LIMIT:?}"),
            Failure::Http(error) => write!(f, "of HTTP: {error}"),
            Failure::Closed => f.write_str("the fetcher is closed"),
        }
    }
}

impl std::error::Error for FetchError {}
