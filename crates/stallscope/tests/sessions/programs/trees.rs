//! Tasks of every kind: children, closures, roots, names, and many of them.

use std::convert::Infallible;
use std::future::pending;
use std::time::{Duration, Instant};

use stallscope::BuilderExt;
use tokio::runtime::Builder;
use tokio::task::{JoinSet, LocalSet};

use super::Steps;

#[stallscope::main(worker_threads = 2)]
// family: root
pub(super) async fn family() {
    // family: parent
    tokio::spawn(async {
        for _ in 0..3 {
            // family: child
            tokio::spawn(pending::<Infallible>());
        }
        let mut set = JoinSet::new();
        // family: in a set
        set.spawn(pending::<Infallible>());
        set.join_next().await;
    });
    let metrics = tokio::runtime::Handle::current().metrics();
    while metrics.num_alive_tasks() < 5 {
        tokio::task::yield_now().await;
    }
    let mut steps = Steps::ready();
    steps.next().await;
    println!("alive {}", metrics.num_alive_tasks());
    steps.end().await;
}

#[stallscope::main(worker_threads = 2)]
pub(super) async fn blocking() {
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let handle = tokio::runtime::Handle::current();
    tokio::spawn(async move {
        let closure = tokio::task::spawn_blocking(move || {
            // blocking: child
            handle.spawn(pending::<Infallible>());
            println!("spawned");
            let _ = stopped.recv();
        });
        closure.await.expect("no panic");
        println!("closure ended");
        pending::<Infallible>().await;
    });
    let mut steps = Steps::ready();
    steps.next().await;
    drop(stop);
    steps.end().await;
}

#[stallscope::main(worker_threads = 2)]
pub(super) async fn in_place() {
    for _ in 0..3 {
        // in place: task
        tokio::spawn(async {
            tokio::task::block_in_place(std::thread::yield_now);
            println!("was in place");
            pending::<Infallible>().await;
        });
    }
    Steps::ready().end().await;
}

#[stallscope::main(flavor = "current_thread")]
// current thread: root
pub(super) async fn current_thread() {
    // current thread: task
    tokio::spawn(pending::<Infallible>());
    Steps::ready().end().await;
}

#[stallscope::main(flavor = "current_thread")]
pub(super) async fn local_set() {
    let local = LocalSet::new();
    local.spawn_local(async {
        // local set: spawned from within
        tokio::spawn(pending::<Infallible>());
        println!("spawned");
        pending::<()>().await;
    });
    local.run_until(Steps::ready().end()).await;
}

pub(super) fn two_runtimes() {
    let other = std::thread::spawn(|| {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .stallscope()
            .build()
            .expect("a runtime");
        runtime.block_on(stallscope::root(async {
            // two runtimes: in the second
            tokio::spawn(pending::<Infallible>());
            println!("second");
            pending::<Infallible>().await
        }))
    });
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .stallscope()
        .build()
        .expect("a runtime");
    runtime.block_on(stallscope::root(async {
        // two runtimes: in the first
        tokio::spawn(pending::<Infallible>());
        Steps::ready().end().await;
    }));
    drop(other);
}

#[stallscope::main(worker_threads = 2)]
pub(super) async fn ends() {
    let finished = tokio::spawn(async {});
    let panicked = tokio::spawn(async { panic!("as the test wants it") });
    let aborted = tokio::spawn(pending::<Infallible>());
    let never_polled = tokio::spawn(pending::<Infallible>());
    never_polled.abort();
    tokio::task::yield_now().await;
    aborted.abort();
    let _ = finished.await;
    assert!(panicked.await.is_err_and(|error| error.is_panic()));
    assert!(aborted.await.is_err_and(|error| error.is_cancelled()));
    assert!(never_polled.await.is_err_and(|error| error.is_cancelled()));
    // ends: the one that stays
    tokio::spawn(pending::<Infallible>());
    Steps::ready().end().await;
}

#[stallscope::main(worker_threads = 1)]
pub(super) async fn polls() {
    // polls: a hundred
    let yields = tokio::spawn(async {
        for _ in 0..99 {
            tokio::task::yield_now().await;
        }
        println!("yielded");
        pending::<()>().await;
    });
    // polls: a long one
    tokio::spawn(async {
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(30) {}
        println!("spun");
        pending::<()>().await;
    });
    let mut steps = Steps::ready();
    steps.next().await;
    yields.abort();
    steps.end().await;
}

#[stallscope::main(worker_threads = 2)]
pub(super) async fn many() {
    let mut steps = Steps::ready();
    for _ in 0..100 {
        let mut set = JoinSet::new();
        for _ in 0..1000 {
            // many: short ones
            set.spawn(tokio::task::yield_now());
        }
        // many: one in a thousand
        tokio::spawn(pending::<Infallible>());
        while set.join_next().await.is_some() {}
    }
    println!("spawned");
    steps.next().await;
}

#[stallscope::main(worker_threads = 1)]
pub(super) async fn named() {
    // named: parent
    stallscope::task("accept loop").spawn(async {
        // named: child
        stallscope::spawn(pending::<Infallible>());
        pending::<Infallible>().await
    });
    stallscope::task(format!("short {}", 1))
        .spawn(async {})
        .await
        .expect("no panic");
    Steps::ready().end().await;
}
