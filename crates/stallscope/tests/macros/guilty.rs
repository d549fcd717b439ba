//! Tests that are run by other tests, in a process of their own: see `verdicts.rs`. By themselves they do nothing.

#[path = "guilty/memory.rs"]
mod memory;
#[path = "guilty/sharing.rs"]
mod sharing;
#[path = "guilty/waits.rs"]
mod waits;

use std::thread::sleep;
use std::time::Duration;

/// The environment variable that has them do what they are for.
pub(crate) const RUN: &str = "MACROS_RUN_GUILTY";

/// Much longer than the limit, so that also a slow machine leaves no doubt.
const LONG: Duration = Duration::from_millis(600);

fn is_run() -> bool {
    std::env::var_os(RUN).is_some()
}

fn stall() {
    if is_run() {
        // stall: here
        sleep(LONG);
    }
}

/// For long enough on a processor, however few there are.
fn compute() {
    let before = on_cpu();
    while is_run() && on_cpu() < before + LONG / 3 {
        std::hint::black_box((0..100_000).sum::<u64>());
    }
}

/// What this thread has computed so far.
fn on_cpu() -> Duration {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").expect("the kernel says it");
    let nanos = times
        .split_whitespace()
        .next()
        .and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.expect("a number"))
}

#[stallscope::test]
async fn body_stalls() {
    stall();
}

#[stallscope::test]
async fn body_does_not_stall() {
    if is_run() {
        tokio::time::sleep(LONG).await;
        tokio::task::spawn_blocking(stall).await.expect("no panic");
    }
}

#[stallscope::test]
async fn body_computes() {
    compute();
}

#[stallscope::test(flavor = "multi_thread", worker_threads = 2)]
async fn task_stalls() {
    // task: spawned here
    let task = tokio::spawn(async {
        tokio::task::yield_now().await;
        stall();
    });
    task.await.expect("no panic");
}

#[stallscope::test]
async fn task_that_nobody_awaits_stalls() {
    drop(tokio::spawn(async { stall() }));
    tokio::task::yield_now().await;
}

#[stallscope::test]
async fn named_task_stalls() {
    let task = stallscope::task("miller").spawn(async { stall() });
    task.await.expect("no panic");
}

#[stallscope::test(flavor = "local")]
async fn local_body_stalls() {
    tokio::task::spawn_local(async { std::rc::Rc::new(()) })
        .await
        .expect("no panic");
    stall();
}

#[stallscope::test]
async fn stalls_at_one_place_are_told_once() {
    for _ in 0..3 {
        stall();
        tokio::task::yield_now().await;
    }
}

#[stallscope::test(long_poll = "30s")]
async fn limit_allows_it() {
    stall();
}

#[stallscope::test(long_poll = "50ms")]
async fn limit_forbids_it() {
    stall();
}

#[stallscope::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_intended() {
    stallscope::allow_blocking("for the test", stall);
    let in_place = tokio::spawn(async { tokio::task::block_in_place(stall) });
    in_place.await.expect("no panic");
    let computes = tokio::spawn(async { tokio::task::block_in_place(compute) });
    computes.await.expect("no panic");
    tokio::task::block_in_place(stall);
    stallscope::allow_blocking("for the test", || {
        stallscope::allow_blocking("within", compute);
    });
}

#[stallscope::test]
async fn body_panics_too() {
    stall();
    assert!(!is_run(), "the body's own words");
}

#[stallscope::test]
async fn body_fails_too() -> Result<(), &'static str> {
    stall();
    if is_run() {
        return Err("the body's own error");
    }
    Ok(())
}

#[stallscope::test]
#[should_panic(expected = ": it slept")]
async fn panic_is_expected() {
    stall();
    assert!(is_run(), "not run: it slept");
}

#[stallscope::test]
async fn one_of_many() {
    tokio::spawn(async {}).await.expect("no panic");
}

/// More runtimes than one byte can number.
fn many() {
    (0..320).for_each(|_| one_of_many());
}

#[test]
fn stalls_after_many_tests() {
    if is_run() {
        many();
        body_stalls();
    }
}

#[test]
fn leaves_tasks_after_many_tests() {
    if is_run() {
        many();
        leaves::tasks_behind();
    }
}

/// Tests that leave tasks, and tests that do not.
mod leaves {
    use std::future::pending;

    use tokio::sync::mpsc;
    use tokio::task::JoinSet;
    use tokio::time::Instant;

    use super::*;

    #[stallscope::test]
    pub(super) async fn tasks_behind() {
        if is_run() {
            // left: named
            stallscope::task("miller").spawn(async {
                // left: its child
                stallscope::spawn(pending::<()>());
                pending::<()>().await;
            });
            tokio::task::yield_now().await;
        }
    }

    #[stallscope::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_plain_task() {
        if is_run() {
            // left: plain
            tokio::spawn(pending::<()>());
        }
    }

    #[stallscope::test(flavor = "local")]
    async fn a_local_task() {
        if is_run() {
            tokio::task::spawn_local(pending::<()>());
        }
    }

    #[stallscope::test(leaks = "allow")]
    async fn what_it_may() {
        tokio::spawn(pending::<()>());
    }

    /// If the clock were moved for it, the task would end.
    #[stallscope::test(start_paused = true)]
    async fn a_sleeper() {
        if is_run() {
            tokio::spawn(tokio::time::sleep(Duration::from_secs(3600)));
        }
    }

    #[stallscope::test]
    async fn a_task_and_stalls() {
        stall();
        if is_run() {
            tokio::spawn(pending::<()>());
        }
    }

    #[stallscope::test]
    async fn a_task_and_panics() {
        if is_run() {
            tokio::spawn(pending::<()>());
            panic!("the body's own words");
        }
    }

    #[stallscope::test]
    async fn a_task_in_the_middle() {
        if is_run() {
            let task = stallscope::spawn(pending::<()>());
            stallscope::assert_no_leaked_tasks().await;
            task.abort();
        }
    }

    /// In an application with a main of its own.
    #[tokio::test]
    async fn a_task_unwatched() {
        if is_run() {
            tokio::spawn(pending::<()>());
            stallscope::assert_no_leaked_tasks().await;
        }
    }

    /// Tasks that are about to end when the body has.
    async fn none() {
        let mut set = JoinSet::new();
        for _ in 0..1000 {
            set.spawn(pending::<()>());
        }
        tokio::task::yield_now().await;

        // Each ends when the one before it has.
        let (first, mut previous) = mpsc::channel::<()>(1);
        for _ in 0..200 {
            let (ends, is_over) = mpsc::channel(1);
            let mut awaited = std::mem::replace(&mut previous, is_over);
            tokio::spawn(async move {
                awaited.recv().await;
                drop(ends);
            });
        }
        drop(first);
        tokio::spawn(pending::<()>()).abort();
    }

    #[stallscope::test]
    async fn none_on_one_thread() {
        none().await;
    }

    #[stallscope::test(flavor = "multi_thread", worker_threads = 2)]
    async fn none_on_two_threads() {
        none().await;
        let asks = async {
            none().await;
            stallscope::assert_no_leaked_tasks().await;
        };
        tokio::spawn(asks).await.expect("whoever asks is not meant");
    }

    #[stallscope::test(start_paused = true)]
    async fn none_while_time_stands_still() {
        let before = Instant::now();
        none().await;
        stallscope::assert_no_leaked_tasks().await;
        assert_eq!(before.elapsed(), Duration::ZERO);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn none_unwatched() {
        none().await;
        stallscope::assert_no_leaked_tasks().await;
        let asks = async { stallscope::assert_no_leaked_tasks().await };
        tokio::spawn(asks).await.expect("whoever asks is not meant");
    }
}

/// Tests that run beside each other.
mod beside {
    use super::*;

    #[stallscope::test]
    async fn stalls() {
        for _ in 0..3 {
            stall();
            tokio::task::yield_now().await;
        }
    }

    #[stallscope::test(flavor = "multi_thread", worker_threads = 2)]
    async fn stalls_in_a_task() {
        for _ in 0..3 {
            let task = tokio::spawn(async { stall() });
            task.await.expect("no panic");
        }
    }

    #[stallscope::test]
    async fn waits() {
        if is_run() {
            for _ in 0..20 {
                let task = tokio::spawn(tokio::time::sleep(LONG / 10));
                task.await.expect("no panic");
            }
        }
    }

    #[stallscope::test(flavor = "multi_thread", worker_threads = 2)]
    async fn waits_in_tasks() {
        if is_run() {
            let waiting = (0..10).map(|_| {
                tokio::spawn(async {
                    for _ in 0..10 {
                        tokio::time::sleep(LONG / 10).await;
                    }
                })
            });
            for task in waiting.collect::<Vec<_>>() {
                task.await.expect("no panic");
            }
        }
    }
}
