//! The only place where the builds differ: how a runtime is made, and what the instrumentation puts around it.

use std::future::Future;

use anyhow::Result;
use tokio::runtime::Builder;

/// Runs `driver` as a task of a runtime with that many workers, instrumented as the build says.
///
/// A task and not the root future, because applications spawn from tasks: from the root future every spawn would take
/// the lock of the injection queue.
pub(crate) fn run<F>(workers: usize, driver: F) -> Result<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    root(workers, async { Ok(tokio::spawn(driver).await?) })?
}

/// Runs `future` as the root future of a runtime with that many workers, instrumented as the build says.
pub(crate) fn root<F: Future>(workers: usize, future: F) -> Result<F::Output> {
    #[cfg(feature = "console")]
    console_subscriber::init();

    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(workers).enable_all();
    #[cfg(feature = "stallscope")]
    stallscope::BuilderExt::stallscope(&mut builder);
    let runtime = builder.build()?;

    #[cfg(feature = "stallscope")]
    let future = stallscope::root(future);
    let output = runtime.block_on(future);
    // The caller prints and exits: see `main`.
    std::mem::forget(runtime);
    Ok(output)
}
