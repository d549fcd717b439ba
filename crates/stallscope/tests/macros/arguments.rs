//! Each argument reaches the runtime that the body runs on.

use std::thread;
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::time::Instant;

/// tokio under the name that `crate = "…"` is for.
mod renamed {
    pub(super) use tokio as timer;
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[stallscope::main]
async fn default_flavor() -> RuntimeFlavor {
    Handle::current().runtime_flavor()
}

#[stallscope::main()]
async fn empty_parentheses() -> RuntimeFlavor {
    Handle::current().runtime_flavor()
}

#[stallscope::main(flavor = "multi_thread")]
async fn multi_thread() -> RuntimeFlavor {
    Handle::current().runtime_flavor()
}

#[stallscope::main(flavor = "current_thread")]
async fn current_thread() -> RuntimeFlavor {
    Handle::current().runtime_flavor()
}

#[test]
fn flavor_is_multi_thread_unless_told_otherwise() {
    assert_eq!(default_flavor(), RuntimeFlavor::MultiThread);
    assert_eq!(empty_parentheses(), RuntimeFlavor::MultiThread);
    assert_eq!(multi_thread(), RuntimeFlavor::MultiThread);
    assert_eq!(current_thread(), RuntimeFlavor::CurrentThread);
}

/// Only a local runtime takes tasks that are not `Send` without a `LocalSet` around them.
#[stallscope::main(flavor = "local")]
async fn local() -> thread::ThreadId {
    let not_send = std::rc::Rc::new(());
    let task = tokio::task::spawn_local(async move {
        drop(not_send);
        thread::current().id()
    });
    task.await.expect("the task ends")
}

#[test]
fn local_flavor_spawns_on_its_own_thread() {
    assert_eq!(local(), thread::current().id());
}

#[stallscope::main(worker_threads = 3)]
async fn three_workers() -> usize {
    Handle::current().metrics().num_workers()
}

#[stallscope::main(flavor = "multi_thread", worker_threads = 0x2_usize)]
async fn two_workers() -> usize {
    Handle::current().metrics().num_workers()
}

#[test]
fn worker_threads_counts_workers() {
    assert_eq!(three_workers(), 3);
    assert_eq!(two_workers(), 2);
}

/// A paused clock jumps to the next timer as soon as nothing else is to be done.
#[stallscope::main(flavor = "current_thread", start_paused = true)]
async fn sleep_a_day_paused() -> Duration {
    let start = Instant::now();
    tokio::time::sleep(DAY).await;
    start.elapsed()
}

#[stallscope::main(flavor = "local", start_paused = true)]
async fn sleep_a_day_paused_locally() -> Duration {
    let start = Instant::now();
    tokio::time::sleep(DAY).await;
    start.elapsed()
}

#[stallscope::main(flavor = "current_thread", start_paused = false)]
async fn clock_runs() -> bool {
    tokio::time::timeout(Duration::from_millis(1), async {
        // Pausing would panic if the clock stood still already.
        tokio::time::pause();
        tokio::time::advance(DAY).await;
        std::future::pending::<()>().await;
    })
    .await
    .is_err()
}

#[test]
fn start_paused_stops_the_clock() {
    assert!(sleep_a_day_paused() >= DAY);
    assert!(sleep_a_day_paused_locally() >= DAY);
    assert!(clock_runs());
}

#[stallscope::main(crate = "renamed::timer")]
async fn renamed_tokio() -> RuntimeFlavor {
    Handle::current().runtime_flavor()
}

#[stallscope::main(crate = "crate::arguments::renamed::timer", flavor = "current_thread")]
async fn absolute_path_to_tokio() -> RuntimeFlavor {
    Handle::current().runtime_flavor()
}

#[test]
fn crate_says_where_tokio_is() {
    assert_eq!(renamed_tokio(), RuntimeFlavor::MultiThread);
    assert_eq!(absolute_path_to_tokio(), RuntimeFlavor::CurrentThread);
}

#[stallscope::main(name = "billing")]
async fn named() -> Option<String> {
    Handle::current().name().map(str::to_owned)
}

#[test]
fn name_is_the_name_of_the_runtime() {
    assert_eq!(named().as_deref(), Some("billing"));
}

/// tokio takes any case, so do we.
#[stallscope::main(Flavor = "current_thread")]
async fn capitals() -> RuntimeFlavor {
    Handle::current().runtime_flavor()
}

#[test]
fn names_of_arguments_ignore_case() {
    assert_eq!(capitals(), RuntimeFlavor::CurrentThread);
}

#[cfg(tokio_unstable)]
mod unhandled_panic {
    use std::panic;

    #[stallscope::main(flavor = "current_thread", unhandled_panic = "ignore")]
    async fn ignore() -> bool {
        tokio::spawn(async { panic!("ignored") }).await.is_err()
    }

    #[stallscope::main(flavor = "current_thread", unhandled_panic = "shutdown_runtime")]
    async fn shutdown_runtime() {
        tokio::spawn(async { panic!("passed on") });
        std::future::pending::<()>().await;
    }

    #[test]
    fn says_what_a_panic_in_a_task_does() {
        assert!(ignore());
        assert!(panic::catch_unwind(shutdown_runtime).is_err());
    }
}
