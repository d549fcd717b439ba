//! Tests that share state badly and are told in other ways, or not at all.

use std::sync::Arc;
use std::thread;

use stallscope::sync::{Mutex, Shared};

use super::super::is_run;
use super::programs::all;

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
