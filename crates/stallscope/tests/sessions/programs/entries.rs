//! The ways into the library, and out of the process.

use std::convert::Infallible;
use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use stallscope::{BuilderExt, Hooks};
use tokio::runtime::Builder;

use super::Steps;

#[tokio::main(worker_threads = 2)]
pub(super) async fn init() {
    let _stallscope = stallscope::init();
    // init: seen
    stallscope::task("seen").spawn(async {
        // init: child
        stallscope::spawn(pending::<Infallible>());
        pending::<Infallible>().await
    });
    let short: Vec<_> = (0..1000)
        .map(|_| stallscope::spawn(tokio::task::yield_now()))
        .collect();
    for handle in short {
        handle.await.expect("no panic");
    }
    stallscope::spawn(pending::<Infallible>()).abort();
    // init: not seen
    tokio::spawn(pending::<Infallible>());
    Steps::ready().end().await;
}

pub(super) fn by_hand() {
    let _stallscope = stallscope::init();
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .stallscope()
        .build()
        .expect("a runtime");
    runtime.block_on(stallscope::root(async { Steps::ready().end().await }));
}

pub(super) fn own_hooks() {
    static STARTED: AtomicU32 = AtomicU32::new(0);
    let hooks = Hooks::new().on_thread_start(|| {
        STARTED.fetch_add(1, Ordering::SeqCst);
    });
    #[cfg(tokio_unstable)]
    let hooks = {
        static CALLS: [AtomicU32; 4] = [const { AtomicU32::new(0) }; 4];
        let count = |index: usize| {
            move |_: &tokio::runtime::TaskMeta<'_>| _ = CALLS[index].fetch_add(1, Ordering::SeqCst)
        };
        std::thread::spawn(|| {
            while CALLS.iter().any(|calls| calls.load(Ordering::SeqCst) == 0) {
                std::thread::yield_now();
            }
            println!("all task hooks were called");
        });
        hooks
            .on_task_spawn(count(0))
            .on_before_task_poll(count(1))
            .on_after_task_poll(count(2))
            .on_task_terminate(count(3))
    };
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .stallscope_with(hooks)
        .build()
        .expect("a runtime");
    runtime.block_on(stallscope::root(async {
        tokio::spawn(async {}).await.expect("no panic");
        assert!(STARTED.load(Ordering::SeqCst) >= 1);
        Steps::ready().end().await;
    }));
}

pub(super) fn replaced_hooks() {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(1).stallscope();
    #[cfg(tokio_unstable)]
    builder.on_task_spawn(|_| {});
    let runtime = builder.build().expect("a runtime");
    runtime.block_on(stallscope::root(async {
        tokio::spawn(async {}).await.expect("no panic");
        Steps::ready().end().await;
    }));
}

#[stallscope::main(worker_threads = 2)]
pub(super) async fn exit_while_stalled() {
    let mut steps = Steps::ready();
    for _ in 0..2 {
        tokio::spawn(async {
            println!("stalling");
            std::thread::sleep(Duration::from_secs(600));
        });
    }
    steps.next().await;
    std::process::exit(7);
}

#[stallscope::main]
pub(super) async fn error() -> Result<(), String> {
    Steps::ready().end().await;
    Ok(())
}
