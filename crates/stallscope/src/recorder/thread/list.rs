//! Which threads are there? All records of the process, to be walked by anyone at any time.
#![allow(unsafe_code)] // follows the pointers of the list, which only ever point to leaked records

use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use std::time::Duration;

use super::record::ThreadRecord;

/// All thread records of the process.
pub(crate) struct Threads {
    first: AtomicPtr<ThreadRecord>,
    count: AtomicU32,
}

impl Threads {
    pub(in crate::recorder) const fn new() -> Self {
        Threads {
            first: AtomicPtr::new(std::ptr::null_mut()),
            count: AtomicU32::new(0),
        }
    }

    /// A record for the calling thread: one that an ended thread left, or a new one.
    pub(in crate::recorder) fn claim(&self) -> &'static ThreadRecord {
        for record in self.iter() {
            if record.take() {
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
    pub(in crate::recorder) fn wait_until_outside(&self) -> bool {
        self.iter().all(|record| {
            (0..200).any(|turn| {
                if turn > 50 {
                    std::thread::sleep(Duration::from_micros(100));
                } else if turn > 0 {
                    std::thread::yield_now();
                }
                !record.is_inside()
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
