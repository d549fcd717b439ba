//! Polls that last too long, each in one way, and what is as good and does not.

use std::io::{Read, Seek};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::Steps;

/// Runs one kind of stall again and again in a task of its own; the test says which.
#[stallscope::main(worker_threads = 2)]
pub(super) async fn stalls() {
    stall_on_and_on().await;
}

/// As above, in an application that has kept its `#[tokio::main]`.
#[tokio::main(worker_threads = 2)]
pub(super) async fn stalls_under_init() {
    let _stallscope = stallscope::init();
    stall_on_and_on().await;
}

/// As above, on a runtime of one thread.
#[stallscope::main(flavor = "current_thread")]
pub(super) async fn stalls_on_one_thread() {
    stall_on_and_on().await;
}

/// A task that computes for ever and never holds its worker for long.
#[stallscope::main(worker_threads = 2)]
pub(super) async fn considerate() {
    let steps = Steps::ready();
    tokio::spawn(async {
        for _ in 0..400 {
            burn(Duration::from_millis(4));
            tokio::task::yield_now().await;
        }
        println!("it has computed");
    });
    steps.end().await;
}

async fn stall_on_and_on() {
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
        for round in 1.. {
            if round == 6 {
                println!("five stalls");
            }
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
pub(super) fn burn(time: Duration) {
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

#[stallscope::main(flavor = "current_thread")]
pub(super) async fn endless() {
    let mut steps = Steps::ready();
    // endless: spawned here
    stallscope::spawn(async {
        // endless: here
        std::thread::sleep(Duration::from_secs(600));
    });
    // Its worker is handed on: that may take as long as it likes.
    stallscope::spawn(async {
        tokio::task::block_in_place(|| std::thread::sleep(Duration::from_secs(600)));
    });
    steps.next().await;
}

#[stallscope::main(worker_threads = 1)]
// root: spawned here
pub(super) async fn stalled_root() {
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

/// The same where the kernel hides from a process without privileges, too, what its threads do.
#[cfg(target_os = "linux")]
pub(super) fn undumpable() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    set_dumpable_behavior(DumpableBehavior::NotDumpable).expect("anybody may");
    stalled_root();
}

/// What all of this looks like when it is done well.
#[stallscope::main(worker_threads = 2)]
pub(super) async fn healthy() {
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
