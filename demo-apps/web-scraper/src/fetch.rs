//! Fetching one page: how many at a time, for how long, how often again.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::Context;
use reqwest::{Client, Response, header};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::fault::{CHOSEN, Fault};

/// An attempt that takes longer than this has failed.
const ATTEMPT_LIMIT: Duration = Duration::from_millis(750);

/// The page that links to all others.
pub(crate) const CATALOGUE: &str = "/catalogue";

/// Attempts per page.
const ATTEMPTS: u32 = 4;

/// Before the second attempt; twice as long before each further one.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);

/// Gets pages of one site, a limited number of them at a time.
#[derive(Debug)]
pub(crate) struct Fetcher {
    client: Client,
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
        let client = Client::builder()
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
                    back_off(backoff).await;
                    backoff *= 2;
                    retries += 1;
                }
            }
        }
    }

    async fn attempt(&self, path: &str) -> Result<String, Failure> {
        // Nobody closes this semaphore; if somebody did, the page is not fetched.
        let _permit = self.permits.acquire().await.map_err(|_| Failure::Closed)?;
        if CHOSEN.is(Fault::DroppedHandles) {
            let (client, url) = (self.client.clone(), self.url(path));
            // fault: dropped-handles
            let request = tokio::spawn(request_again_when_told(client, url));
            // Dropping the handle at the limit ends nothing.
            return match timeout(ATTEMPT_LIMIT, request).await {
                Ok(ended) => ended.unwrap_or(Err(Failure::Closed)),
                Err(_) => Err(Failure::TimedOut),
            };
        }
        // Dropping the request at the limit ends it: nothing of it stays behind.
        match timeout(ATTEMPT_LIMIT, self.request(path)).await {
            Ok(answer) => answer,
            Err(_) => Err(Failure::TimedOut),
        }
    }

    async fn request(&self, path: &str) -> Result<String, Failure> {
        if CHOSEN.is(Fault::BlockingClient) && path == CATALOGUE {
            return read_plainly(&self.site, path).map_err(Failure::Io);
        }
        let answer = self.client.get(self.url(path)).send().await;
        text(answer.map_err(Failure::Http)?).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.site)
    }
}

/// What a page says, if it is one.
async fn text(answer: Response) -> Result<String, Failure> {
    let page = answer.error_for_status().map_err(Failure::Http)?;
    page.text().await.map_err(Failure::Http)
}

/// Comes back when the shop says so, as often as it does, and the shop has time.
async fn request_again_when_told(client: Client, url: String) -> Result<String, Failure> {
    loop {
        let answer = client.get(&url).send().await.map_err(Failure::Http)?;
        let Some(pause) = retry_after(&answer) else {
            return text(answer).await;
        };
        drop(answer);
        sleep(pause).await;
    }
}

fn retry_after(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    seconds.parse().ok().map(Duration::from_secs)
}

/// Gives the shop time to recover.
async fn back_off(pause: Duration) {
    if CHOSEN.is(Fault::BlockingSleep) {
        // fault: blocking-sleep
        std::thread::sleep(pause);
    } else {
        sleep(pause).await;
    }
}

/// One request over a connection of its own, without a client. Blocks.
fn read_plainly(site: &str, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(site.trim_start_matches("http://"))?;
    stream.set_read_timeout(Some(ATTEMPT_LIMIT))?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    // fault: blocking-client
    stream.read_to_string(&mut answer)?;
    match answer.split_once("\r\n\r\n") {
        Some((_, page)) => Ok(page.to_owned()),
        None => Err(io::ErrorKind::InvalidData.into()),
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
    Io(io::Error),
    Closed,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed in {ATTEMPTS} attempts, at last because ")?;
        match &self.last {
            Failure::TimedOut => write!(f, "it took longer than {ATTEMPT_LIMIT:?}"),
            Failure::Http(error) => write!(f, "of HTTP: {error}"),
            Failure::Io(error) => write!(f, "of the connection: {error}"),
            Failure::Closed => f.write_str("the fetcher is closed"),
        }
    }
}

impl std::error::Error for FetchError {}
