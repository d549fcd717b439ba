//! Who is this thread, what is it polling, and is it touching a record right now?
//!
//! Records are never freed: a thread that ends leaves its own to the next one that starts.

use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU16, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use stallscope_stack::ThreadHandle;

use super::super::fence;
use super::super::histogram::Histogram;
use super::super::long_polls::LongPolls;
use super::super::sites::NearCounters;
use super::polls::{Polling, Polls};
use crate::runtimes::RuntimeIndex;
#[cfg(feature = "tracing-subscriber")]
use crate::spans::Board;

/// One thread's part of the recorder.
#[repr(align(128))] // two lines: neighbours would share the pair that the prefetcher fetches
pub(crate) struct ThreadRecord {
    /// The polls in progress.
    pub(in crate::recorder) polls: Polls,
    /// 1 while a hook of this thread follows pointers to slots.
    inside: AtomicU32,
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
    pub(in crate::recorder) near_sites: NearCounters,
    /// Spans of the application's `tracing` that it is in.
    #[cfg(feature = "tracing-subscriber")]
    pub(crate) spans: Board,
    /// Counted from 0 in order of first use; names this record in [`super::super::slot::Record::thread`].
    number: AtomicU16,
    taken: AtomicBool,
    /// The one before it in the list.
    pub(super) next: AtomicPtr<ThreadRecord>,
}

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

impl ThreadRecord {
    pub(super) fn new(number: u16) -> Self {
        ThreadRecord {
            polls: Polls::default(),
            inside: AtomicU32::new(0),
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

    /// Whether an ended thread has left this record; if so, it is the caller's from now on.
    pub(super) fn take(&self) -> bool {
        let left = self
            .taken
            .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_ok();
        if left {
            self.forget_thread();
        }
        left
    }

    /// Its thread may be looked at from now on.
    pub(super) fn register(&self, handle: ThreadHandle) {
        self.tid.store(kernel_thread_id(), Ordering::Relaxed);
        *self.handle.lock().unwrap_or_else(PoisonError::into_inner) = Some(handle);
    }

    /// Its thread ends; the next one may take it.
    pub(in crate::recorder) fn leave(&self) {
        *self.handle.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.polls.forget();
        self.taken.store(false, Ordering::Release);
    }

    /// The poll in progress.
    pub(crate) fn polling(&self) -> Option<Polling> {
        self.polls.now()
    }

    /// Begins a section in which pointers to slots are followed; nothing is moved or freed until it
    /// ends.
    #[inline]
    pub(in crate::recorder) fn enter(&self) -> Inside<'_> {
        self.inside.store(1, Ordering::Relaxed);
        fence::light();
        Inside(self)
    }

    pub(in crate::recorder) fn is_inside(&self) -> bool {
        self.inside.load(Ordering::Acquire) != 0
    }

    #[inline]
    pub(crate) fn number(&self) -> u16 {
        self.number.load(Ordering::Relaxed)
    }

    /// The runtime and worker this thread was when it last looked.
    pub(crate) fn worker(&self) -> Option<(RuntimeIndex, u32)> {
        let worker = self.worker.load(Ordering::Relaxed).checked_sub(1)?;
        Some((self.runtime.load(Ordering::Relaxed), worker))
    }

    /// The runtime that has made this thread, for a worker or for blocking closures.
    pub(crate) fn pool(&self) -> Option<RuntimeIndex> {
        self.pool.load(Ordering::Relaxed).checked_sub(1)
    }

    pub(in crate::recorder) fn made_by(&self, runtime: RuntimeIndex) {
        self.pool.store(runtime + 1, Ordering::Relaxed);
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
    pub(crate) fn note_worker(&self, runtime: RuntimeIndex) -> Look {
        let polls = self.polls_since_look.load(Ordering::Relaxed);
        self.polls_since_look
            .store(if polls == 63 { 0 } else { polls + 1 }, Ordering::Relaxed);
        if polls == 0 {
            self.look_up_worker(runtime);
        }
        Look(polls == 0)
    }

    #[cold]
    pub(in crate::recorder) fn look_up_worker(&self, runtime: RuntimeIndex) {
        let worker = tokio::runtime::worker_index().and_then(|index| u32::try_from(index).ok());
        self.worker
            .store(worker.map_or(0, |index| index + 1), Ordering::Relaxed);
        self.runtime.store(runtime, Ordering::Relaxed);
        if self.tid.load(Ordering::Relaxed) == 0 {
            self.tid.store(kernel_thread_id(), Ordering::Relaxed);
        }
    }

    fn forget_thread(&self) {
        for cell in [
            &self.allowed,
            &self.worker,
            &self.pool,
            &self.tid,
            &self.polls_since_look,
        ] {
            cell.store(0, Ordering::Relaxed);
        }
    }
}

/// Proof that the thread is inside a section; leaves it when dropped.
pub(in crate::recorder) struct Inside<'a>(&'a ThreadRecord);

impl Inside<'_> {
    pub(in crate::recorder) fn thread(&self) -> u16 {
        self.0.number()
    }
}

impl Drop for Inside<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.inside.store(0, Ordering::Release);
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
