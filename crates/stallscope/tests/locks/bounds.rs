//! What may be sent and shared with the plain locks may be with the tracked ones, and nothing else may.

use std::cell::Cell;
use std::marker::PhantomData;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use stallscope::sync as ours;
use tokio::sync as plain;

/// Whether a type has a trait: an inherent constant, where its bounds hold, hides the one of the trait.
macro_rules! has {
    ($type:ty: $bound:path) => {{
        #[allow(dead_code)] // where the bounds hold
        trait Not {
            const HAS: bool = false;
        }
        impl<T: ?Sized> Not for T {}
        struct Is<T: ?Sized>(#[allow(dead_code)] PhantomData<T>);
        #[allow(dead_code)]
        impl<T: ?Sized + $bound> Is<T> {
            const HAS: bool = true;
        }
        <Is<$type>>::HAS
    }};
}

macro_rules! marks {
    ($type:ty) => {
        [has!($type: Send), has!($type: Sync), has!($type: Unpin)]
    };
}

/// The same marks for each type of values: plain, not to be shared, not to be sent, neither.
macro_rules! same {
    ($($name:ident<$($lifetime:lifetime,)? _>)*) => {$(
        assert_eq!(marks!(ours::$name<$($lifetime,)? u8>), marks!(plain::$name<$($lifetime,)? u8>), stringify!($name));
        assert_eq!(marks!(ours::$name<$($lifetime,)? Unshared>), marks!(plain::$name<$($lifetime,)? Unshared>), stringify!($name));
        assert_eq!(marks!(ours::$name<$($lifetime,)? Unsent>), marks!(plain::$name<$($lifetime,)? Unsent>), stringify!($name));
        assert_eq!(marks!(ours::$name<$($lifetime,)? Neither>), marks!(plain::$name<$($lifetime,)? Neither>), stringify!($name));
    )*};
}

macro_rules! same_of_parts {
    ($($name:ident)*) => {$(
        same_of_parts!(@ $name u8);
        same_of_parts!(@ $name Unshared);
        same_of_parts!(@ $name Unsent);
        same_of_parts!(@ $name Neither);
    )*};
    (@ $name:ident $whole:ty) => {
        assert_eq!(marks!(ours::$name<$whole, u8>), marks!(plain::$name<$whole, u8>), stringify!($name));
        assert_eq!(marks!(ours::$name<$whole, Unshared>), marks!(plain::$name<$whole, Unshared>), stringify!($name));
        assert_eq!(marks!(ours::$name<$whole, Unsent>), marks!(plain::$name<$whole, Unsent>), stringify!($name));
        assert_eq!(marks!(ours::$name<$whole, Neither>), marks!(plain::$name<$whole, Neither>), stringify!($name));
    };
}

type Unshared = Cell<u8>;
type Unsent = std::sync::MutexGuard<'static, u8>;
type Neither = *const u8;

#[test]
fn the_async_locks_and_their_guards() {
    assert_eq!(
        marks!(Unsent),
        [false, true, true],
        "the test tells them apart"
    );
    same! {
        Mutex<_> MutexGuard<'static, _> OwnedMutexGuard<_> MappedMutexGuard<'static, _>
        RwLock<_> RwLockReadGuard<'static, _> RwLockWriteGuard<'static, _> RwLockMappedWriteGuard<'static, _>
        OwnedRwLockWriteGuard<_>
    }
    same_of_parts! { OwnedMappedMutexGuard OwnedRwLockReadGuard OwnedRwLockMappedWriteGuard }
}

#[test]
fn the_blocking_locks_and_their_guards() {
    use ours::blocking;
    use std::sync;
    macro_rules! same_as_stds {
        ($($name:ident<$($lifetime:lifetime,)? _>)*) => {$(
            assert_eq!(marks!(blocking::$name<$($lifetime,)? u8>), marks!(sync::$name<$($lifetime,)? u8>));
            assert_eq!(marks!(blocking::$name<$($lifetime,)? Unshared>), marks!(sync::$name<$($lifetime,)? Unshared>));
            assert_eq!(marks!(blocking::$name<$($lifetime,)? Unsent>), marks!(sync::$name<$($lifetime,)? Unsent>));
            assert_eq!(marks!(blocking::$name<$($lifetime,)? Neither>), marks!(sync::$name<$($lifetime,)? Neither>));
        )*};
    }
    same_as_stds! {
        Mutex<_> MutexGuard<'static, _> RwLock<_> RwLockReadGuard<'static, _> RwLockWriteGuard<'static, _>
    }
    // A panic in one that holds them is told by their poison.
    assert!(
        has!(blocking::Mutex<Unshared>: UnwindSafe)
            && has!(blocking::Mutex<Unshared>: RefUnwindSafe)
    );
    assert!(
        has!(blocking::RwLock<Unshared>: UnwindSafe)
            && has!(blocking::RwLock<Unshared>: RefUnwindSafe)
    );
}

#[test]
fn futures_of_locks_are_sent_with_their_tasks() {
    fn is_sent<T: Send>(_: &T) {}
    fn is_sent_and_shared<T: Send + Sync>(_: &T) {}
    let (mutex, lock) = (
        Arc::new(ours::Mutex::new(Cell::new(1))),
        Arc::new(ours::RwLock::new(1)),
    );
    is_sent(&mutex.lock());
    is_sent(&mutex.clone().lock_owned());
    is_sent_and_shared(&lock.read());
    is_sent_and_shared(&lock.write());
    is_sent_and_shared(&lock.clone().read_owned());
    is_sent_and_shared(&lock.clone().write_owned());
}
