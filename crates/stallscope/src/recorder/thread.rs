//! What is this thread polling, and is it touching a record right now?
//!
//! Every thread that runs a hook has one of these, found through a thread-local pointer. The thread
//! alone writes it; the agent reads it. Records are never freed: a thread that ends leaves its own
//! to the next one that starts.
#![allow(unsafe_code)] // follows the thread-local pointer, which only ever points to leaked records

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU16, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use stallscope_stack::{Registration, ThreadHandle};

use super::clock::Ticks;
use super::fence;
use super::histogram::Histogram;
use super::id::TaskId;
use super::long_polls::LongPolls;
use super::sites::NearCounters;
#[cfg(feature = "tracing-subscriber")]
use crate::spans::Board;

/// One thread's part of the recorder.
#[repr(align(128))] // two lines: neighbours would share the pair that the prefetcher fetches
pub(crate) struct ThreadRecord {
    /// The poll in progress, in the form of [`TaskId::to_slot`]; 0 if there is none.
    current: AtomicU64,
    started: AtomicU64,
    /// 1 while a hook of this thread follows pointers to slots.
    inside: AtomicU32,
    /// Polls that were in progress when a nested one began (a runtime driven from within a task).
    depth: AtomicU32,
    outer: [Outer; NESTED],
    /// The worker this thread was when last asked, plus one.
    worker: AtomicU32,
    runtime: AtomicU32,
    /// The runtime whose pool has made this thread, plus one.
    pool: AtomicU32,
    tid: AtomicU32,
    polls_since_look: AtomicU32,
    /// How long ones of its polls ended, for the watchdog.
    pub(crate) long_polls: LongPolls,
    /// Nested regions in which blocking is intended.
    allowed: AtomicU32,
    /// The right to look at the thread's stack.
    handle: Mutex<Option<ThreadHandle>>,
    /// Finished polls by duration.
    pub(crate) poll_times: Histogram,
    pub(super) near_sites: NearCounters,
    /// Spans of the application's `tracing` that it is in.
    #[cfg(feature = "tracing-subscriber")]
    pub(crate) spans: Board,
    /// Counted from 0 in order of first use; names this record in [`super::slot::Record::thread`].
    number: AtomicU16,
    taken: AtomicBool,
    next: AtomicPtr<ThreadRecord>,
}

#[derive(Default)]
struct Outer {
    task: AtomicU64,
    started: AtomicU64,
}

/// How deep polls may nest before the outermost are forgotten.
const NESTED: usize = 4;

/// Whether this poll is one of those at which slowly changing things are looked at: a thread's
/// first, then every 64th.
#[must_use]
#[derive(Clone, Copy)]
pub(crate) struct Look(bool);

impl Look {
    pub(crate) fn is_time_to_look(self) -> bool {
        self.0
    }
}

/// A poll in progress, as seen from another thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Polling {
    pub(crate) task: TaskId,
    pub(crate) since: Ticks,
}

/// A poll in progress, as its thread sees it.
#[cfg(feature = "tracing-subscriber")]
pub(crate) struct OwnPoll {
    pub(crate) since: Ticks,
    /// It runs within another poll of the thread.
    pub(crate) is_nested: bool,
}

impl ThreadRecord {
    fn new(number: u16) -> Self {
        ThreadRecord {
            current: AtomicU64::new(0),
            started: AtomicU64::new(0),
            inside: AtomicU32::new(0),
            depth: AtomicU32::new(0),
            outer: Default::default(),
            worker: AtomicU32::new(0),
            runtime: AtomicU32::new(0),
            pool: AtomicU32::new(0),
            tid: AtomicU32::new(0),
            polls_since_look: AtomicU32::new(0),
            long_polls: LongPolls::new(),
            allowed: AtomicU32::new(0),
            handle: Mutex::new(None),
            poll_times: Histogram::new(),
            near_sites: NearCounters::new(),
            #[cfg(feature = "tracing-subscriber")]
            spans: Board::default(),
            number: AtomicU16::new(number),
            taken: AtomicBool::new(true),
            next: AtomicPtr::new(std::ptr::null_mut()),
        }
    }

    #[inline]
    pub(crate) fn poll_started(&self, task: TaskId, now: Ticks) {
        if self.current.load(Ordering::Relaxed) != 0 {
            self.nest();
        }
        self.started.store(now.0, Ordering::Relaxed);
        self.current.store(task.to_slot(), Ordering::Release);
    }

    /// When the poll of `task` began; none if no such poll was seen to begin.
    #[inline]
    pub(crate) fn poll_ended(&self, task: TaskId) -> Option<Ticks> {
        if self.current.load(Ordering::Relaxed) != task.to_slot() {
            return None;
        }
        let started = Ticks(self.started.load(Ordering::Relaxed));
        if self.depth.load(Ordering::Relaxed) == 0 {
            self.current.store(0, Ordering::Release);
        } else {
            self.unnest();
        }
        Some(started)
    }

    /// Whether the poll in progress is one of this task. For the thread itself.
    #[inline]
    pub(crate) fn is_polling(&self, task: TaskId) -> bool {
        self.current.load(Ordering::Relaxed) == task.to_slot()
    }

    /// Begins a section in which pointers to slots are followed; nothing is moved or freed until it
    /// ends.
    #[inline]
    pub(super) fn enter(&self) -> Inside<'_> {
        self.inside.store(1, Ordering::Relaxed);
        fence::light();
        Inside(self)
    }

    pub(super) fn is_inside(&self) -> bool {
        self.inside.load(Ordering::Acquire) != 0
    }

    pub(crate) fn polling(&self) -> Option<Polling> {
        let task = TaskId::from_slot(self.current.load(Ordering::Acquire))?;
        let since = Ticks(self.started.load(Ordering::Relaxed));
        // The poll may have ended and another begun in between: then the time belongs to no one.
        (self.current.load(Ordering::Acquire) == task.to_slot()).then_some(Polling { task, since })
    }

    /// The poll in progress. For the thread itself.
    #[cfg(feature = "tracing-subscriber")]
    #[inline]
    pub(super) fn own_poll(&self) -> Option<OwnPoll> {
        (self.current.load(Ordering::Relaxed) != 0).then(|| OwnPoll {
            since: Ticks(self.started.load(Ordering::Relaxed)),
            is_nested: self.depth.load(Ordering::Relaxed) > 0,
        })
    }

    #[inline]
    pub(crate) fn number(&self) -> u16 {
        self.number.load(Ordering::Relaxed)
    }

    /// The runtime and worker this thread was when it last looked.
    pub(crate) fn worker(&self) -> Option<(u8, u32)> {
        let worker = self.worker.load(Ordering::Relaxed).checked_sub(1)?;
        Some((self.runtime.load(Ordering::Relaxed) as u8, worker))
    }

    /// The runtime that has made this thread, for a worker or for blocking closures.
    pub(crate) fn pool(&self) -> Option<u8> {
        let pool = self.pool.load(Ordering::Relaxed).checked_sub(1)?;
        Some(pool as u8)
    }

    pub(super) fn made_by(&self, runtime: u8) {
        self.pool.store(u32::from(runtime) + 1, Ordering::Relaxed);
    }

    /// What is needed to look at the thread's stack; none if it has ended or nothing can be looked at here.
    pub(crate) fn handle(&self) -> Option<ThreadHandle> {
        self.handle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Begins or ends a region in which blocking is intended.
    pub(crate) fn allow(&self, begin: bool) {
        let depth = self.allowed.load(Ordering::Relaxed);
        let depth = if begin {
            depth + 1
        } else {
            depth.saturating_sub(1)
        };
        self.allowed.store(depth, Ordering::Release);
    }

    pub(crate) fn is_allowed(&self) -> bool {
        self.allowed.load(Ordering::Acquire) > 0
    }

    pub(crate) fn tid(&self) -> u32 {
        self.tid.load(Ordering::Relaxed)
    }

    /// Asks tokio now and then which worker this thread is: that changes when `block_in_place`
    /// hands a worker on.
    #[inline]
    pub(crate) fn note_worker(&self, runtime: u8) -> Look {
        let polls = self.polls_since_look.load(Ordering::Relaxed);
        self.polls_since_look
            .store(if polls == 63 { 0 } else { polls + 1 }, Ordering::Relaxed);
        if polls == 0 {
            self.look_up_worker(runtime);
        }
        Look(polls == 0)
    }

    #[cold]
    pub(super) fn look_up_worker(&self, runtime: u8) {
        let worker = tokio::runtime::worker_index().and_then(|index| u32::try_from(index).ok());
        self.worker
            .store(worker.map_or(0, |index| index + 1), Ordering::Relaxed);
        self.runtime.store(u32::from(runtime), Ordering::Relaxed);
        if self.tid.load(Ordering::Relaxed) == 0 {
            self.tid.store(kernel_thread_id(), Ordering::Relaxed);
        }
    }

    #[cold]
    fn nest(&self) {
        let depth = self.depth.load(Ordering::Relaxed);
        if let Some(outer) = self.outer.get(depth as usize) {
            outer
                .task
                .store(self.current.load(Ordering::Relaxed), Ordering::Relaxed);
            outer
                .started
                .store(self.started.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        self.depth.store(depth + 1, Ordering::Relaxed);
    }

    #[cold]
    fn unnest(&self) {
        let depth = self.depth.load(Ordering::Relaxed).saturating_sub(1);
        self.depth.store(depth, Ordering::Relaxed);
        let (task, started) = self.outer.get(depth as usize).map_or((0, 0), |outer| {
            (
                outer.task.load(Ordering::Relaxed),
                outer.started.load(Ordering::Relaxed),
            )
        });
        self.started.store(started, Ordering::Relaxed);
        self.current.store(task, Ordering::Release);
    }

    fn forget_thread(&self) {
        for cell in [
            &self.allowed,
            &self.depth,
            &self.worker,
            &self.pool,
            &self.tid,
            &self.polls_since_look,
        ] {
            cell.store(0, Ordering::Relaxed);
        }
        self.current.store(0, Ordering::Relaxed);
    }
}

/// Proof that the thread is inside a section; leaves it when dropped.
pub(super) struct Inside<'a>(&'a ThreadRecord);

impl Inside<'_> {
    pub(super) fn thread(&self) -> u16 {
        self.0.number()
    }
}

impl Drop for Inside<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.inside.store(0, Ordering::Release);
    }
}

/// All thread records of the process.
pub(crate) struct Threads {
    first: AtomicPtr<ThreadRecord>,
    count: AtomicU32,
}

impl Threads {
    pub(super) const fn new() -> Self {
        Threads {
            first: AtomicPtr::new(std::ptr::null_mut()),
            count: AtomicU32::new(0),
        }
    }

    /// A record for the calling thread: one that an ended thread left, or a new one.
    pub(super) fn claim(&self) -> &'static ThreadRecord {
        for record in self.iter() {
            let free =
                record
                    .taken
                    .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
            if free.is_ok() {
                record.forget_thread();
                return record;
            }
        }
        // Past 65 535 threads alive at once the numbers repeat: "which thread polled last" gets
        // vague, nothing else.
        let number = self.count.fetch_add(1, Ordering::Relaxed) as u16;
        let record: &'static ThreadRecord = Box::leak(Box::new(ThreadRecord::new(number)));
        let mut first = self.first.load(Ordering::Relaxed);
        loop {
            record.next.store(first, Ordering::Relaxed);
            let new = std::ptr::from_ref(record).cast_mut();
            match self
                .first
                .compare_exchange_weak(first, new, Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) => return record,
                Err(newer) => first = newer,
            }
        }
    }

    pub(super) fn give_back(record: &'static ThreadRecord) {
        record.current.store(0, Ordering::Relaxed);
        record.taken.store(false, Ordering::Release);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &'static ThreadRecord> + use<> {
        let mut next = self.first.load(Ordering::Acquire);
        std::iter::from_fn(move || {
            // SAFETY: only `claim` stores to the list, and what it stores was leaked.
            let record: &'static ThreadRecord = unsafe { next.as_ref() }?;
            next = record.next.load(Ordering::Acquire);
            Some(record)
        })
    }

    /// Waits until every thread that was inside a section has left it. Sections last nanoseconds
    /// unless the thread is preempted in one; the caller is the agent, nobody waits for it. False:
    /// a thread stayed inside for longer than is worth waiting.
    #[must_use]
    pub(super) fn wait_until_outside(&self) -> bool {
        self.iter().all(|record| {
            (0..200).any(|turn| {
                if turn > 50 {
                    std::thread::sleep(std::time::Duration::from_micros(100));
                } else if turn > 0 {
                    std::thread::yield_now();
                }
                !record.is_inside()
            })
        })
    }
}

thread_local! {
    /// This thread's record; null before its first hook.
    static RECORD: Cell<*const ThreadRecord> = const { Cell::new(std::ptr::null()) };
    static GIVE_BACK: GiveBack = const { GiveBack(Cell::new(None)) };
}

/// Calls `body` with the calling thread's record.
#[inline]
pub(super) fn with_record<R>(
    threads: &'static Threads,
    body: impl FnOnce(&'static ThreadRecord) -> R,
) -> R {
    let pointer = RECORD.get();
    // SAFETY: null, or set by `first_use` from a leaked record.
    match unsafe { pointer.as_ref() } {
        Some(record) => body(record),
        None => body(first_use(threads)),
    }
}

/// The calling thread's record, if it has one: what is only of use within a poll makes none.
#[cfg(feature = "tracing-subscriber")]
#[inline]
pub(super) fn present_record() -> Option<&'static ThreadRecord> {
    // SAFETY: null, or set by `first_use` from a leaked record.
    unsafe { RECORD.get().as_ref() }
}

#[cold]
#[inline(never)]
fn first_use(threads: &'static Threads) -> &'static ThreadRecord {
    let record = threads.claim();
    RECORD.set(record);
    // A thread whose destructors have already run keeps its record for good: a task dropped by
    // another thread-local's destructor still counts, at the price of one record.
    let _ = GIVE_BACK.try_with(|give_back| {
        if let Ok(registration) = ThreadHandle::register_current() {
            record.tid.store(kernel_thread_id(), Ordering::Relaxed);
            *record.handle.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(registration.handle());
            give_back.0.set(Some(registration));
        }
    });
    record
}

/// Dropped with the thread; while the registration lives, the thread's stack may be looked at.
struct GiveBack(Cell<Option<Registration>>);

impl Drop for GiveBack {
    fn drop(&mut self) {
        // SAFETY: null, or set by `first_use` from a leaked record.
        if let Some(record) = unsafe { RECORD.replace(std::ptr::null()).as_ref() } {
            *record.handle.lock().unwrap_or_else(PoisonError::into_inner) = None;
            Threads::give_back(record);
        }
    }
}

#[cfg(target_os = "linux")]
fn kernel_thread_id() -> u32 {
    u32::try_from(rustix::thread::gettid().as_raw_nonzero().get()).unwrap_or(0)
}

#[cfg(not(target_os = "linux"))]
fn kernel_thread_id() -> u32 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    static THREADS: Threads = Threads::new();

    #[test]
    fn a_poll_within_a_poll_gives_both_their_own_time() {
        let record = ThreadRecord::new(0);
        record.poll_started(TaskId(7), Ticks(100));
        record.poll_started(TaskId(9), Ticks(200));
        assert_eq!(
            record.polling(),
            Some(Polling {
                task: TaskId(9),
                since: Ticks(200)
            })
        );
        assert_eq!(record.poll_ended(TaskId(9)), Some(Ticks(200)));
        assert_eq!(
            record.polling(),
            Some(Polling {
                task: TaskId(7),
                since: Ticks(100)
            })
        );
        assert_eq!(record.poll_ended(TaskId(7)), Some(Ticks(100)));
        assert_eq!(record.polling(), None);
    }

    #[test]
    fn nesting_deeper_than_is_kept_loses_the_deep_ones_only() {
        let record = ThreadRecord::new(0);
        for task in 1..=7 {
            record.poll_started(TaskId(task), Ticks(task));
        }
        for task in (1..=7).rev() {
            let ended = record.poll_ended(TaskId(task));
            let kept = task == 7 || task <= NESTED as u64;
            assert_eq!(ended, kept.then_some(Ticks(task)), "task {task}");
            if !kept {
                record.unnest(); // as the hook of the forgotten poll would have
            }
        }
        assert_eq!(record.polling(), None);
    }

    #[test]
    fn an_end_without_a_beginning_is_ignored() {
        let record = ThreadRecord::new(0);
        record.poll_started(TaskId(7), Ticks(100));
        assert_eq!(record.poll_ended(TaskId(8)), None);
        assert_eq!(record.poll_ended(TaskId(7)), Some(Ticks(100)));
    }

    #[test]
    fn an_ended_thread_leaves_its_record_to_the_next() {
        let number = || {
            std::thread::spawn(|| with_record(&THREADS, ThreadRecord::number))
                .join()
                .expect("a thread")
        };
        let first = number();
        assert_eq!(number(), first);
        assert_eq!(THREADS.iter().count(), 1);
    }

    #[test]
    fn nobody_waits_for_a_thread_outside_and_not_for_ever_for_one_inside() {
        let threads: &'static Threads = Box::leak(Box::new(Threads::new()));
        let record = threads.claim();
        assert!(threads.wait_until_outside());
        let inside = record.enter();
        assert!(!threads.wait_until_outside());
        drop(inside);
        assert!(threads.wait_until_outside());
    }
}
