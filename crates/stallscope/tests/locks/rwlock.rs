//! What tokio documents of its reader-writer lock.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::begin;
use super::tokio_sync::{
    OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
use crate::polls::{Boxed, at_once, panic_of, poll};

#[test]
fn readers_share_and_a_writer_does_not() {
    begin();
    let lock = RwLock::new(1);
    let (one, two) = (at_once(lock.read()), at_once(lock.read()));
    assert_eq!(*one + *two, 2);
    assert!(lock.try_write().is_err());
    drop((one, two));
    let writer = at_once(lock.write());
    let error = lock.try_read().expect_err("somebody writes");
    assert_eq!(error.to_string(), "operation would block");
    assert!(lock.try_write().is_err());
    drop(writer);
    assert!(lock.try_read().is_ok());
}

#[test]
fn many_readers_share() {
    begin();
    let lock = RwLock::new(());
    let readers: Vec<_> = (0..100).map(|_| at_once(lock.read())).collect();
    assert!(lock.try_write().is_err());
    drop(readers);
    assert!(lock.try_write().is_ok());
}

#[test]
fn a_reader_waits_behind_a_writer_that_waits() {
    begin();
    let lock = RwLock::new(0);
    let reader = at_once(lock.read());
    let mut writer: Boxed<'_, RwLockWriteGuard<'_, i32>> = Box::pin(lock.write());
    assert!(poll(&mut writer).is_pending());
    assert!(lock.try_read().is_err());
    let mut late: Boxed<'_, RwLockReadGuard<'_, i32>> = Box::pin(lock.read());
    assert!(poll(&mut late).is_pending());
    drop(reader);
    assert!(poll(&mut late).is_pending());
    let Poll::Ready(mut guard) = poll(&mut writer) else {
        panic!("it is its turn");
    };
    *guard = 7;
    drop(guard);
    let Poll::Ready(guard) = poll(&mut late) else {
        panic!("it is its turn");
    };
    assert_eq!(*guard, 7);
}

#[test]
fn a_writer_that_gives_up_lets_the_readers_in() {
    begin();
    let lock = RwLock::new(());
    let reader = at_once(lock.read());
    let mut writer: Boxed<'_, RwLockWriteGuard<'_, ()>> = Box::pin(lock.write());
    assert!(poll(&mut writer).is_pending());
    drop(writer);
    assert!(lock.try_read().is_ok());
    drop(reader);
    assert!(lock.try_write().is_ok());
}

#[test]
fn so_many_may_read_and_no_more() {
    begin();
    let lock = RwLock::with_max_readers((), 2);
    let (one, two) = (at_once(lock.read()), at_once(lock.read()));
    assert!(lock.try_read().is_err());
    drop(one);
    assert!(lock.try_read().is_ok());
    drop(two);
    assert!(lock.try_write().is_ok());
    let too_many = panic_of(|| RwLock::with_max_readers((), u32::MAX));
    assert_eq!(
        too_many,
        "a RwLock may not be created with more than 536870911 readers"
    );
    let none = panic_of(|| RwLock::with_max_readers((), 0));
    assert!(
        none.contains("a RwLock may not be created with 0 readers"),
        "{none}"
    );
}

#[test]
fn a_writer_becomes_a_reader_without_a_gap() {
    begin();
    let lock = RwLock::new(1);
    let mut writer = at_once(lock.write());
    *writer = 2;
    let mut next: Boxed<'_, RwLockWriteGuard<'_, i32>> = Box::pin(lock.write());
    assert!(poll(&mut next).is_pending());
    let reader = writer.downgrade();
    assert!(poll(&mut next).is_pending());
    assert_eq!(*reader, 2);
    drop(reader);
    assert!(poll(&mut next).is_ready());
    drop(next);
    let reader = at_once(lock.write()).downgrade();
    assert_eq!(*reader + *at_once(lock.read()), 4);
}

#[test]
fn a_guard_of_a_part_holds_the_whole() {
    begin();
    let lock = RwLock::new((1, Some(2)));
    let mut second = RwLockWriteGuard::map(at_once(lock.write()), |pair| &mut pair.1);
    *second = Some(3);
    let mut inner = super::tokio_sync::RwLockMappedWriteGuard::try_map(second, Option::as_mut)
        .expect("there is one");
    *inner += 1;
    assert!(lock.try_read().is_err());
    drop(inner);
    let first = RwLockReadGuard::map(at_once(lock.read()), |pair| &pair.0);
    let second = RwLockReadGuard::try_map(at_once(lock.read()), |pair| pair.1.as_ref());
    assert_eq!((*first, *second.expect("there is one")), (1, 4));
    assert!(lock.try_write().is_err());
    drop(first);
    assert!(lock.try_write().is_ok());
}

#[test]
fn a_part_is_downgraded_or_the_guard_stays_as_it_was() {
    begin();
    let lock = RwLock::new((1, None::<u8>));
    let reader = RwLockWriteGuard::downgrade_map(at_once(lock.write()), |pair| &pair.0);
    assert_eq!(*reader + at_once(lock.read()).0, 2);
    drop(reader);
    let writer = RwLockWriteGuard::try_downgrade_map(at_once(lock.write()), |pair| pair.1.as_ref())
        .expect_err("none");
    assert!(lock.try_read().is_err());
    let writer = RwLockWriteGuard::try_map(writer, |pair| pair.1.as_mut()).expect_err("none");
    assert!(lock.try_read().is_err());
    let reader = RwLockWriteGuard::try_downgrade_map(writer, |pair| Some(&pair.0)).expect("one");
    assert_eq!(*reader + at_once(lock.read()).0, 2);
    drop(reader);
    drop(RwLockWriteGuard::into_mapped(at_once(lock.write())));
    assert!(lock.try_write().is_ok());
}

#[test]
fn an_owned_guard_keeps_the_lock_alive() {
    begin();
    let lock = Arc::new(RwLock::new((1, Some(2))));
    let weak = Arc::downgrade(&lock);
    let mut writer = at_once(lock.write_owned());
    writer.0 = 5;
    assert!(OwnedRwLockWriteGuard::rwlock(&writer).try_read().is_err());
    let reader = writer.downgrade();
    let second = OwnedRwLockReadGuard::try_map(reader, |pair| pair.1.as_ref()).expect("one");
    let second = OwnedRwLockReadGuard::map(second, |value| value);
    let lock = weak.upgrade().expect("the guard keeps it");
    assert_eq!(*second + at_once(lock.clone().read_owned()).0, 7);
    assert!(lock.clone().try_write_owned().is_err());
    drop(second);
    let mut mapped =
        OwnedRwLockWriteGuard::map(at_once(lock.clone().write_owned()), |pair| &mut pair.0);
    *mapped += 1;
    assert!(lock.clone().try_read_owned().is_err());
    drop(mapped);
    let writer = at_once(lock.clone().write_owned());
    let reader = OwnedRwLockWriteGuard::downgrade_map(writer, |pair| &pair.0);
    assert!(Arc::ptr_eq(OwnedRwLockReadGuard::rwlock(&reader), &lock));
    drop(reader);
    let lock = Arc::into_inner(lock).expect("all guards are gone");
    assert_eq!(lock.into_inner(), (6, Some(2)));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_ends_a_wait() {
    begin();
    let lock = RwLock::new(());
    let guard = lock.read().await;
    let waits = tokio::time::timeout(Duration::from_secs(1), lock.write());
    assert!(waits.await.is_err());
    assert!(
        lock.try_read().is_ok(),
        "what the writer had reserved is free"
    );
    drop(guard);
    let waits = tokio::time::timeout(Duration::from_secs(1), lock.write());
    assert!(waits.await.is_ok());
}

#[tokio::test]
async fn blocking_in_async_code_panics_with_tokios_words() {
    begin();
    let lock = Arc::new(RwLock::new(0));
    let words = "Cannot block the current thread from within a runtime.";
    assert!(panic_of(|| drop(lock.blocking_read())).starts_with(words));
    assert!(panic_of(|| drop(lock.blocking_write())).starts_with(words));
    let other = lock.clone();
    let allowed = tokio::task::spawn_blocking(move || {
        *other.blocking_write() += 1;
        *other.blocking_read()
    });
    assert_eq!(allowed.await.expect("no panic"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_under_contention() {
    begin();
    let lock = Arc::new(RwLock::new((0, 0)));
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let lock = lock.clone();
            tokio::spawn(async move {
                for turn in 0..200 {
                    if task % 4 == 0 {
                        let mut guard = lock.write().await;
                        guard.0 += 1;
                        if turn % 50 == 0 {
                            tokio::task::yield_now().await;
                        }
                        guard.1 += 1;
                    } else {
                        let guard = lock.read().await;
                        if turn % 50 == 0 {
                            tokio::task::yield_now().await;
                        }
                        assert_eq!(guard.0, guard.1);
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    assert_eq!(*lock.read().await, (800, 800));
}

#[test]
fn it_shows_itself_as_tokios_does() {
    begin();
    let mut lock = RwLock::new(5);
    let reader = at_once(lock.read());
    assert_eq!(
        format!("{lock:?} {reader:?} {reader}"),
        "RwLock { data: 5 } 5 5"
    );
    drop(reader);
    let writer = at_once(lock.write());
    assert_eq!(
        format!("{lock:?} {writer:?} {writer}"),
        "RwLock { data: <locked> } 5 5"
    );
    drop(writer);
    assert!(lock.try_write().is_ok(), "showing it lets go of it");
    *lock.get_mut() += 1;
    assert_eq!(lock.into_inner(), 6);
}

#[test]
fn it_is_made_in_every_way() {
    static LOCK: RwLock<u8> = RwLock::const_new(5);
    static FEW: RwLock<u8> = RwLock::const_with_max_readers(5, 1);
    begin();
    *at_once(LOCK.write()) += 1;
    assert_eq!(*at_once(LOCK.read()) + *at_once(FEW.read()), 11);
    assert_eq!(RwLock::from(5).into_inner(), 5);
    assert_eq!(RwLock::<u8>::default().into_inner(), 0);
    let unsized_value: Arc<RwLock<[u8]>> = Arc::new(RwLock::new([1, 2, 3]));
    assert_eq!(at_once(unsized_value.read()).len(), 3);
}
