//! Stalls in spans of the application's own `tracing`, and near ones that they are not in.

use std::time::Duration;

use tracing::Instrument;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::Steps;

/// Stalls again and again in one way; the test says which, and whether there is a layer.
#[stallscope::main(worker_threads = 1)]
pub(super) async fn spans() {
    let kind = std::env::var("STALL").expect("the test says which");
    let has_layer = std::env::var_os("LAYER").is_some();
    tracing_subscriber::registry()
        .with(tracing_subscriber::fmt::layer().with_writer(std::io::sink))
        .with(has_layer.then(stallscope::spans))
        .init();
    let mut steps = Steps::ready();
    tokio::select! {
        () = steps.next() => {}
        () = stall_for_ever(&kind) => {}
    }
    steps.end().await;
}

async fn stall_for_ever(kind: &str) {
    loop {
        match kind {
            "task" => in_task(handle("/report", 7)).await,
            "recorded" => in_task(handle_and_record()).await,
            "recording" => in_task(async { record_slowly() }).await,
            "root" => handle("/report", 7).await,
            "nested" => in_task(handle_with_steps()).await,
            "left-entered" => {
                in_task(async { std::mem::forget(tracing::info_span!("left").entered()) }).await;
                in_task(async { stall() }).await;
            }
            "between" => {
                in_task(async {
                    tracing::info_span!("over").in_scope(|| ());
                    stall();
                })
                .await;
            }
            "local" => {
                let local = tokio::task::LocalSet::new();
                let _left = local.spawn_local(async {
                    let _entered = tracing::info_span!("left").entered();
                    std::future::pending::<()>().await;
                });
                let stalls = local.spawn_local(async { stall() });
                let _ = local.run_until(stalls).await;
            }
            "scoped" => {
                let subscriber = tracing_subscriber::registry().with(stallscope::spans());
                let around = tracing::info_span!("around");
                let _around = around.enter();
                tracing::subscriber::with_default(subscriber, || {
                    tracing::info_span!("scoped", depth = 2).in_scope(stall);
                });
            }
            other => panic!("no stall is called {other}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Watched on every tier.
async fn in_task(future: impl Future<Output = ()> + Send + 'static) {
    stallscope::spawn(future).await.expect("it does not panic");
}

// handle: made here
#[tracing::instrument]
async fn handle(path: &str, user: u32) {
    tokio::task::yield_now().await;
    stall();
}

async fn handle_and_record() {
    let span = tracing::info_span!("request", user = 7, rows = tracing::field::Empty);
    let recorded = span.clone();
    async move {
        recorded.record("rows", 12);
        stall();
    }
    .instrument(span)
    .await;
}

/// Stalls where tracing holds the lock of the span.
fn record_slowly() {
    struct Slow;
    impl std::fmt::Debug for Slow {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            stall();
            f.write_str("slow")
        }
    }
    let span = tracing::info_span!("request", user = 7, value = tracing::field::Empty);
    let _request = span.enter();
    span.record("value", tracing::field::debug(Slow));
}

/// The innermost span is over when it stalls, the ones around it are not.
async fn handle_with_steps() {
    async {
        let _step = tracing::info_span!("step", name = "render").entered();
        tracing::info_span!("inner").in_scope(|| ());
        stall();
    }
    .instrument(tracing::info_span!("request"))
    .await;
}

#[inline(never)]
fn stall() {
    // span: stalls here
    std::thread::sleep(Duration::from_millis(60));
}
