//! Which record is the calling thread's? A thread-local pointer, set at its first hook and given back when the thread ends.
#![allow(unsafe_code)] // follows the thread-local pointer, which only ever points to leaked records

use std::cell::Cell;

use stallscope_stack::{Registration, ThreadHandle};

use super::list::Threads;
use super::record::ThreadRecord;

thread_local! {
    /// This thread's record; null before its first hook.
    static RECORD: Cell<*const ThreadRecord> = const { Cell::new(std::ptr::null()) };
    static GIVE_BACK: GiveBack = const { GiveBack(Cell::new(None)) };
}

/// Calls `body` with the calling thread's record.
#[inline]
pub(in crate::recorder) fn with_record<R>(
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
#[inline]
pub(in crate::recorder) fn present_record() -> Option<&'static ThreadRecord> {
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
            record.register(registration.handle());
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
            record.leave();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static THREADS: Threads = Threads::new();

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
}
