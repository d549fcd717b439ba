//! Tests whose tasks use the same state: each in two versions, without an order that they agree on, and as it should be.
//!
//! Those on one thread never fail by themselves: what they wait for is there at once. Those on several do when threads happen to meet. That is
//! what makes such faults hard to find.

use std::cell::Cell;
use std::collections::HashSet;
use std::sync::Arc;
use std::thread::{self, ThreadId};

use stallscope::sync::{AccessProbe, Mutex, Shared, blocking};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, spawn_blocking};
use tracing::Instrument;

use super::is_run;

/// Something that a task waits for, and that is nearly always there at once.
type Audit = Arc<Mutex<u64>>;

async fn note(audit: &Audit) {
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

async fn all(tasks: impl IntoIterator<Item = JoinHandle<()>>) {
    // All are spawned before the first is awaited.
    for task in tasks.into_iter().collect::<Vec<_>>() {
        task.await.expect("no panic");
    }
}

/// A value that is read, and set from what was read.
mod shared {
    use super::*;

    pub(super) async fn badly() {
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

    pub(super) async fn well() {
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
    pub(super) async fn badly_on_threads() {
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
mod region {
    use super::*;

    pub(super) async fn badly() {
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

    pub(super) async fn well() {
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
mod torn {
    use super::*;

    const CUSTOMERS: usize = 60;

    pub(super) async fn badly() {
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

    pub(super) async fn well() {
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

/// A guard of a blocking lock.
mod guard {
    use super::*;

    pub(super) async fn badly() {
        let (table, audit) = (blocking::Mutex::new(0), Audit::default());
        for _ in 0..5 {
            // guard: taken here
            let mut table = table.lock().expect("not poisoned");
            note(&audit).await;
            *table += 1;
        }
    }

    pub(super) async fn well() {
        let (table, audit) = (blocking::Mutex::new(0), Audit::default());
        for _ in 0..5 {
            note(&audit).await;
            *table.lock().expect("not poisoned") += 1;
        }
    }
}

/// A span of `tracing`.
mod span {
    use super::*;

    pub(super) async fn badly() {
        let _default = tracing::subscriber::set_default(tracing_subscriber::Registry::default());
        let audit = Audit::default();
        for _ in 0..5 {
            // span: made here
            let _entered = tracing::info_span!("sweep").entered();
            note(&audit).await;
        }
    }

    pub(super) async fn well() {
        let _default = tracing::subscriber::set_default(tracing_subscriber::Registry::default());
        let audit = Audit::default();
        for _ in 0..5 {
            note(&audit).instrument(tracing::info_span!("sweep")).await;
        }
    }
}

/// A variable of the thread.
mod thread_local {
    use super::*;

    stallscope::thread_local! {
        static REQUEST: Cell<u64> = const { Cell::new(0) };
    }

    pub(super) async fn badly() {
        let (audit, threads) = (Audit::default(), Threads::default());
        let serves = |request| {
            let (audit, threads) = (audit.clone(), threads.clone());
            stallscope::spawn(async move {
                threads.are_two().await;
                for _ in 0..30 {
                    // thread local: set here
                    REQUEST.set(request);
                    note(&audit).await;
                    // thread local: read here
                    REQUEST.get();
                }
            })
        };
        all((0..8).map(serves)).await;
    }

    pub(super) async fn well() {
        let audit = Audit::default();
        let serves = |request| {
            let audit = audit.clone();
            stallscope::spawn(async move {
                for _ in 0..30 {
                    note(&audit).await;
                    REQUEST.set(request);
                    assert_eq!(REQUEST.get(), request);
                }
            })
        };
        all((0..8).map(serves)).await;
    }
}

/// Two closures that use one device.
mod overlap {
    use super::*;

    static DEVICE: AccessProbe = AccessProbe::new("device");

    pub(super) async fn badly() {
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

    pub(super) async fn well() {
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

/// For each kind: a test of its guilty program, one of its repaired twin, and one that counts how often the first is found out.
macro_rules! tests {
    ($($kind:ident ($($flavor:tt)*) $new:ident;)+) => { $(
        mod $kind {
            use super::*;

            #[stallscope::test($($flavor)* perturb = 1)]
            async fn guilty() {
                if is_run() {
                    super::super::$kind::badly().await;
                }
            }

            #[stallscope::test($($flavor)* perturb = 1)]
            async fn repaired() {
                if is_run() {
                    super::super::$kind::well().await;
                }
            }

            #[test]
            fn counted() {
                if is_run() {
                    count(tokio::runtime::Builder::$new, super::super::$kind::badly);
                }
            }
        }
    )+ };
}

mod of {
    use super::*;

    tests! {
        shared() new_current_thread;
        region() new_current_thread;
        torn() new_current_thread;
        guard() new_current_thread;
        span() new_current_thread;
        thread_local(flavor = "multi_thread", worker_threads = 2,) new_multi_thread;
        overlap() new_current_thread;
    }

    #[test]
    fn threads_counted() {
        if is_run() {
            count(
                tokio::runtime::Builder::new_multi_thread,
                super::shared::badly_on_threads,
            );
        }
    }

    /// In how many of 200 runs, each with a seed of its own, the program fails its test; and in how many of 50 without any.
    fn count<F: Future<Output = ()>>(builder: fn() -> tokio::runtime::Builder, program: fn() -> F) {
        use stallscope::__private::{Limits, test};
        let fails = |limits: Limits| {
            let test = || {
                let mut builder = builder();
                builder.enable_all().worker_threads(2);
                test(builder, limits, program);
            };
            std::panic::catch_unwind(test).is_err()
        };
        let perturbed = (0..200).filter(|&seed| fails(Limits::new().perturb(seed..=seed)));
        println!("found in {} of 200", perturbed.count());
        let plain = (0..50).filter(|_| fails(Limits::new()));
        println!("unperturbed in {} of 50", plain.count());
    }
}

/// What else a test can say about them.
mod told {
    use super::*;

    async fn forgets() {
        let stock = Arc::new(Shared::new("stock", 10));
        let sells = |_| {
            let stock = stock.clone();
            stallscope::spawn(async move {
                let seen = stock.get();
                tokio::task::yield_now().await;
                stock.set(seen - 1);
            })
        };
        all((0..2).map(sells)).await;
        assert!(stock.get() == 8, "one too many is left");
    }

    #[stallscope::test]
    async fn with_a_panic() {
        if is_run() {
            forgets().await;
        }
    }

    #[stallscope::test(conflicts = "allow")]
    async fn allowed_to() {
        if is_run() {
            let hits = Shared::new("hits", 0);
            let seen = hits.get();
            thread::scope(|scope| {
                scope.spawn(|| hits.set(7));
            });
            hits.set(seen + 1);
        }
    }

    #[stallscope::test]
    async fn by_a_thread_of_nobody() {
        if is_run() {
            let hits = Shared::new("hits", 0);
            thread::scope(|scope| {
                scope.spawn(|| {
                    let seen = hits.get();
                    thread::scope(|scope| {
                        scope.spawn(|| hits.set(7));
                    });
                    // nobody: here
                    hits.set(seen + 1);
                });
            });
        }
    }

    #[stallscope::test]
    async fn by_a_thread_within() {
        if is_run() {
            let (hits, handle) = (Shared::new("hits", 0), tokio::runtime::Handle::current());
            thread::scope(|scope| {
                scope.spawn(|| {
                    let _entered = handle.enter();
                    let seen = hits.get();
                    thread::scope(|scope| {
                        scope.spawn(|| hits.set(7));
                    });
                    hits.set(seen + 1);
                });
            });
        }
    }

    /// Its region is torn by the end of the runtime alone.
    #[stallscope::test(leaks = "allow")]
    async fn left_in_the_middle() {
        if is_run() {
            let lock = Mutex::new(1);
            stallscope::spawn(stallscope::atomic("for ever", async move {
                *lock.lock().await += 1;
                std::future::pending::<()>().await;
            }));
            tokio::task::yield_now().await;
        }
    }
}

/// Tests with seeds that fail in other ways.
mod seeds {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// How often a body was run in this process.
    static RUNS: AtomicU64 = AtomicU64::new(0);

    fn nth_run() -> u64 {
        let nth = RUNS.fetch_add(1, Ordering::Relaxed);
        println!("run {nth}");
        if is_run() { nth } else { 0 }
    }

    #[stallscope::test(perturb = "40..50")]
    async fn panics_in_the_third() {
        assert!(nth_run() != 2, "the body's own words");
    }

    #[stallscope::test(perturb = "40..50")]
    async fn fails_in_the_third() -> Result<(), &'static str> {
        match nth_run() {
            2 => Err("the body's own error"),
            _ => Ok(()),
        }
    }

    #[stallscope::test(perturb = "40..43")]
    async fn fails_in_the_last() -> Result<(), &'static str> {
        match nth_run() {
            2 => Err("the body's own error"),
            _ => Ok(()),
        }
    }

    #[stallscope::test(flavor = "local", perturb = "40..50")]
    async fn leaks_in_the_third() {
        if nth_run() == 2 {
            tokio::task::spawn_local(std::future::pending::<()>());
        }
    }

    #[stallscope::test(perturb = "40..50")]
    #[should_panic(expected = "as it should")]
    async fn is_expected_to() {
        assert!(is_run() && nth_run() != 2, "as it should");
    }

    /// Its polls are held up for much longer than they may take.
    #[stallscope::test(perturb = 7, long_poll = "5ms")]
    async fn is_only_delayed() {
        if is_run() {
            let hits = Shared::new("hits", 0);
            for _ in 0..200 {
                hits.update(|hits| *hits += 1);
            }
        }
    }
}

/// Tests that run beside each other.
mod beside {
    use super::*;

    #[stallscope::test(perturb = "0..4")]
    async fn guilty() {
        if is_run() {
            for _ in 0..20 {
                super::shared::badly().await;
            }
        }
    }

    #[stallscope::test(perturb = "0..4")]
    async fn innocent() {
        if is_run() {
            for _ in 0..20 {
                super::shared::well().await;
            }
        }
    }

    #[stallscope::test(flavor = "multi_thread", worker_threads = 2)]
    async fn innocent_on_threads() {
        if is_run() {
            for _ in 0..20 {
                super::shared::well().await;
            }
        }
    }

    #[stallscope::test(conflicts = "allow", perturb = "0..4")]
    async fn guilty_but_allowed() {
        if is_run() {
            for _ in 0..20 {
                super::shared::badly().await;
            }
        }
    }
}
