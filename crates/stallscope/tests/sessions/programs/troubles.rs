//! Runtimes in trouble that no single poll shows, and healthy ones that look alike.

use std::time::Duration;

use stallscope::BuilderExt;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use super::Steps;

/// Two threads for blocking work, and more work than they can do.
pub(super) fn full_pool() {
    with_pool(2, async {
        let mut work = JoinSet::new();
        for _ in 0..60 {
            work.spawn_blocking(|| {
                // pool: full here
                std::thread::sleep(Duration::from_millis(300));
            });
        }
        Steps::ready().next().await;
        std::process::exit(0);
    });
}

/// All threads of the pool are busy all the time, and nothing waits for them.
pub(super) fn busy_pool() {
    with_pool(4, async {
        let mut steps = Steps::ready();
        let mut work = JoinSet::new();
        // One of the pool's threads is the worker.
        for _ in 0..3 {
            work.spawn_blocking(|| std::thread::sleep(Duration::from_secs(1)));
        }
        work.join_all().await;
        println!("the pool was busy");
        steps.next().await;
        std::process::exit(0);
    });
}

fn with_pool(threads: usize, body: impl Future<Output = ()>) {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(threads)
        .enable_all()
        .stallscope()
        .build()
        .expect("a runtime");
    runtime.block_on(stallscope::root(body));
}

/// A runtime of one thread that has been left with work to do.
pub(super) fn undriven() {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .stallscope()
        .build()
        .expect("a runtime");
    runtime.block_on(stallscope::root(async {
        tokio::spawn(async {
            loop {
                tokio::task::yield_now().await;
            }
        });
        tokio::task::yield_now().await;
    }));
    println!("ready");
    // undriven: the thread is here
    std::thread::sleep(Duration::from_secs(120));
}

/// More ready tasks than one worker gets done, all with short polls.
#[stallscope::main(worker_threads = 1)]
pub(super) async fn long_queue() {
    let mut steps = Steps::ready();
    let mut tasks = JoinSet::new();
    for _ in 0..200 {
        tasks.spawn(async {
            for _ in 0..50 {
                super::stalls::burn(Duration::from_micros(100));
                tokio::task::yield_now().await;
            }
        });
    }
    tasks.join_all().await;
    println!("the queue is empty");
    steps.next().await;
    std::process::exit(0);
}
