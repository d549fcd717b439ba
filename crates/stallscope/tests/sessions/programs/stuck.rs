//! Blocking closures that do not return, and pools that only look as if they had such.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use tokio::task::{JoinSet, spawn_blocking};

use super::Steps;

/// One closure that does not return in time, in the way the test says.
#[stallscope::main(worker_threads = 1)]
pub(super) async fn closure() {
    one_closure().await;
}

/// As above, on a runtime of one thread.
#[stallscope::main(flavor = "current_thread")]
pub(super) async fn closure_on_one_thread() {
    one_closure().await;
}

async fn one_closure() {
    let how = std::env::var("STUCK").expect("the test says how");
    let (done, is_done) = channel::<()>();
    let mut steps = Steps::ready();
    let work = spawn_blocking(move || match how.as_str() {
        "waits" => {
            // stuck: waits
            let _ = is_done.recv();
        }
        "wakes" => {
            // Awake for a moment, again and again.
            while is_done.try_recv().is_err() {
                // stuck: wakes
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        "computes" => {
            while is_done.try_recv().is_err() {
                super::stalls::burn(Duration::from_millis(20));
            }
        }
        other => panic!("no closure is stuck by {other}"),
    });
    steps.next().await;
    done.send(()).expect("it is still there");
    work.await.expect("it returns");
    println!("it has returned");
    steps.next().await;
    std::process::exit(0);
}

/// For longer than several limits: threads that are busy with one short closure after another, each at the same line; threads that have nothing to do; a worker
/// in `block_in_place`; and a closure that is intended.
#[stallscope::main(worker_threads = 2)]
pub(super) async fn healthy_pool() {
    const LASTS: Duration = Duration::from_secs(8);
    let mut steps = Steps::ready();
    let began = Instant::now();
    let mut all = JoinSet::new();
    for _ in 0..6 {
        all.spawn_blocking(|| {}); // they wait for more to do
    }
    for _ in 0..4 {
        all.spawn(async move {
            while began.elapsed() < LASTS {
                let short = spawn_blocking(|| std::thread::sleep(Duration::from_millis(400)));
                short.await.expect("it returns");
            }
        });
    }
    all.spawn(async { tokio::task::block_in_place(|| std::thread::sleep(LASTS)) });
    all.spawn_blocking(|| {
        stallscope::allow_blocking("it listens for ever", || std::thread::sleep(LASTS));
    });
    all.join_all().await;
    println!("the pool was healthy");
    steps.next().await;
    std::process::exit(0);
}
