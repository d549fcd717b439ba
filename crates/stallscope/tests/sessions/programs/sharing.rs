//! State that several tasks share: once without agreeing on an order, and once as it should be.

use std::cell::Cell;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use stallscope::sync::{AccessProbe, Mutex, Shared, blocking};
use tokio::task::{JoinSet, spawn_blocking, yield_now};
use tokio::time::{sleep, timeout};
use tracing::Instrument;
use tracing_subscriber::Registry;

use super::Steps;

const A_WHILE: Duration = Duration::from_millis(5);

static DEVICE: AccessProbe = AccessProbe::new("device");

stallscope::thread_local! {
    static REQUEST: Cell<u64> = const { Cell::new(0) };
}

/// Everything that can go wrong, once each or more often.
#[stallscope::main(worker_threads = 2)]
pub(super) async fn badly() {
    tracing::subscriber::set_global_default(Registry::default()).expect("the first");
    let mut steps = Steps::ready();
    add_up_and_lose(Arc::new(Shared::new("hits", 0))).await;
    forget_what_was_read().await;
    tear().await;
    hold_across_await().await;
    stay_in_a_span().await;
    stallscope::spawn(leave_it_on_a_thread())
        .await
        .expect("no panic");
    overlap().await;
    println!("all is done");
    steps.next().await;
}

async fn add_up_and_lose(hits: Arc<Shared<u64>>) {
    let barrier = Arc::new(tokio::sync::Barrier::new(2));
    let mut tasks = JoinSet::new();
    for _ in 0..2 {
        let (hits, barrier) = (hits.clone(), barrier.clone());
        tasks.spawn(async move {
            let seen = hits.get();
            barrier.wait().await;
            // lost update: here
            hits.set(seen + 1);
        });
    }
    while tasks.join_next().await.is_some() {}
}

async fn forget_what_was_read() {
    let stock = Arc::new(Mutex::new(10));
    let other = stock.clone();
    stallscope::atomic("sell", async {
        let seen = *stock.lock().await;
        let sells_one = stallscope::spawn(async move {
            // lost update in a region: the other
            *other.lock().await -= 1;
        });
        sells_one.await.expect("no panic");
        // lost update in a region: here
        *stock.lock().await = seen - 1;
    })
    .await;
}

async fn tear() {
    let (from, to) = (Mutex::new(100), Mutex::new(0));
    // torn: the region
    let transfer = stallscope::atomic("transfer", async {
        // torn: the write
        *from.lock().await -= 10;
        sleep(Duration::from_secs(60)).await;
        *to.lock().await += 10;
    });
    timeout(A_WHILE, transfer)
        .await
        .expect_err("takes too long");
}

async fn hold_across_await() {
    let lock = blocking::Mutex::new(1);
    // guard: taken here
    let guard = lock.lock().expect("not poisoned");
    sleep(A_WHILE).await;
    drop(guard);
    // guard: taken for another
    let guard = lock.lock().expect("not poisoned");
    sleep(A_WHILE).await;
    drop(guard);
}

async fn stay_in_a_span() {
    // span: made here
    let _entered = tracing::info_span!("sweep").entered();
    sleep(A_WHILE).await;
}

async fn leave_it_on_a_thread() {
    // thread local: set here
    REQUEST.set(7);
    let here = std::thread::current().id();
    while std::thread::current().id() == here {
        // Keeps this worker, so that the other one goes on with this task.
        stallscope::spawn(async { std::thread::sleep(A_WHILE) });
        sleep(Duration::from_millis(1)).await;
    }
    // thread local: read here
    REQUEST.get();
}

async fn overlap() {
    let barrier = Arc::new(Barrier::new(2));
    let other = barrier.clone();
    let writes = spawn_blocking(move || {
        // overlap: writes
        let _access = DEVICE.write();
        other.wait();
        other.wait();
    });
    let reads = spawn_blocking(move || {
        barrier.wait();
        // overlap: reads
        let _access = DEVICE.read();
        barrier.wait();
    });
    writes.await.expect("no panic");
    reads.await.expect("no panic");
}

/// The same, as it should be.
#[stallscope::main(worker_threads = 2)]
pub(super) async fn well() {
    tracing::subscriber::set_global_default(Registry::default()).expect("the first");
    let mut steps = Steps::ready();
    let hits = Arc::new(Shared::new("hits", 0_u64));
    let stock = Arc::new(Mutex::new(100_i32));
    let table = Arc::new(blocking::Mutex::new(0_u64));
    let device = Arc::new(std::sync::Mutex::new(()));
    let mut tasks = JoinSet::new();
    for number in 0..8 {
        let (hits, stock, table, device) =
            (hits.clone(), stock.clone(), table.clone(), device.clone());
        tasks.spawn(async move {
            for _ in 0..50 {
                hits.update(|hits| *hits += 1);
                let seen = hits.get();
                yield_now().await;
                hits.update(|hits| *hits = (*hits).max(seen));
                // A region of one critical section, one that only reads, and one that ends as it should.
                stallscope::atomic("sell", async {
                    let mut stock = stock.lock().await;
                    yield_now().await;
                    *stock -= 1;
                })
                .await;
                stallscope::atomic("look twice", async {
                    let first = *stock.lock().await;
                    yield_now().await;
                    first + *stock.lock().await
                })
                .await;
                let reads = stallscope::atomic("look", async {
                    let seen = *stock.lock().await;
                    sleep(Duration::from_secs(60)).await;
                    seen
                });
                timeout(Duration::from_micros(100), reads)
                    .await
                    .expect_err("takes too long");
                // A guard that ends before the await.
                *table.lock().expect("not poisoned") += 1;
                yield_now().await;
                // A variable of the thread within one poll.
                REQUEST.set(number);
                assert_eq!(REQUEST.get(), number);
                async { yield_now().await }
                    .instrument(tracing::info_span!("sweep"))
                    .await;
                let device = device.clone();
                spawn_blocking(move || {
                    let _guard = device.lock().expect("not poisoned");
                    let _access = DEVICE.write();
                })
                .await
                .expect("no panic");
            }
        });
    }
    let overwrites = stallscope::spawn({
        let hits = hits.clone();
        async move {
            for _ in 0..50 {
                hits.set(0);
                yield_now().await;
            }
        }
    });
    while let Some(done) = tasks.join_next().await {
        done.expect("no panic");
    }
    overwrites.await.expect("no panic");
    // Entered and left within a poll, in the root future.
    tracing::info_span!("outside").in_scope(|| hits.get());
    async { sleep(A_WHILE).await }
        .instrument(tracing::info_span!("root"))
        .await;
    println!("all is done");
    steps.next().await;
}
