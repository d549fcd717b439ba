//! Programs whose tasks use the same state: each in two versions, without an order that they agree on, and as it should be.
//!
//! Those on one thread never fail by themselves: what they wait for is there at once. Those on several do when threads happen to meet. That is
//! what makes such faults hard to find.

#[path = "across.rs"]
mod across;

use std::collections::HashSet;
use std::sync::Arc;
use std::thread::{self, ThreadId};

use stallscope::sync::{AccessProbe, Mutex, Shared};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, spawn_blocking};

pub(crate) use self::across::{guard, span, thread_local};

/// Something that a task waits for, and that is nearly always there at once.
pub(crate) type Audit = Arc<Mutex<u64>>;

pub(crate) async fn note(audit: &Audit) {
    *audit.lock().await += 1;
}

/// The threads that have polled a task of a program.
#[derive(Clone, Default)]
struct Threads(Arc<std::sync::Mutex<HashSet<ThreadId>>>);

impl Threads {
    /// Waits until two have: how soon the second one gets a processor is the machine's affair.
    async fn are_two(&self) {
        while !self.has_another() {
            tokio::task::yield_now().await;
        }
    }

    fn has_another(&self) -> bool {
        let mut threads = self.0.lock().expect("not poisoned");
        threads.insert(thread::current().id());
        threads.len() > 1
    }
}

pub(crate) async fn all(tasks: impl IntoIterator<Item = JoinHandle<()>>) {
    // All are spawned before the first is awaited.
    for task in tasks.into_iter().collect::<Vec<_>>() {
        task.await.expect("no panic");
    }
}

/// A value that is read, and set from what was read.
pub(crate) mod shared {
    use super::*;

    pub(crate) async fn badly() {
        let (hits, audit) = (Arc::new(Shared::new("hits", 0)), Audit::default());
        let counts = |_| {
            let (hits, audit) = (hits.clone(), audit.clone());
            stallscope::spawn(async move {
                for _ in 0..3 {
                    let seen = hits.get();
                    note(&audit).await;
                    // shared: here
                    hits.set(seen + 1);
                }
            })
        };
        all((0..3).map(counts)).await;
    }

    pub(crate) async fn well() {
        let (hits, audit) = (Arc::new(Shared::new("hits", 0)), Audit::default());
        let counts = |_| {
            let (hits, audit) = (hits.clone(), audit.clone());
            stallscope::spawn(async move {
                for _ in 0..3 {
                    note(&audit).await;
                    hits.update(|hits| *hits += 1);
                }
            })
        };
        all((0..3).map(counts)).await;
        assert_eq!(hits.get(), 9);
    }

    /// Nothing gives way here but the threads.
    pub(crate) async fn badly_on_threads() {
        let (hits, threads) = (Arc::new(Shared::new("hits", 0)), Threads::default());
        let counts = |_| {
            let (hits, threads) = (hits.clone(), threads.clone());
            tokio::spawn(async move {
                threads.are_two().await;
                for _ in 0..20 {
                    let seen = hits.get();
                    std::future::ready(()).await;
                    hits.set(seen + 1);
                }
            })
        };
        all((0..3).map(counts)).await;
    }
}

/// A region in which a lock is let go of between reading and writing.
pub(crate) mod region {
    use super::*;

    pub(crate) async fn badly() {
        let stock = Arc::new(Mutex::new(100));
        let sells = |_| {
            let stock = stock.clone();
            stallscope::spawn(async move {
                for _ in 0..3 {
                    stallscope::atomic("sell", async {
                        let seen = *stock.lock().await;
                        // region: here
                        *stock.lock().await = seen - 1;
                    })
                    .await;
                }
            })
        };
        all((0..3).map(sells)).await;
    }

    pub(crate) async fn well() {
        let stock = Arc::new(Mutex::new(100));
        let sells = |_| {
            let stock = stock.clone();
            stallscope::spawn(async move {
                for _ in 0..3 {
                    stallscope::atomic("sell", async {
                        let mut stock = stock.lock().await;
                        *stock -= 1;
                    })
                    .await;
                }
            })
        };
        all((0..3).map(sells)).await;
        assert_eq!(*stock.lock().await, 91);
    }
}

/// A customer who may hang up in the middle of a transfer.
pub(crate) mod torn {
    use super::*;

    const CUSTOMERS: usize = 60;

    pub(crate) async fn badly() {
        for _ in 0..CUSTOMERS {
            let (from, to) = (Mutex::new(100), Mutex::new(0));
            // torn: the region
            let transfer = stallscope::atomic("transfer", async {
                // torn: the write
                *from.lock().await -= 10;
                *to.lock().await += 10;
            });
            unless_hung_up(transfer).await;
        }
    }

    pub(crate) async fn well() {
        for _ in 0..CUSTOMERS {
            let (from, to) = (Mutex::new(100), Mutex::new(0));
            let transfer = stallscope::atomic("transfer", async {
                let (mut from, mut to) = (from.lock().await, to.lock().await);
                *from -= 10;
                *to += 10;
            });
            unless_hung_up(transfer).await;
            assert_eq!(*from.lock().await + *to.lock().await, 100);
        }
    }

    async fn unless_hung_up(transfer: impl Future<Output = ()>) {
        let hangs_up = Arc::new(Notify::new());
        let (audit, line) = (Audit::default(), hangs_up.clone());
        let customer = stallscope::spawn(async move {
            note(&audit).await;
            line.notify_one();
        });
        tokio::select! {
            biased;
            () = hangs_up.notified() => {}
            () = transfer => {}
        }
        customer.await.expect("no panic");
    }
}

/// Two closures that use one device.
pub(crate) mod overlap {
    use super::*;

    static DEVICE: AccessProbe = AccessProbe::new("device");

    pub(crate) async fn badly() {
        let writes = |_| {
            spawn_blocking(|| {
                for _ in 0..6 {
                    // overlap: here
                    let _access = DEVICE.write();
                }
            })
        };
        all((0..4).map(writes)).await;
    }

    pub(crate) async fn well() {
        let lock = Arc::new(std::sync::Mutex::new(()));
        let writes = |_| {
            let lock = lock.clone();
            spawn_blocking(move || {
                for _ in 0..6 {
                    let _guard = lock.lock().expect("not poisoned");
                    let _access = DEVICE.write();
                }
            })
        };
        all((0..4).map(writes)).await;
    }
}
