//! Tasks that end in every way there is, and tasks that clients may abort.

use std::future::pending;
use std::panic::panic_any;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::task::{LocalSet, yield_now};

use super::Steps;

/// Every way, one task each.
#[stallscope::main(worker_threads = 2)]
pub(super) async fn ways_to_end() {
    let steps = Steps::ready();

    // ended: finishes
    let finished = stallscope::task("finishes").spawn(async {
        yield_now().await;
        tokio::time::sleep(Duration::from_millis(5)).await;
        6 * 7
    });
    assert_eq!(finished.await.expect("no panic"), 42);

    // ended: is aborted
    let aborted = stallscope::task("is aborted").spawn(pending::<()>());
    aborted.abort();
    assert!(aborted.await.expect_err("it never ends").is_cancelled());

    the_payload_arrives_as_it_left().await;

    let bomb = Bomb;
    // ended: panics in a destructor
    let exploded = stallscope::task("explodes").spawn(async move {
        pending::<()>().await;
        drop(bomb);
    });
    exploded.abort();
    assert!(exploded.await.expect_err("it never ends").is_panic());

    std::thread::spawn(goes_with_its_runtime)
        .join()
        .expect("no panic");

    // Nobody awaits it.
    // ended: panics detached
    drop(stallscope::task("detached").spawn(async {
        stallscope::task("its child").spawn(async {});
        panic!("the query works\nalways");
    }));
    steps.end().await;
}

/// What a task panics with is what its handle gives, and destructors run once, while it unwinds.
async fn the_payload_arrives_as_it_left() {
    struct Payload(Arc<()>);
    struct Counting(Arc<AtomicU32>);
    impl Drop for Counting {
        fn drop(&mut self) {
            if std::thread::panicking() {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    let (original, drops) = (Arc::new(()), Arc::new(AtomicU32::new(0)));
    let (thrown, counting) = (original.clone(), Counting(drops.clone()));
    // ended: panics with a value
    let panicked = stallscope::task("panics with a value").spawn(async move {
        let _counting = counting;
        yield_now().await;
        panic_any(Payload(thrown));
    });
    let payload = panicked.await.expect_err("it panics").into_panic();
    let payload = payload.downcast::<Payload>().expect("what it threw");
    assert!(Arc::ptr_eq(&payload.0, &original));
    assert_eq!(Arc::strong_count(&original), 2, "nobody else has kept it");
    assert_eq!(drops.load(Ordering::Relaxed), 1);
    println!("the payload is the same");
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("boom");
    }
}

/// A task that was alive when its runtime shut down: one without hooks.
fn goes_with_its_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        // ended: goes with its runtime
        stallscope::task("left").spawn(pending::<()>());
        yield_now().await;
    });
    // While a thread unwinds, too: that is no panic of the task.
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _runtime = runtime;
        panic_any("the thread of a runtime fails");
    }));
    assert!(unwound.is_err());
}

/// Tells where it is dropped.
struct Told(&'static str);

impl Drop for Told {
    fn drop(&mut self) {
        let thread = std::thread::current();
        println!(
            "{} is dropped by {}",
            self.0,
            thread.name().unwrap_or("a thread")
        );
    }
}

async fn waits_for_ever(told: Told) {
    pending::<()>().await;
    drop(told);
}

#[stallscope::main(worker_threads = 3)]
pub(super) async fn can_be_aborted() {
    let mut steps = Steps::ready();
    // cancel: spawned
    stallscope::task("spawned").spawn(waits_for_ever(Told("spawned")));
    let registered = tokio::spawn(waits_for_ever(Told("registered")));
    stallscope::cancellable(registered.abort_handle());
    println!("registered is {}", registered.id());
    let unknown = tokio::spawn(waits_for_ever(Told("unknown")));
    println!("unknown is {}", unknown.id());

    let (let_go, until) = channel::<()>();
    let until = std::sync::Mutex::new(until);
    // cancel: stubborn
    stallscope::task("stubborn").spawn(async move {
        println!("stubborn is stuck");
        // cancel: stuck here
        let _gone = until.lock().unwrap_or_else(PoisonError::into_inner).recv();
        waits_for_ever(Told("stubborn")).await;
    });
    steps.next().await;
    println!(
        "alive: registered {}, unknown {}",
        !registered.is_finished(),
        !unknown.is_finished()
    );
    drop(let_go);
    steps.end().await;
    std::process::exit(0);
}

/// A task of one thread, with what must never leave it.
#[stallscope::main(flavor = "current_thread")]
pub(super) async fn local_can_be_aborted() {
    let steps = Steps::ready();
    LocalSet::new()
        .run_until(async {
            let told = Rc::new(Told("local"));
            let local = tokio::task::spawn_local(async move {
                pending::<()>().await;
                drop(told);
            });
            stallscope::cancellable(local.abort_handle());
            println!("local is {}", local.id());
            drop(local);
            steps.end().await;
        })
        .await;
}
