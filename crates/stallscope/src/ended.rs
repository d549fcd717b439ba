//! Which tasks have ended lately, and how? Those spawned through stallscope: of others nobody sees the outcome.
//!
//! What finished and what did not are kept apart, so that a flood of ordinary ends pushes no panic out. A task that ends takes a number
//! and the entry of that number by a try-lock: it waits for nobody, and allocates nothing unless it panicked.

use std::any::Any;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use crate::recorder::{LastLook, TaskId};

/// The tasks of this process that ended.
pub(crate) static ENDED: Ended = Ended::new();

/// A task that has ended.
#[derive(Clone, Debug)]
pub(crate) struct EndedTask {
    pub(crate) id: TaskId,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) place: &'static Location<'static>,
    pub(crate) outcome: Outcome,
    pub(crate) last: LastLook,
}

/// How a task has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    Finished,
    /// With the first line of the panic's message, if that is a text.
    Panicked(Option<Box<str>>),
    /// Its future was dropped before it had finished: by `abort`, or with its runtime.
    Aborted,
}

/// How many tasks have ended in each way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) finished: u64,
    pub(crate) panicked: u64,
    pub(crate) aborted: u64,
}

pub(crate) struct Ended {
    finished: Ring,
    unfinished: Ring,
    counts: [AtomicU64; 3],
}

impl Ended {
    const fn new() -> Self {
        Ended {
            finished: Ring::new(),
            unfinished: Ring::new(),
            counts: [const { AtomicU64::new(0) }; 3],
        }
    }

    pub(crate) fn push(&self, task: EndedTask) {
        let (count, ring) = match task.outcome {
            Outcome::Finished => (0, &self.finished),
            Outcome::Panicked(_) => (1, &self.unfinished),
            Outcome::Aborted => (2, &self.unfinished),
        };
        self.counts[count].fetch_add(1, Ordering::Relaxed);
        ring.push(task);
    }

    pub(crate) fn counts(&self) -> Counts {
        let [finished, panicked, aborted] =
            [0, 1, 2].map(|count| self.counts[count].load(Ordering::Relaxed));
        Counts {
            finished,
            panicked,
            aborted,
        }
    }

    /// Those that are known, the latest first.
    pub(crate) fn latest(&self) -> Vec<EndedTask> {
        let mut tasks = self.finished.all();
        tasks.extend(self.unfinished.all());
        tasks.sort_by_key(|task| std::cmp::Reverse(task.last.at));
        tasks
    }
}

/// How many tasks a ring keeps.
const KEPT: usize = 256;
/// How many entries a task tries. One is taken only while the agent copies it, or a thread that was stopped in the middle writes it.
const TRIES: usize = 4;

/// The latest of all that were pushed.
struct Ring {
    entries: [Mutex<Option<EndedTask>>; KEPT],
    next: AtomicU64,
}

impl Ring {
    #[allow(clippy::large_stack_arrays)] // it becomes a static
    const fn new() -> Self {
        Ring {
            entries: [const { Mutex::new(None) }; KEPT],
            next: AtomicU64::new(0),
        }
    }

    fn push(&self, task: EndedTask) {
        for _ in 0..TRIES {
            let number = self.next.fetch_add(1, Ordering::Relaxed) as usize;
            let mut entry = match self.entries[number % KEPT].try_lock() {
                Ok(entry) => entry,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => continue,
            };
            let pushed_out = entry.replace(task);
            drop(entry);
            drop(pushed_out); // outside of the lock
            return;
        }
    }

    fn all(&self) -> Vec<EndedTask> {
        let copy = |entry: &Mutex<Option<EndedTask>>| {
            entry.lock().unwrap_or_else(PoisonError::into_inner).clone()
        };
        self.entries.iter().filter_map(copy).collect()
    }
}

/// Bytes of a panic's message that are kept.
const LONGEST_MESSAGE: usize = 200;

/// The first line of a panic's message; none if it panicked with something that is no text.
pub(crate) fn message_of(payload: &(dyn Any + Send)) -> Option<Box<str>> {
    let message = payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))?;
    let line = message.lines().next().unwrap_or_default();
    if line.len() <= LONGEST_MESSAGE {
        return Some(line.into());
    }
    let whole = |&end: &usize| line.is_char_boundary(end);
    let end = (0..=LONGEST_MESSAGE).rev().find(whole).unwrap_or_default();
    Some(format!("{}…", &line[..end]).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::Ticks;

    fn task(id: u64, outcome: Outcome) -> EndedTask {
        EndedTask {
            id: TaskId(id),
            name: None,
            place: Location::caller(),
            outcome,
            last: LastLook {
                at: Ticks(id),
                ..LastLook::default()
            },
        }
    }

    #[test]
    fn a_flood_of_ordinary_ends_pushes_no_panic_out() {
        let ended = Ended::new();
        ended.push(task(1, Outcome::Panicked(Some("on fire".into()))));
        for id in 2..10_000 {
            ended.push(task(id, Outcome::Finished));
        }
        ended.push(task(10_000, Outcome::Aborted));
        let latest = ended.latest();
        let ids: Vec<u64> = latest.iter().map(|task| task.id.0).collect();
        assert_eq!(ids.len(), KEPT + 2);
        assert_eq!((ids[0], ids[1], ids[KEPT]), (10_000, 9_999, 9_744));
        assert_eq!(
            latest[KEPT + 1].outcome,
            Outcome::Panicked(Some("on fire".into()))
        );
        let counts = Counts {
            finished: 9_998,
            panicked: 1,
            aborted: 1,
        };
        assert_eq!(ended.counts(), counts);
    }

    #[test]
    fn an_end_never_waits_for_a_reader() {
        let ended = Ended::new();
        let read = ended.finished.entries[0].lock();
        ended.push(task(1, Outcome::Finished));
        drop(read);
        assert_eq!(ended.latest()[0].id, TaskId(1));

        let all: Vec<_> = ended.finished.entries.iter().map(Mutex::lock).collect();
        ended.push(task(2, Outcome::Finished));
        drop(all);
        assert_eq!(ended.latest().len(), 1, "not kept, but counted");
        assert_eq!(ended.counts().finished, 2);
    }

    #[test]
    fn a_message_is_one_line_and_bounded() {
        let told = |payload: Box<dyn Any + Send>| message_of(&*payload);
        assert_eq!(told(Box::new("short")).as_deref(), Some("short"));
        let two_lines = String::from("assertion failed\n  left: 1");
        assert_eq!(
            told(Box::new(two_lines)).as_deref(),
            Some("assertion failed")
        );
        assert_eq!(told(Box::new(7_u8)), None);
        // 199 bytes and then a character of two: it does not fit and is not cut in half.
        let long = format!("{}é and more", "x".repeat(199));
        let cut = told(Box::new(long)).expect("a text");
        assert_eq!(&*cut, format!("{}…", "x".repeat(199)));
    }
}
