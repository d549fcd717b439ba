//! Tasks that wait for locks: once for good or in a long queue, and once as it should be.

use std::pin::pin;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use stallscope::sync::{Mutex, RwLock, blocking};
use tokio::time::{sleep, timeout};

use super::Steps;

const A_WHILE: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(600);

/// One of each that waits for good.
#[stallscope::main(worker_threads = 2)]
pub(super) async fn for_good() {
    let mut steps = Steps::ready();
    meet_in_opposite_orders();
    meet_on_threads();
    put_aside();
    stand_in_line();
    steps.next().await;
    std::process::exit(0);
}

fn meet_in_opposite_orders() {
    let accounts = Arc::new(Mutex::new(10));
    let journal = Arc::new(RwLock::new(Vec::new()));
    let both_hold = Arc::new(tokio::sync::Barrier::new(2));
    let (a, j, barrier) = (accounts.clone(), journal.clone(), both_hold.clone());
    stallscope::task("transfer").spawn(async move {
        // circle: the accounts are held
        let mut accounts = a.lock().await;
        barrier.wait().await;
        // circle: the journal is wanted
        j.write().await.push(*accounts);
        *accounts += 1;
    });
    stallscope::task("audit").spawn(async move {
        // circle: the journal is held
        let journal = journal.read().await;
        both_hold.wait().await;
        // So that the other one's wait is the older.
        sleep(A_WHILE).await;
        // circle: the accounts are wanted
        let accounts = accounts.lock().await;
        assert_eq!(journal.len(), *accounts);
    });
}

fn meet_on_threads() {
    let locks = Arc::new((blocking::Mutex::new(1), blocking::Mutex::new(2)));
    let both_hold = Arc::new(Barrier::new(2));
    let (other, barrier) = (locks.clone(), both_hold.clone());
    std::thread::spawn(move || {
        let first = locks.0.lock();
        both_hold.wait();
        // threads: the one wants
        let second = locks.1.lock();
        drop((first, second));
    });
    std::thread::spawn(move || {
        let second = other.1.lock();
        barrier.wait();
        // threads: the other wants
        let first = other.0.lock();
        drop((first, second));
    });
}

fn put_aside() {
    let lock = Arc::new(Mutex::new(0));
    let holder = lock.clone();
    stallscope::spawn(async move {
        let guard = holder.lock().await;
        let waits = stallscope::spawn(async move {
            // futurelock: put aside
            let mut first = pin!(lock.lock());
            tokio::select! {
                _guard = &mut first => unreachable!("it is held"),
                () = sleep(A_WHILE) => {}
            }
            // futurelock: behind it
            let _guard = lock.lock().await;
        });
        sleep(A_WHILE * 5).await;
        drop(guard);
        waits.await
    });
}

fn stand_in_line() {
    let connection = Arc::new(Mutex::new(()));
    for _ in 0..10 {
        let connection = connection.clone();
        stallscope::spawn(async move {
            loop {
                // convoy: one at a time
                let _guard = connection.lock().await;
                sleep(A_WHILE).await;
            }
        });
    }
}

/// The same, as it should be, and what only looks like it.
#[stallscope::main(worker_threads = 2)]
pub(super) async fn well() {
    let mut steps = Steps::ready();
    in_one_order();
    give_up_and_try_again();
    come_back_to_it();
    queue_of_seven();
    queue_within_the_poll();
    let (held, waited) = branches_of_one_task().await;
    assert_eq!((held, waited), (1, 2));
    println!("all is done");
    steps.next().await;
    std::process::exit(0);
}

fn in_one_order() {
    let locks = Arc::new((Mutex::new(1), Mutex::new(2)));
    for _ in 0..4 {
        let locks = locks.clone();
        stallscope::spawn(async move {
            loop {
                let _first = locks.0.lock().await;
                let _second = locks.1.lock().await;
                sleep(A_WHILE).await;
            }
        });
    }
}

fn give_up_and_try_again() {
    let locks = Arc::new([Mutex::new(1), Mutex::new(2)]);
    for number in 0..2 {
        let locks = locks.clone();
        stallscope::spawn(async move {
            loop {
                let _own = locks[number].lock().await;
                sleep(A_WHILE).await;
                let _ = timeout(Duration::from_millis(700), locks[1 - number].lock()).await;
            }
        });
    }
}

fn come_back_to_it() {
    let lock = Arc::new(Mutex::new(0));
    for _ in 0..2 {
        let lock = lock.clone();
        stallscope::spawn(async move {
            loop {
                let mut first = pin!(lock.lock());
                tokio::select! {
                    _guard = &mut first => {}
                    () = sleep(A_WHILE) => {
                        sleep(A_WHILE * 5).await;
                        drop(first.await);
                    }
                }
                let _guard = lock.lock().await;
                sleep(A_WHILE * 10).await;
            }
        });
    }
}

fn queue_of_seven() {
    let connection = Arc::new(Mutex::new(()));
    for _ in 0..8 {
        let connection = connection.clone();
        stallscope::spawn(async move {
            loop {
                let _guard = connection.lock().await;
                sleep(A_WHILE).await;
            }
        });
    }
}

fn queue_within_the_poll() {
    let count = Arc::new(Mutex::new(0_u64));
    for _ in 0..200 {
        let count = count.clone();
        stallscope::spawn(async move {
            loop {
                *count.lock().await += 1;
                tokio::task::yield_now().await;
                if count.lock().await.is_multiple_of(1000) {
                    sleep(A_WHILE).await;
                }
            }
        });
    }
}

/// One branch holds what the other waits for, and goes on by itself.
async fn branches_of_one_task() -> (u32, u32) {
    let lock = Mutex::new(0);
    let holds = async {
        let mut guard = lock.lock().await;
        sleep(Duration::from_secs(3)).await;
        *guard += 1;
        *guard
    };
    let waits = async {
        let mut guard = lock.lock().await;
        *guard += 1;
        *guard
    };
    timeout(LONG, async { tokio::join!(holds, waits) })
        .await
        .expect("in time")
}
