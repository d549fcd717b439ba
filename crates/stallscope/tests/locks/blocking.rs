//! What std documents of its mutex and its reader-writer lock.

use std::sync::{Arc, TryLockError, mpsc};

use super::begin;
use super::std_sync::{Mutex, RwLock};
use crate::polls::panic_of;

#[test]
fn a_mutex_is_for_one_at_a_time() {
    begin();
    let lock = Mutex::new(1);
    let guard = lock.lock().expect("not poisoned");
    assert!(matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
    drop(guard);
    *lock.try_lock().expect("free") += 1;
    assert_eq!(lock.into_inner().expect("not poisoned"), 2);
}

#[test]
fn readers_share_and_a_writer_does_not() {
    begin();
    let lock = RwLock::new(1);
    let one = lock.read().expect("not poisoned");
    let two = lock.try_read().expect("readers share");
    assert_eq!(*one + *two, 2);
    assert!(matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
    drop((one, two));
    let writer = lock.write().expect("not poisoned");
    assert!(matches!(lock.try_read(), Err(TryLockError::WouldBlock)));
    drop(writer);
    *lock.try_write().expect("free") += 1;
    assert_eq!(lock.into_inner().expect("not poisoned"), 2);
}

#[test]
fn a_thread_blocks_until_the_lock_is_free() {
    begin();
    let locks = Arc::new((Mutex::new(0), RwLock::new(0)));
    let mut one = locks.0.lock().expect("not poisoned");
    let mut two = locks.1.write().expect("not poisoned");
    let (tell, told) = mpsc::channel();
    let other = locks.clone();
    let waits = std::thread::spawn(move || {
        tell.send(()).expect("somebody listens");
        let one = *other.0.lock().expect("not poisoned");
        one + *other.1.read().expect("not poisoned")
    });
    told.recv().expect("it begins");
    (*one, *two) = (5, 6);
    drop(one);
    drop(two);
    assert_eq!(waits.join().expect("no panic"), 11);
}

#[test]
fn nothing_is_lost_under_contention() {
    begin();
    let locks = (Mutex::new(0), RwLock::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..2000 {
                    *locks.0.lock().expect("not poisoned") += 1;
                    *locks.1.write().expect("not poisoned") += 1;
                    assert!(*locks.1.read().expect("not poisoned") > 0);
                }
            });
        }
    });
    assert_eq!(*locks.0.lock().expect("not poisoned"), 8000);
    assert_eq!(*locks.1.read().expect("not poisoned"), 8000);
}

#[test]
fn a_panic_while_it_is_held_poisons_a_mutex() {
    begin();
    let mut lock = Mutex::new(1);
    panic_of(|| {
        let mut guard = lock.lock().expect("not poisoned");
        *guard = 2;
        panic!("in the middle");
    });
    assert!(lock.is_poisoned());
    let poisoned = lock.lock().expect_err("poisoned");
    let message = poisoned.to_string();
    assert!(message.starts_with("poisoned lock"), "{message}");
    assert_eq!(*poisoned.into_inner(), 2);
    assert!(matches!(lock.try_lock(), Err(TryLockError::Poisoned(_))));
    assert_eq!(*lock.get_mut().expect_err("poisoned").into_inner(), 2);
    lock.clear_poison();
    assert!(!lock.is_poisoned());
    assert_eq!(*lock.lock().expect("no more"), 2);
}

#[test]
fn a_panic_of_a_writer_poisons_a_reader_writer_lock_and_one_of_a_reader_does_not() {
    begin();
    let mut lock = RwLock::new(1);
    panic_of(|| {
        let _reader = lock.read().expect("not poisoned");
        panic!("a reader");
    });
    assert!(!lock.is_poisoned());
    panic_of(|| {
        let _writer = lock.write().expect("not poisoned");
        panic!("a writer");
    });
    assert!(lock.is_poisoned());
    assert_eq!(*lock.read().expect_err("poisoned").into_inner(), 1);
    assert!(matches!(lock.try_read(), Err(TryLockError::Poisoned(_))));
    assert!(matches!(lock.try_write(), Err(TryLockError::Poisoned(_))));
    *lock.write().expect_err("poisoned").into_inner() += 1;
    assert_eq!(*lock.get_mut().expect_err("poisoned").into_inner(), 2);
    lock.clear_poison();
    assert_eq!(lock.into_inner().expect("no more"), 2);
}

#[test]
fn a_guard_that_is_taken_in_a_panic_poisons_nothing() {
    struct Locks<'a>(&'a Mutex<i32>);
    impl Drop for Locks<'_> {
        fn drop(&mut self) {
            *self.0.lock().expect("not poisoned") += 1;
        }
    }
    begin();
    let lock = Mutex::new(1);
    panic_of(|| {
        let _locks = Locks(&lock);
        panic!("on the way out");
    });
    assert!(!lock.is_poisoned());
    assert_eq!(*lock.lock().expect("not poisoned"), 2);
}

#[test]
fn they_show_themselves_as_stds_do() {
    begin();
    let (one, two) = (Mutex::new(5), RwLock::new(5));
    assert_eq!(format!("{one:?}"), "Mutex { data: 5, poisoned: false, .. }");
    assert_eq!(
        format!("{two:?}"),
        "RwLock { data: 5, poisoned: false, .. }"
    );
    let (one_held, two_held) = (
        one.lock().expect("not poisoned"),
        two.write().expect("not poisoned"),
    );
    assert!(format!("{one:?}").contains("<locked>"), "{one:?}");
    assert!(format!("{two:?}").contains("<locked>"), "{two:?}");
    assert_eq!(
        format!("{one_held:?} {one_held} {two_held:?} {two_held}"),
        "5 5 5 5"
    );
    drop(two_held);
    let two_held = two.read().expect("not poisoned");
    assert_eq!(format!("{two_held:?} {two_held}"), "5 5");
}

#[test]
fn they_are_made_in_every_way() {
    static ONE: Mutex<u8> = Mutex::new(5);
    static TWO: RwLock<u8> = RwLock::new(5);
    begin();
    *ONE.lock().expect("not poisoned") += 1;
    *TWO.write().expect("not poisoned") += 1;
    assert_eq!(
        *ONE.lock().expect("not poisoned"),
        *TWO.read().expect("not poisoned")
    );
    assert_eq!(Mutex::from(5).into_inner().expect("not poisoned"), 5);
    assert_eq!(RwLock::from(5).into_inner().expect("not poisoned"), 5);
    assert_eq!(
        Mutex::<u8>::default().into_inner().expect("not poisoned"),
        0
    );
    assert_eq!(
        RwLock::<u8>::default().into_inner().expect("not poisoned"),
        0
    );
    let unsized_value: &Mutex<[u8]> = &Mutex::new([1, 2, 3]);
    assert_eq!(unsized_value.lock().expect("not poisoned").len(), 3);
}
