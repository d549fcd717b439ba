//! Places that make tasks which never end, and places that only look like it.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{interval, sleep};

use super::Steps;

/// Ten tasks a second that wait for what never comes.
#[stallscope::main(worker_threads = 2)]
pub(super) async fn growing() {
    let mut steps = Steps::ready();
    let grow = async {
        let mut tick = interval(Duration::from_millis(100));
        loop {
            tick.tick().await;
            // growing: here
            stallscope::spawn(pending::<Infallible>());
        }
    };
    tokio::select! {
        () = steps.next() => {}
        () = grow => {}
    }
}

/// A dozen requests, each of which leaves a task behind, and then no more.
#[stallscope::main(worker_threads = 2)]
pub(super) async fn leaving_behind() {
    let mut steps = Steps::ready();
    for _ in 0..12 {
        let request = stallscope::spawn(async {
            // left behind: here
            stallscope::spawn(pending::<Infallible>());
        });
        request.await.expect("no panic");
        sleep(Duration::from_millis(250)).await;
    }
    steps.next().await;
}

/// Much that stays, and nothing that leaks.
#[stallscope::main(worker_threads = 2)]
pub(super) async fn staying() {
    let mut steps = Steps::ready();
    // One task at the start leaves a few behind, for good.
    let start = stallscope::spawn(async {
        for _ in 0..5 {
            stallscope::spawn(pending::<Infallible>());
        }
    });
    start.await.expect("no panic");
    // Connections that stay, with some coming and going on top.
    let mut connections = JoinSet::new();
    for _ in 0..300 {
        connections.spawn(pending::<Infallible>());
    }
    stallscope::spawn(async {
        loop {
            stallscope::spawn(sleep(Duration::from_millis(300)));
            sleep(Duration::from_millis(20)).await;
        }
    });
    // A burst that drains, whose parent has ended.
    let burst = stallscope::spawn(async {
        for number in 0..600 {
            stallscope::spawn(sleep(Duration::from_millis(number * 20)));
        }
    });
    burst.await.expect("no panic");
    sleep(Duration::from_secs(10)).await;
    println!("it has stayed");
    steps.next().await;
    std::process::exit(0);
}
