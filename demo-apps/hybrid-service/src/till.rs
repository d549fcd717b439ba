//! The till: what customers have paid goes into a drawer, and from there to the safe now and then.

use std::time::Duration;

use stallscope::sync::Mutex;
use tokio::time::{sleep, timeout};

use crate::fault::{CHOSEN, Fault};

/// Who is not at the safe by then goes back to work.
const PATIENCE: Duration = Duration::from_millis(60);

/// What is in the till, in cents.
#[derive(Debug, Default)]
pub(crate) struct Till {
    drawer: Mutex<u64>,
    safe: Mutex<u64>,
}

impl Till {
    /// Takes in what a customer pays. May block.
    pub(crate) fn pay(&self, cents: u32) {
        *self.drawer.blocking_lock() += u64::from(cents);
    }

    /// Carries everything to the safe. Whether there was time for that: it takes as long as it takes to open the safe.
    pub(crate) async fn empty(&self, opened: impl Future<Output = ()>) -> bool {
        // fault: torn-transfer
        let transfer = stallscope::atomic("transfer", async {
            if CHOSEN.is(Fault::TornTransfer) {
                // fault: torn-transfer (the write)
                let cents = std::mem::take(&mut *self.drawer.lock().await);
                opened.await;
                *self.safe.lock().await += cents;
                return;
            }
            // All that takes time comes first: whoever ends this early ends it before it has begun to write.
            opened.await;
            let (mut drawer, mut safe) = (self.drawer.lock().await, self.safe.lock().await);
            *safe += std::mem::take(&mut *drawer);
        });
        timeout(PATIENCE, transfer).await.is_ok()
    }

    /// All that customers have paid.
    pub(crate) async fn count(&self) -> u64 {
        let (drawer, safe) = (self.drawer.lock().await, self.safe.lock().await);
        *drawer + *safe
    }
}

/// The safe opens when it likes to.
pub(crate) async fn safe_opens() {
    sleep(Duration::from_millis(fastrand::u64(20..100))).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A till that was paid into. Paying is for threads that may block.
    async fn till() -> Till {
        let paid = tokio::task::spawn_blocking(|| {
            let till = Till::default();
            till.pay(300);
            till.pay(45);
            till
        });
        paid.await.expect("no panic")
    }

    #[tokio::test]
    async fn what_was_paid_goes_to_the_safe() {
        let till = till().await;
        assert!(till.empty(async {}).await);
        assert_eq!(*till.drawer.lock().await, 0);
        assert_eq!(till.count().await, 345);
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_loses_nothing() {
        let till = till().await;
        assert!(!till.empty(std::future::pending()).await);
        assert_eq!(till.count().await, 345);
    }
}
