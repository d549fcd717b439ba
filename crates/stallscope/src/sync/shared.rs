//! A value that many tasks read and replace, and that knows when one of them replaced what it had not read.

use std::fmt;
use std::panic::Location;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::conflict::{CONFLICTS, Side};
use super::{is_on, perturb, region};
use crate::findings::Rule;

/// A value that many tasks and threads read and replace.
///
/// Each call is atomic by itself. What is not, and what this type finds, is a [`get`](Shared::get) followed by a [`set`](Shared::set)
/// of a value made from what was read, while somebody else wrote in between: that write is lost. It becomes a finding of rule
/// `lost-update` with the lines of both writers.
///
/// A `set` with no `get` by the same task since its last `set` or `update` is an intended overwrite. [`read`](Shared::read) counts
/// neither way. A closure given to `spawn_blocking` is a task of its own; outside of tasks, each thread is one.
///
/// ```
/// use stallscope::sync::Shared;
///
/// let hits = Shared::new("hits", 0_u64);
/// hits.set(hits.get() + 1); // loses updates as soon as two tasks do it
/// hits.update(|hits| *hits += 1); // never does
/// assert_eq!(hits.get(), 2);
/// ```
///
/// A panic in a closure given to [`update`](Shared::update) leaves the value as the closure left it; nothing is poisoned. A closure
/// that calls the same `Shared` again deadlocks, as it would with a `std::sync::Mutex`.
pub struct Shared<T> {
    name: &'static str,
    inner: Mutex<Inner<T>>,
}

struct Inner<T> {
    value: T,
    journal: Journal,
}

impl<T> Shared<T> {
    /// `name` tells findings apart from those of other state; it need not be unique.
    ///
    /// ```
    /// let stock = stallscope::sync::Shared::new("stock", vec![3, 1, 4]);
    /// ```
    pub const fn new(name: &'static str, value: T) -> Self {
        Shared {
            name,
            inner: Mutex::new(Inner {
                value,
                journal: Journal::NEW,
            }),
        }
    }

    /// A copy of the value.
    ///
    /// ```
    /// # let stock = stallscope::sync::Shared::new("stock", vec![3, 1, 4]);
    /// assert_eq!(stock.get().len(), 3);
    /// ```
    #[track_caller]
    pub fn get(&self) -> T
    where
        T: Clone,
    {
        let place = Location::caller();
        let value = {
            let mut inner = self.lock();
            if is_on() {
                inner.journal.read(Side::here(place));
            }
            inner.value.clone()
        };
        perturb::here();
        value
    }

    /// Replaces the value.
    ///
    /// ```
    /// # let stock = stallscope::sync::Shared::new("stock", vec![3, 1, 4]);
    /// stock.set(Vec::new());
    /// ```
    #[track_caller]
    pub fn set(&self, value: T) {
        let place = Location::caller();
        perturb::here();
        let replaced = {
            let mut inner = self.lock();
            if is_on() {
                let at = Side::here(place);
                if let Some(other) = inner.journal.set(at) {
                    CONFLICTS.tell(Rule::LostUpdate, self.name, at, Some(other));
                }
                region::wrote(at);
            }
            std::mem::replace(&mut inner.value, value)
        };
        drop(replaced); // outside of the lock: it may be long, or use this again
    }

    /// Changes the value in place: nobody writes in between.
    ///
    /// ```
    /// # let stock = stallscope::sync::Shared::new("stock", vec![3, 1, 4]);
    /// let sold = stock.update(|stock| stock.pop());
    /// assert_eq!(sold, Some(4));
    /// ```
    #[track_caller]
    pub fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let place = Location::caller();
        perturb::here();
        let mut inner = self.lock();
        if is_on() {
            let at = Side::here(place);
            inner.journal.wrote(at);
            region::wrote(at);
        }
        change(&mut inner.value)
    }

    /// Looks at the value without a copy. Does not count as the read of a read-modify-write.
    ///
    /// ```
    /// # let stock = stallscope::sync::Shared::new("stock", vec![3, 1, 4]);
    /// assert_eq!(stock.read(|stock| stock.iter().sum::<i32>()), 8);
    /// ```
    #[track_caller]
    pub fn read<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.lock().value)
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("Shared");
        debug.field("name", &self.name);
        match self.inner.try_lock() {
            Ok(inner) => debug.field("value", &inner.value),
            Err(_) => debug.field("value", &format_args!("<in use>")),
        };
        debug.finish()
    }
}

/// Readers that are remembered. With more at one time the one that read longest ago is forgotten: what it overwrites is not told.
const READERS: usize = 32;

/// Who read and wrote which version.
struct Journal {
    version: u64,
    writer: Option<Side>,
    readers: [Option<Reader>; READERS],
    /// Where the next reader goes that finds no free entry.
    oldest: usize,
}

#[derive(Clone, Copy)]
struct Reader {
    side: Side,
    version: u64,
}

impl Journal {
    const NEW: Journal = Journal {
        version: 0,
        writer: None,
        readers: [None; READERS],
        oldest: 0,
    };

    fn read(&mut self, side: Side) {
        let reader = Reader {
            side,
            version: self.version,
        };
        let known = self.entry_of(side);
        let free = || self.readers.iter().position(Option::is_none);
        let index = known.or_else(free).unwrap_or_else(|| {
            self.oldest = (self.oldest + 1) % READERS;
            self.oldest
        });
        self.readers[index] = Some(reader);
    }

    /// The writer whose write this one loses.
    fn set(&mut self, side: Side) -> Option<Side> {
        let read = self.entry_of(side).and_then(|entry| self.readers[entry]);
        let lost = read.filter(|read| read.version != self.version);
        let writer = self.writer.filter(|_| lost.is_some());
        self.wrote(side);
        writer
    }

    fn wrote(&mut self, side: Side) {
        if let Some(entry) = self.entry_of(side) {
            self.readers[entry] = None;
        }
        self.version += 1;
        self.writer = Some(side);
    }

    fn entry_of(&self, side: Side) -> Option<usize> {
        let is_of =
            |reader: &Option<Reader>| reader.is_some_and(|reader| reader.side.party == side.party);
        self.readers.iter().position(is_of)
    }
}

#[cfg(test)]
mod tests {
    use super::super::conflict::Place;
    use super::super::party::Party;
    use super::*;
    use crate::recorder::TaskId;

    fn task(id: u64) -> Side {
        Side {
            party: Party::Task(TaskId(id)),
            place: Place {
                file: "src/hits.rs",
                line: u32::try_from(id).expect("small"),
                column: 1,
            },
            tid: 1,
        }
    }

    #[test]
    fn a_write_between_read_and_set_is_lost() {
        let mut journal = Journal::NEW;
        journal.read(task(1));
        journal.read(task(2));
        assert_eq!(journal.set(task(2)), None);
        assert_eq!(journal.set(task(1)), Some(task(2)));
        // What was read before is spent.
        assert_eq!(journal.set(task(1)), None);
    }

    #[test]
    fn an_overwrite_an_update_and_a_fresh_read_lose_nothing() {
        let mut journal = Journal::NEW;
        journal.read(task(2));
        assert_eq!(journal.set(task(1)), None, "never read it");
        journal.read(task(2));
        assert_eq!(journal.set(task(2)), None, "read it again");
        journal.read(task(3));
        journal.wrote(task(1));
        journal.wrote(task(3));
        assert_eq!(journal.set(task(3)), None, "an update spends the read");
    }

    #[test]
    fn of_many_readers_the_longest_ago_is_forgotten_and_never_blamed() {
        let mut journal = Journal::NEW;
        for id in 1..=READERS as u64 + 1 {
            journal.read(task(id));
        }
        journal.wrote(task(900));
        let lost = (1..=READERS as u64 + 1).filter(|&id| journal.set(task(id)).is_some());
        assert_eq!(lost.count(), READERS);
    }

    #[test]
    fn a_panic_in_an_update_poisons_nothing() {
        let shared = std::sync::Arc::new(Shared::new("count", 1));
        let other = shared.clone();
        let panics = std::thread::spawn(move || {
            other.update(|count| {
                *count = 2;
                panic!("in the middle");
            });
        });
        panics.join().expect_err("it panics");
        assert_eq!(shared.get(), 2);
    }

    #[test]
    fn it_is_shared_by_whatever_can_be_sent() {
        fn is_sync<T: Send + Sync>(_: &T) {}
        is_sync(&Shared::new("cell", std::cell::Cell::new(1)));
    }
}
