//! The programs under watch. A line that a test asks about has a mark above it.

use std::convert::Infallible;
use std::future::pending;
use std::io::{BufRead, Read, Seek};
use std::sync::Mutex;
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
        "stalls" => stalls(),
        "endless" => endless(),
        "stalled-root" => stalled_root(),
        "healthy" => healthy(),
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

/// Runs one kind of stall again and again in a task of its own; the test says which.
#[stallscope::main(worker_threads = 2)]
async fn stalls() {
    let kind = std::env::var("STALL").expect("the test says which");
    let held: &'static Mutex<()> = Box::leak(Box::default());
    std::thread::spawn(move || {
        loop {
            let _guard = held.lock();
            std::thread::sleep(Duration::from_millis(60));
        }
    });
    let mut steps = Steps::ready();
    let stall = tokio::spawn(async move {
        loop {
            match kind.as_str() {
                "sleep" => {
                    // stall: sleep
                    std::thread::sleep(Duration::from_millis(60));
                }
                "lock" => {
                    // stall: lock
                    let guard = held.lock();
                    drop(guard);
                }
                "cpu" => {
                    // stall: cpu
                    burn(Duration::from_millis(60));
                }
                "child-process" => {
                    // stall: child-process
                    let status = std::process::Command::new("sleep").arg("0.06").status();
                    status.expect("there is a sleep");
                }
                "file-io" => {
                    // stall: file-io
                    read_for(Duration::from_millis(80));
                }
                "block-on" => {
                    // stall: block-on
                    futures_like_block_on();
                }
                "in-place" => {
                    tokio::task::block_in_place(|| std::thread::sleep(Duration::from_millis(60)));
                }
                "allowed" => {
                    stallscope::allow_blocking("the test wants it", || {
                        std::thread::sleep(Duration::from_millis(60));
                    });
                }
                other => panic!("no stall is called {other}"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    steps.next().await;
    stall.abort();
    steps.end().await;
}

#[inline(never)]
fn burn(time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {
        // burn: here
        std::hint::black_box((0..1000).sum::<u64>());
    }
}

/// Reads a file over and over: it is in memory, so the thread is on the processor, in the kernel.
#[inline(never)]
fn read_for(time: Duration) {
    let began = Instant::now();
    let own = std::env::current_exe().expect("this test binary");
    let mut file = std::fs::File::open(own).expect("readable");
    let mut buffer = vec![0; 4 << 20];
    while began.elapsed() < time {
        // read: here
        let count = file.read(&mut buffer).expect("readable");
        if count == 0 {
            file.rewind().expect("a file");
        }
    }
}

/// What a careless handler does with a future it has no time to await.
#[inline(never)]
fn futures_like_block_on() {
    let handle = tokio::runtime::Handle::current();
    let waits = async { tokio::time::sleep(Duration::from_millis(60)).await };
    // A thread that is in a runtime may not block on it; another runtime's handle is no better, but allowed.
    std::thread::scope(|scope| {
        // block-on: here
        scope
            .spawn(|| handle.block_on(waits))
            .join()
            .expect("no panic");
    });
}

#[stallscope::main(flavor = "current_thread")]
async fn endless() {
    let mut steps = Steps::ready();
    tokio::spawn(async {
        // endless: here
        std::thread::sleep(Duration::from_secs(600));
    });
    steps.next().await;
}

#[stallscope::main(worker_threads = 1)]
async fn stalled_root() {
    let mut steps = Steps::ready();
    let stalls = async {
        loop {
            // root: stalls here
            std::thread::sleep(Duration::from_millis(100));
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = steps.next() => {}
        () = stalls => {}
    }
}

/// What all of this looks like when it is done well.
#[stallscope::main(worker_threads = 2)]
async fn healthy() {
    let held = std::sync::Arc::new(tokio::sync::Mutex::new(()));
    let steps = Steps::ready();
    let mut rounds = JoinSet::new();
    for _ in 0..4 {
        let held = held.clone();
        rounds.spawn(async move {
            for _ in 0..5 {
                let _guard = held.lock().await;
                let burning = tokio::task::spawn_blocking(|| burn(Duration::from_millis(30)));
                burning.await.expect("no panic");
                let reading = tokio::task::spawn_blocking(|| read_for(Duration::from_millis(30)));
                reading.await.expect("no panic");
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        });
        tokio::spawn(async {
            loop {
                burn(Duration::from_micros(200));
                tokio::task::yield_now().await;
            }
        });
    }
    while rounds.join_next().await.is_some() {}
    println!("rounds are done");
    steps.end().await;
    std::process::exit(0);
}
