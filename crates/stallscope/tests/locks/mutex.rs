//! What tokio documents of its mutex.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use super::begin;
use super::tokio_sync::{Mutex, MutexGuard, OwnedMutexGuard};
use crate::polls::{Boxed, at_once, panic_of, poll};

#[test]
fn who_comes_first_is_served_first() {
    begin();
    let (lock, served) = (Mutex::new(()), AtomicUsize::new(0));
    let guard = at_once(lock.lock());
    let mut queue: Vec<Boxed<'_, usize>> = (0..5)
        .map(|_| -> Boxed<'_, usize> {
            Box::pin(async {
                let _guard = lock.lock().await;
                served.fetch_add(1, Ordering::Relaxed)
            })
        })
        .collect();
    for waiter in &mut queue {
        assert!(poll(waiter).is_pending());
    }
    drop(guard);
    // Whoever is polled first: the lock waits for the first of the queue.
    assert!(poll(&mut queue[3]).is_pending());
    for (turn, waiter) in queue.iter_mut().enumerate() {
        assert_eq!(poll(waiter), std::task::Poll::Ready(turn));
    }
}

#[test]
fn a_waiter_that_is_dropped_holds_up_nobody() {
    begin();
    let lock = Mutex::new(());
    let guard = at_once(lock.lock());
    let mut waiters: Vec<Boxed<'_, MutexGuard<'_, ()>>> = (0..3)
        .map(|_| -> Boxed<'_, _> { Box::pin(lock.lock()) })
        .collect();
    for waiter in &mut waiters {
        assert!(poll(waiter).is_pending());
    }
    drop(waiters.remove(1));
    drop(guard);
    // The next one was given the lock, but is dropped before it learns of that.
    assert!(lock.try_lock().is_err());
    drop(waiters.remove(0));
    assert!(poll(&mut waiters[0]).is_ready());
    drop(waiters);
    assert!(lock.try_lock().is_ok());
}

#[test]
fn a_future_that_is_never_polled_asks_for_nothing() {
    begin();
    let lock = Mutex::new(());
    let future = lock.lock();
    assert!(lock.try_lock().is_ok());
    drop(future);
    assert!(lock.try_lock().is_ok());
}

#[test]
fn who_tries_does_not_wait() {
    begin();
    let lock = Arc::new(Mutex::new(1));
    let guard = lock.try_lock().expect("it is free");
    let error = lock.try_lock().expect_err("it is held");
    assert_eq!(error.to_string(), "operation would block");
    assert_eq!(format!("{error:?}"), "TryLockError(())");
    assert!(lock.clone().try_lock_owned().is_err());
    drop(guard);
    let owned = lock.clone().try_lock_owned().expect("it is free");
    assert!(lock.try_lock().is_err());
    assert_eq!(*owned, 1);
}

#[test]
fn an_owned_guard_keeps_the_lock_alive() {
    begin();
    let lock = Arc::new(Mutex::new(String::from("a")));
    let weak = Arc::downgrade(&lock);
    let mut guard = at_once(lock.lock_owned());
    guard.push('b');
    assert!(OwnedMutexGuard::mutex(&guard).try_lock().is_err());
    let lock = weak.upgrade().expect("the guard keeps it");
    drop(guard);
    let lock = Arc::into_inner(lock).expect("the guard is gone");
    assert_eq!(lock.into_inner(), "ab");
}

#[test]
fn a_guard_of_a_part_holds_the_whole() {
    begin();
    let lock = Mutex::new((1, Some(2)));
    let second = MutexGuard::map(at_once(lock.lock()), |pair| &mut pair.1);
    let mut inner =
        super::tokio_sync::MappedMutexGuard::try_map(second, Option::as_mut).expect("there is one");
    *inner += 1;
    assert!(lock.try_lock().is_err());
    drop(inner);
    assert_eq!(*at_once(lock.lock()), (1, Some(3)));
}

#[test]
fn a_part_that_is_not_there_gives_the_guard_back() {
    begin();
    let lock = Arc::new(Mutex::new(None::<u8>));
    let guard = MutexGuard::try_map(at_once(lock.lock()), Option::as_mut).expect_err("none");
    assert!(lock.try_lock().is_err());
    assert!(std::ptr::eq(MutexGuard::mutex(&guard), &raw const *lock));
    drop(guard);
    let guard = at_once(lock.clone().lock_owned());
    let guard = OwnedMutexGuard::try_map(guard, Option::as_mut).expect_err("none");
    assert!(lock.try_lock().is_err());
    drop(guard);
    let owned = OwnedMutexGuard::map(at_once(lock.clone().lock_owned()), |value| value);
    assert!(lock.try_lock().is_err());
    drop(owned);
    assert!(lock.try_lock().is_ok());
}

#[test]
fn a_panic_lets_go_and_poisons_nothing() {
    begin();
    let lock = Mutex::new(1);
    let panic = panic_of(|| {
        let mut guard = at_once(lock.lock());
        *guard = 2;
        panic!("in the middle");
    });
    assert_eq!(panic, "in the middle");
    assert_eq!(*at_once(lock.lock()), 2);
    let panic =
        panic_of(|| MutexGuard::map(at_once(lock.lock()), |_| -> &mut u8 { panic!("in a map") }));
    assert_eq!(panic, "in a map");
    assert!(lock.try_lock().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_timeout_ends_a_wait() {
    begin();
    let lock = Mutex::new(());
    let guard = lock.lock().await;
    let waits = tokio::time::timeout(Duration::from_secs(1), lock.lock());
    assert!(waits.await.is_err());
    drop(guard);
    let waits = tokio::time::timeout(Duration::from_secs(1), lock.lock());
    assert!(waits.await.is_ok());
}

#[tokio::test]
async fn blocking_in_async_code_panics_with_tokios_words() {
    begin();
    let lock = Arc::new(Mutex::new(()));
    let words = "Cannot block the current thread from within a runtime. This happens because a function attempted to block the \
                 current thread while the thread is being used to drive asynchronous tasks.";
    // Also though it is free.
    assert_eq!(panic_of(|| drop(lock.blocking_lock())), words);
    assert_eq!(panic_of(|| drop(lock.clone().blocking_lock_owned())), words);
    assert!(lock.try_lock().is_ok());
    let other = lock.clone();
    let allowed = tokio::task::spawn_blocking(move || drop(other.blocking_lock()));
    assert!(allowed.await.is_ok());
}

#[test]
fn a_thread_blocks_until_the_lock_is_free() {
    begin();
    let lock = Arc::new(Mutex::new(0));
    let mut guard = lock.blocking_lock();
    let (tell, told) = mpsc::channel();
    let other = lock.clone();
    let waits = std::thread::spawn(move || {
        tell.send(()).expect("somebody listens");
        *other.blocking_lock_owned()
    });
    told.recv().expect("it begins");
    *guard = 5;
    drop(guard);
    assert_eq!(waits.join().expect("no panic"), 5);
}

/// tokio lets a task take so many free locks in one poll, and then has it make room for others.
#[tokio::test]
async fn taking_free_locks_uses_up_the_budget_of_a_task() {
    begin();
    let task = tokio::spawn(async {
        let lock = Mutex::new(0);
        let mut taken = 0;
        std::future::poll_fn(|context| {
            while taken < 10_000 {
                if std::pin::pin!(lock.lock()).poll(context).is_pending() {
                    break;
                }
                taken += 1;
            }
            std::task::Poll::Ready(taken)
        })
        .await
    });
    assert_eq!(task.await.expect("no panic"), 128);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_under_contention() {
    begin();
    let lock = Arc::new(Mutex::new(0));
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let lock = lock.clone();
            tokio::spawn(async move {
                for turn in 0..500 {
                    let mut guard = lock.lock().await;
                    let seen = *guard;
                    if turn % 50 == 0 {
                        tokio::task::yield_now().await;
                    }
                    *guard = seen + 1;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    assert_eq!(*lock.lock().await, 4000);
}

#[test]
fn it_shows_itself_as_tokios_does() {
    begin();
    let mut lock = Mutex::new(5);
    assert_eq!(format!("{lock:?}"), "Mutex { data: 5 }");
    let guard = at_once(lock.lock());
    assert_eq!(
        format!("{lock:?} {guard:?} {guard}"),
        "Mutex { data: <locked> } 5 5"
    );
    drop(guard);
    assert!(lock.try_lock().is_ok(), "showing it lets go of it");
    *lock.get_mut() += 1;
    assert_eq!(lock.into_inner(), 6);
}

#[test]
fn it_is_made_in_every_way() {
    static LOCK: Mutex<u8> = Mutex::const_new(5);
    begin();
    *at_once(LOCK.lock()) += 1;
    assert_eq!(*at_once(LOCK.lock()), 6);
    assert_eq!(Mutex::from(5).into_inner(), 5);
    assert_eq!(Mutex::<u8>::default().into_inner(), 0);
    let unsized_value: Arc<Mutex<[u8]>> = Arc::new(Mutex::new([1, 2, 3]));
    assert_eq!(at_once(unsized_value.lock()).len(), 3);
    assert_eq!(at_once(unsized_value.lock_owned()).len(), 3);
}
