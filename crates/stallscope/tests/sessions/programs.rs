//! The programs under watch. A line that a test asks about has a mark above it.

use std::convert::Infallible;
use std::future::pending;
use std::io::BufRead;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use stallscope::{BuilderExt, Hooks};
use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::{JoinSet, LocalSet};

/// Runs one of the programs.
pub(crate) fn run(name: &str) {
    match name {
        "family" => family(),
        "blocking" => blocking(),
        "in-place" => in_place(),
        "current-thread" => current_thread(),
        "local-set" => local_set(),
        "two-runtimes" => two_runtimes(),
        "ends" => ends(),
        "polls" => polls(),
        "many" => many(),
        "named" => named(),
        "init" => init(),
        "own-hooks" => own_hooks(),
        "replaced-hooks" => replaced_hooks(),
        "exit-while-stalled" => exit_while_stalled(),
        "error" => error().expect("an error is what this program returns"),
        other => panic!("no program is called {other}"),
    }
}

/// The steps the test lets the program take; over when it closes stdin.
struct Steps(UnboundedReceiver<()>);

impl Steps {
    fn ready() -> Self {
        let (sender, receiver) = unbounded_channel();
        // A thread of its own: tokio's stdin would add a blocking task to what is looked at.
        std::thread::spawn(move || {
            for _line in std::io::stdin().lock().lines() {
                let _ = sender.send(());
            }
        });
        println!("ready");
        Steps(receiver)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }

    async fn end(mut self) {
        while self.0.recv().await.is_some() {}
    }
}

#[stallscope::main(worker_threads = 2)]
// family: root
async fn family() {
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
async fn blocking() {
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
async fn in_place() {
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
async fn current_thread() {
    // current thread: task
    tokio::spawn(pending::<Infallible>());
    Steps::ready().end().await;
}

#[stallscope::main(flavor = "current_thread")]
async fn local_set() {
    let local = LocalSet::new();
    local.spawn_local(async {
        // local set: spawned from within
        tokio::spawn(pending::<Infallible>());
        println!("spawned");
        pending::<()>().await;
    });
    local.run_until(Steps::ready().end()).await;
}

fn two_runtimes() {
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
async fn ends() {
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
async fn polls() {
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
async fn many() {
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
async fn named() {
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

#[tokio::main(worker_threads = 2)]
async fn init() {
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

fn own_hooks() {
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

fn replaced_hooks() {
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
async fn exit_while_stalled() {
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
async fn error() -> Result<(), String> {
    Steps::ready().end().await;
    Ok(())
}
