//! Programs that wait for locks: each in two versions, in a way that may end in waiting for good, and as it should be.
//!
//! On one thread nobody comes in between by itself: what a task waits for is there at once.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use stallscope::sync::{Mutex, blocking};
use tokio::task::JoinHandle;

use super::super::sharing::programs::{Audit, all, note};

/// Two accounts, and transfers in both directions.
pub(crate) mod deadlock {
    use super::*;

    type Account = Arc<Mutex<i64>>;

    const TRANSFERS: usize = 20;

    pub(crate) async fn badly() {
        let (savings, current) = (Account::default(), Account::default());
        all([
            transfers(savings.clone(), current.clone()),
            transfers(current, savings),
        ])
        .await;
    }

    pub(crate) async fn well() {
        let (savings, current) = (Account::default(), Account::default());
        all([
            transfers(savings.clone(), current.clone()),
            transfers(savings, current),
        ])
        .await;
    }

    /// Of a task that only tokio knows.
    fn transfers(first: Account, second: Account) -> JoinHandle<()> {
        tokio::spawn(async move {
            for _ in 0..TRANSFERS {
                // deadlock: holds
                let mut first = first.lock().await;
                // deadlock: waits
                let mut second = second.lock().await;
                *first -= 1;
                *second += 1;
            }
        })
    }
}

/// The same with locks that block their threads.
pub(crate) mod blocked {
    use super::*;

    type Account = Arc<blocking::Mutex<i64>>;

    const TRANSFERS: usize = 100;

    pub(crate) async fn badly() {
        let (savings, current) = (Account::default(), Account::default());
        all([
            transfers(savings.clone(), current.clone()),
            transfers(current, savings),
        ])
        .await;
    }

    pub(crate) async fn well() {
        let (savings, current) = (Account::default(), Account::default());
        all([
            transfers(savings.clone(), current.clone()),
            transfers(savings, current),
        ])
        .await;
    }

    fn transfers(first: Account, second: Account) -> JoinHandle<()> {
        tokio::spawn(async move {
            for _ in 0..TRANSFERS {
                {
                    // blocked: holds
                    let mut first = first.lock().expect("not poisoned");
                    // blocked: waits
                    let mut second = second.lock().expect("not poisoned");
                    *first -= 1;
                    *second += 1;
                }
                tokio::task::yield_now().await;
            }
        })
    }
}

/// One who asks for a telephone line, does something else meanwhile, and asks again.
pub(crate) mod futurelock {
    use super::*;

    const CALLS: usize = 40;

    pub(crate) async fn badly() {
        let (line, audit) = (Arc::new(Mutex::new(0)), Audit::default());
        let others = talks(line.clone(), audit.clone());
        let impatient = stallscope::spawn(async move {
            for _ in 0..CALLS {
                // futurelock: put aside
                let mut first = pin!(line.lock());
                tokio::select! {
                    biased;
                    mut line = &mut first => *line += 1,
                    () = note(&audit) => {
                        // futurelock: waits
                        *line.lock().await += 1;
                    }
                }
            }
        });
        all([others, impatient]).await;
    }

    pub(crate) async fn well() {
        let (line, audit) = (Arc::new(Mutex::new(0)), Audit::default());
        let others = talks(line.clone(), audit.clone());
        let impatient = stallscope::spawn(async move {
            for _ in 0..CALLS {
                let gave_up = tokio::select! {
                    biased;
                    mut line = line.lock() => {
                        *line += 1;
                        false
                    }
                    () = note(&audit) => true,
                };
                if gave_up {
                    *line.lock().await += 1;
                }
            }
        });
        all([others, impatient]).await;
    }

    fn talks(line: Arc<Mutex<u64>>, audit: Audit) -> JoinHandle<()> {
        stallscope::spawn(async move {
            for _ in 0..CALLS {
                let mut line = line.lock().await;
                note(&audit).await;
                *line += 1;
            }
        })
    }
}

/// Many who share one connection.
pub(crate) mod convoy {
    use super::*;

    const CLIENTS: usize = 30;
    /// What each of them asks for takes so long.
    const ANSWER: Duration = Duration::from_millis(50);

    pub(crate) async fn badly() {
        let connection = Arc::new(Mutex::new(0));
        let asks = |_| {
            let connection = connection.clone();
            stallscope::spawn(async move {
                // convoy: here
                let mut connection = connection.lock().await;
                tokio::time::sleep(ANSWER).await;
                *connection += 1;
            })
        };
        all((0..CLIENTS).map(asks)).await;
    }

    pub(crate) async fn well() {
        let connection = Arc::new(Mutex::new(0));
        let asks = |client: usize| {
            let connection = connection.clone();
            stallscope::spawn(async move {
                // As long as above, and in the same order.
                tokio::time::sleep(ANSWER * client as u32).await;
                *connection.lock().await += 1;
            })
        };
        all((0..CLIENTS).map(asks)).await;
    }
}
