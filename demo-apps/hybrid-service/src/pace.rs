//! How busy the service is: measured by main itself every now and then, for whoever asks.

use std::convert::Infallible;
use std::time::Duration;

use stallscope::sync::blocking::{Mutex, PoisonError};
use tokio::time::sleep;
use tracing::{Instrument, info_span};

use crate::fault::{CHOSEN, Fault};
use crate::hits::Hits;

/// Between two measurements.
const PAUSE: Duration = Duration::from_millis(200);

const SECOND: Duration = Duration::from_secs(1);

/// Requests in a second, as measured last.
#[derive(Debug, Default)]
pub(crate) struct Pace(Mutex<u64>);

impl Pace {
    /// Measures for as long as it is polled.
    pub(crate) async fn keep(&self, hits: &Hits) -> Infallible {
        loop {
            sleep(PAUSE).await;
            self.measure_in_span(hits).await;
        }
    }

    async fn measure_in_span(&self, hits: &Hits) {
        if CHOSEN.is(Fault::SpanAcrossAwait) {
            // fault: span-across-await
            let _entered = info_span!("pace").entered();
            return self.measure(hits).await;
        }
        self.measure(hits).instrument(info_span!("pace")).await;
    }

    async fn measure(&self, hits: &Hits) {
        let before = hits.so_far();
        if CHOSEN.is(Fault::GuardAcrossAwait) {
            // fault: guard-across-await
            let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            sleep(SECOND).await;
            *latest = hits.so_far() - before;
            return;
        }
        sleep(SECOND).await;
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *latest = hits.so_far() - before;
    }

    /// Requests in the second that was measured last; zero before.
    pub(crate) fn latest(&self) -> u64 {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_requests_of_the_second_that_was_measured_last_count() {
        let (pace, hits) = (Pace::default(), Hits::none());
        let two = async {
            hits.count(sleep(SECOND / 4)).await;
            hits.count(sleep(SECOND / 4)).await;
        };
        tokio::join!(pace.measure(&hits), two);
        assert_eq!(pace.latest(), 2);
        pace.measure(&hits).await;
        assert_eq!(pace.latest(), 0);
    }
}
