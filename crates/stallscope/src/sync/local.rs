//! Thread-local variables that notice when a task has taken one for its own: it set it on one thread and read it on another.

use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::AccessError;

use super::conflict::{CONFLICTS, Side};
use super::party::Party;
use super::{is_on, perturb};
use crate::findings::Rule;

/// Declares thread-local variables that are watched, as [`std::thread_local!`] declares plain ones.
///
/// A task of tokio's may go on on another thread after each `.await`. If it sets such a variable in one poll and reads it in a later one on another
/// thread, it reads what somebody else has left there: a finding of rule `thread-local-across-await`, with both lines. Setting is
/// [`set`](LocalKey::set), [`replace`](LocalKey::replace) and [`with_borrow_mut`](LocalKey::with_borrow_mut); reading is
/// [`get`](LocalKey::get), [`take`](LocalKey::take) and [`with_borrow`](LocalKey::with_borrow). [`with`](LocalKey::with) may be either and counts as
/// neither.
///
/// ```
/// use std::cell::Cell;
///
/// stallscope::thread_local! {
///     static REQUEST: Cell<u64> = const { Cell::new(0) };
/// }
/// REQUEST.set(7);
/// assert_eq!(REQUEST.get(), 7);
/// ```
#[macro_export]
macro_rules! thread_local {
    () => {};
    ($(#[$attribute:meta])* $visibility:vis static $name:ident: $type:ty = const $value:block $(; $($rest:tt)*)?) => {
        $crate::__thread_local_one!([$(#[$attribute])*] $visibility $name, $type, const $value);
        $($crate::thread_local! { $($rest)* })?
    };
    ($(#[$attribute:meta])* $visibility:vis static $name:ident: $type:ty = $value:expr $(; $($rest:tt)*)?) => {
        $crate::__thread_local_one!([$(#[$attribute])*] $visibility $name, $type, $value);
        $($crate::thread_local! { $($rest)* })?
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __thread_local_one {
    ([$(#[$attribute:meta])*] $visibility:vis $name:ident, $type:ty, $($value:tt)+) => {
        $(#[$attribute])*
        $visibility static $name: $crate::sync::LocalKey<$type> = {
            $crate::__private::std::thread_local! {
                static PLAIN: $type = $($value)+;
            }
            $crate::sync::LocalKey::__new(stringify!($name), &PLAIN)
        };
    };
}

/// A variable of [`stallscope::thread_local!`](crate::thread_local): as [`std::thread::LocalKey`], and it notices who set and read it where.
///
/// ```
/// use std::cell::RefCell;
///
/// stallscope::thread_local!(static PATH: RefCell<Vec<&'static str>> = RefCell::new(Vec::new()));
/// PATH.with_borrow_mut(|path| path.push("/"));
/// assert_eq!(PATH.take(), ["/"]);
/// ```
#[derive(Debug)]
pub struct LocalKey<T: 'static> {
    name: &'static str,
    plain: &'static std::thread::LocalKey<T>,
    setters: Mutex<Setters>,
    /// Writes that nobody remembers, as the setters were in use.
    missed: AtomicU64,
}

impl<T: 'static> LocalKey<T> {
    #[doc(hidden)]
    pub const fn __new(name: &'static str, plain: &'static std::thread::LocalKey<T>) -> Self {
        LocalKey {
            name,
            plain,
            setters: Mutex::new(Setters::NEW),
            missed: AtomicU64::new(0),
        }
    }

    /// As [`std::thread::LocalKey::with`]. Neither a read nor a write: it cannot be told which.
    ///
    /// # Panics
    /// When the thread is about to end and the value is gone.
    pub fn with<R>(&'static self, body: impl FnOnce(&T) -> R) -> R {
        self.plain.with(body)
    }

    /// As [`std::thread::LocalKey::try_with`]. Neither a read nor a write.
    ///
    /// # Errors
    /// When the thread is about to end and the value is gone.
    pub fn try_with<R>(&'static self, body: impl FnOnce(&T) -> R) -> Result<R, AccessError> {
        self.plain.try_with(body)
    }

    fn was_set(&self, place: &'static Location<'static>) {
        if let Some(side) = in_task(place) {
            self.remember(side);
        }
        perturb::here();
    }

    /// Nobody waits here for another. A write that is not remembered is counted: what is known of this task is no longer true.
    fn remember(&self, side: Side) {
        match self.setters.try_lock() {
            Ok(mut setters) => setters.set(side, self.missed.load(Ordering::Relaxed)),
            Err(_) => _ = self.missed.fetch_add(1, Ordering::Relaxed),
        }
    }

    fn was_read(&self, place: &'static Location<'static>) {
        if let Some(side) = in_task(place)
            && let Ok(setters) = self.setters.try_lock()
            && let Some(other) = setters.set_elsewhere_by(side, self.missed.load(Ordering::Relaxed))
        {
            CONFLICTS.tell(Rule::ThreadLocalAcrossAwait, self.name, side, Some(other));
        }
    }
}

/// Who runs here, if it is a task. Of plain threads there is nothing to know: they stay what they are.
fn in_task(place: &'static Location<'static>) -> Option<Side> {
    if !is_on() {
        return None;
    }
    let side = Side::here(place);
    match side.party {
        Party::Task(_) => Some(side),
        Party::Thread(_) => None,
    }
}

impl<T: 'static> LocalKey<Cell<T>> {
    /// As [`std::thread::LocalKey::set`].
    ///
    /// # Panics
    /// When the thread is about to end and the value is gone.
    #[track_caller]
    pub fn set(&'static self, value: T) {
        self.was_set(Location::caller());
        self.plain.set(value);
    }

    /// As [`std::thread::LocalKey::get`].
    ///
    /// # Panics
    /// When the thread is about to end and the value is gone.
    #[track_caller]
    pub fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.was_read(Location::caller());
        self.plain.get()
    }

    /// As [`std::thread::LocalKey::take`].
    ///
    /// # Panics
    /// When the thread is about to end and the value is gone.
    #[track_caller]
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.was_read(Location::caller());
        self.plain.take()
    }

    /// As [`std::thread::LocalKey::replace`]: a write.
    ///
    /// # Panics
    /// When the thread is about to end and the value is gone.
    #[track_caller]
    pub fn replace(&'static self, value: T) -> T {
        self.was_set(Location::caller());
        self.plain.replace(value)
    }
}

impl<T: 'static> LocalKey<RefCell<T>> {
    /// As [`std::thread::LocalKey::with_borrow`].
    ///
    /// # Panics
    /// When the value is mutably borrowed, or the thread is about to end and it is gone.
    #[track_caller]
    pub fn with_borrow<R>(&'static self, body: impl FnOnce(&T) -> R) -> R {
        self.was_read(Location::caller());
        self.plain.with_borrow(body)
    }

    /// As [`std::thread::LocalKey::with_borrow_mut`].
    ///
    /// # Panics
    /// When the value is borrowed, or the thread is about to end and it is gone.
    #[track_caller]
    pub fn with_borrow_mut<R>(&'static self, body: impl FnOnce(&mut T) -> R) -> R {
        self.was_set(Location::caller());
        self.plain.with_borrow_mut(body)
    }

    /// As [`std::thread::LocalKey::set`].
    ///
    /// # Panics
    /// When the value is borrowed, or the thread is about to end and it is gone.
    #[track_caller]
    pub fn set(&'static self, value: T) {
        self.was_set(Location::caller());
        self.plain.set(value);
    }

    /// As [`std::thread::LocalKey::take`].
    ///
    /// # Panics
    /// When the value is borrowed, or the thread is about to end and it is gone.
    #[track_caller]
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.was_read(Location::caller());
        self.plain.take()
    }

    /// As [`std::thread::LocalKey::replace`]: a write.
    ///
    /// # Panics
    /// When the value is borrowed, or the thread is about to end and it is gone.
    #[track_caller]
    pub fn replace(&'static self, value: T) -> T {
        self.was_set(Location::caller());
        self.plain.replace(value)
    }
}

/// Tasks that are remembered as setters of one variable; with more at one time those that set it longest ago are forgotten.
const MOST: usize = 64;

/// Who set a variable last where: one entry for each task.
#[derive(Debug)]
struct Setters {
    entries: [Option<Setter>; MOST],
    oldest: usize,
}

#[derive(Clone, Copy, Debug)]
struct Setter {
    side: Side,
    /// Writes that had been missed by then.
    missed: u64,
}

impl Setters {
    const NEW: Setters = Setters {
        entries: [None; MOST],
        oldest: 0,
    };

    fn set(&mut self, side: Side, missed: u64) {
        let known = self.entry_of(side);
        let free = || self.entries.iter().position(Option::is_none);
        let index = known.or_else(free).unwrap_or_else(|| {
            self.oldest = (self.oldest + 1) % MOST;
            self.oldest
        });
        self.entries[index] = Some(Setter { side, missed });
    }

    /// Where this task has set it last, if that was another thread. None if it may have set it since without being remembered.
    fn set_elsewhere_by(&self, side: Side, missed: u64) -> Option<Side> {
        self.entry_of(side)
            .and_then(|entry| self.entries[entry])
            .filter(|set| set.missed == missed && set.side.tid != side.tid)
            .map(|set| set.side)
    }

    fn entry_of(&self, side: Side) -> Option<usize> {
        let is_of =
            |entry: &Option<Setter>| entry.is_some_and(|entry| entry.side.party == side.party);
        self.entries.iter().position(is_of)
    }
}

#[cfg(test)]
mod tests {
    use super::super::conflict::Place;
    use super::*;
    use crate::recorder::TaskId;

    fn side(task: u64, tid: u32) -> Side {
        Side {
            party: Party::Task(TaskId(task)),
            place: Place {
                file: "src/context.rs",
                line: tid,
                column: 1,
            },
            tid,
        }
    }

    #[test]
    fn a_read_on_another_thread_than_the_last_write_is_told() {
        let mut setters = Setters::NEW;
        setters.set(side(1, 10), 0);
        assert_eq!(setters.set_elsewhere_by(side(1, 10), 0), None);
        assert_eq!(setters.set_elsewhere_by(side(1, 11), 0), Some(side(1, 10)));
        assert_eq!(setters.set_elsewhere_by(side(2, 11), 0), None, "another");
        setters.set(side(1, 11), 0);
        assert_eq!(setters.set_elsewhere_by(side(1, 11), 0), None, "set anew");
    }

    #[test]
    fn a_write_that_is_not_remembered_excuses_what_was_known_before() {
        let mut setters = Setters::NEW;
        setters.set(side(1, 10), 0);
        assert_eq!(setters.set_elsewhere_by(side(1, 11), 1), None);
        setters.set(side(1, 10), 1);
        assert_eq!(setters.set_elsewhere_by(side(1, 11), 1), Some(side(1, 10)));
    }

    #[test]
    fn a_write_while_the_setters_are_in_use_waits_for_nobody() {
        crate::thread_local!(static USED: Cell<u8> = const { Cell::new(0) });
        USED.remember(side(1, 10));
        let in_use = USED.setters.lock().expect("not poisoned");
        USED.remember(side(1, 11));
        let missed = USED.missed.load(Ordering::Relaxed);
        assert_eq!(in_use.set_elsewhere_by(side(1, 11), missed), None);
    }

    #[test]
    fn it_is_declared_and_used_as_the_plain_one() {
        crate::thread_local! {
            /// Documented.
            pub(crate) static FIRST: Cell<u32> = const { Cell::new(1) };
            static SECOND: RefCell<Vec<u32>> = RefCell::new(vec![2]);
        }
        crate::thread_local!(static THIRD: Cell<u8> = Cell::new(3));
        assert_eq!((FIRST.get(), FIRST.replace(4), FIRST.take()), (1, 1, 4));
        SECOND.with_borrow_mut(|second| second.push(3));
        assert_eq!(SECOND.with_borrow(Vec::len), 2);
        assert_eq!(THIRD.with(Cell::get), 3);
        let other = std::thread::spawn(|| SECOND.take()).join();
        assert_eq!(other.expect("no panic"), [2], "a copy of its own");
    }
}
