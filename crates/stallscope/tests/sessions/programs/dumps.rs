//! Programs that are asked by a signal what they do.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::Steps;

/// Every worker is stuck, and a blocking thread waits.
#[stallscope::main(worker_threads = 2)]
pub(super) async fn stuck() {
    let steps = Steps::ready();
    for name in ["first", "second"] {
        // stuck: spawned here
        stallscope::task(name).spawn(async {
            println!("stuck");
            // stuck: here
            std::thread::sleep(Duration::from_secs(600));
        });
    }
    steps.end().await;
    std::process::exit(0);
}

/// The application listens for the signal too, from some time on.
#[stallscope::main(worker_threads = 1)]
pub(super) async fn handles_later() {
    let steps = Steps::ready();
    let mut signals = signal(SignalKind::user_defined1()).expect("a handler");
    println!("listening");
    signals.recv().await;
    println!("got the signal");
    steps.end().await;
}

/// The application has listened for the signal before we came.
#[tokio::main(worker_threads = 1)]
pub(super) async fn handles_before() {
    let mut signals = signal(SignalKind::user_defined1()).expect("a handler");
    let _stallscope = stallscope::init();
    let steps = Steps::ready();
    signals.recv().await;
    println!("got the signal");
    steps.end().await;
}
