//! A million tasks that come and go on two workers.

use std::future::pending;

#[cfg(not(tokio_unstable))]
use stallscope::spawn;
use tokio::runtime::Handle;
#[cfg(tokio_unstable)]
use tokio::spawn;
use tokio::task::{JoinHandle, yield_now};

use super::Steps;

/// How many there are in the end, and how many at one time.
pub(crate) const TASKS: u64 = 1_000_000;
const AT_ONCE: u64 = 1000;
/// Of these tasks one in so many stays.
pub(crate) const STAYS: u64 = 100_000;

/// On the hooks tier tasks of tokio's own, on the core tier those that are seen there.
#[stallscope::main(worker_threads = 2)]
pub(super) async fn flood() {
    let mut steps = Steps::ready();
    // Ours, at the start: it is counted by tokio alone.
    #[cfg(tokio_unstable)]
    let before = Handle::current().metrics().spawned_tasks_count();
    for part in [0..10, 10..TASKS / AT_ONCE] {
        for batch in part {
            run(batch * AT_ONCE).await;
        }
        println!("resident {}", resident());
        steps.next().await;
    }
    // What tokio itself has counted, while nothing happens.
    let metrics = Handle::current().metrics();
    #[cfg(tokio_unstable)]
    println!("tokio spawned {}", metrics.spawned_tasks_count() - before);
    println!("tokio alive {}", metrics.num_alive_tasks());
    loop {
        steps.next().await;
        println!("resident {}", resident());
    }
}

/// Spawns a batch and waits for all that do not stay.
async fn run(first: u64) {
    let handles: Vec<JoinHandle<()>> = (first..first + AT_ONCE)
        .map(|number| {
            // flood: spawned here
            spawn(async move {
                if number % STAYS == 7 {
                    pending::<()>().await;
                }
                yield_now().await;
            })
        })
        .collect();
    for (handle, number) in handles.into_iter().zip(first..) {
        if number % STAYS != 7 {
            handle.await.expect("no panic");
        }
    }
}

/// Memory of this process that is in use, kilobytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number
        .and_then(|number| number.parse().ok())
        .expect("a number")
}
