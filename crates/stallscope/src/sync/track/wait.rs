//! Who waits for a lock, and how long did those wait who have it now? Touched by those who have to wait, and by the agent.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::super::party::{Party, thread_id};
use super::super::view::WaiterView;
use super::Ask;
use super::record::LockRecord;
use crate::recorder::{Histogram, RECORDER, Rate, Ticks};

/// A lock's waiters.
#[derive(Default)]
pub(super) struct Queue {
    /// How many they are, for holders that leave.
    waiting: AtomicU32,
    /// When somebody left last while others waited, and how often the lock had been taken until then.
    released: AtomicU64,
    released_after: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// By rising number.
    waiters: VecDeque<Waiter>,
    last_number: u64,
    /// Waits that ended with the lock.
    contended: u64,
    times: Option<Box<Histogram>>,
    longest: u64,
}

struct Waiter {
    number: u64,
    party: Party,
    ask: Ask,
    since: Ticks,
    polled: Ticks,
}

/// The queue's part of a view, in nanoseconds.
pub(super) struct Waiting {
    pub(super) waiters: Vec<WaiterView>,
    pub(super) released_ago: Option<u64>,
    pub(super) contended: u64,
    pub(super) p99: u64,
    pub(super) longest: u64,
}

/// One wait. Whoever drops it has given up.
pub(in crate::sync) struct Wait {
    record: &'static LockRecord,
    number: u64,
}

impl Wait {
    pub(super) fn begin(record: &'static LockRecord, ask: Ask) -> Self {
        let (now, party) = (RECORDER.clock().now(), Party::current());
        let mut inner = record.queue.inner();
        inner.last_number += 1;
        let number = inner.last_number;
        inner.waiters.push_back(Waiter {
            number,
            party,
            ask,
            since: now,
            polled: now,
        });
        record.queue.count(&inner);
        look_at_holders(record, now, party);
        Wait { record, number }
    }

    /// It is asked for the lock again, and does not get it yet.
    #[cold]
    pub(in crate::sync) fn is_polled(&self) {
        let now = RECORDER.clock().now();
        let mut inner = self.record.queue.inner();
        if let Some(waiter) = inner.get_mut(self.number) {
            waiter.polled = now;
            // Futures move between tasks.
            waiter.party = Party::current();
            look_at_holders(self.record, now, waiter.party);
        }
    }

    /// It has the lock.
    #[cold]
    pub(in crate::sync) fn ends(self) {
        let now = RECORDER.clock().now();
        let mut inner = self.record.queue.inner();
        if let Some(waiter) = inner.remove(self.number) {
            let waited = now.since(waiter.since);
            inner.contended += 1;
            inner.longest = inner.longest.max(waited);
            inner.times.get_or_insert_default().count(waited);
        }
        self.record.queue.count(&inner);
        drop(inner);
        std::mem::forget(self);
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let mut inner = self.record.queue.inner();
        inner.remove(self.number);
        self.record.queue.count(&inner);
    }
}

fn look_at_holders(record: &LockRecord, now: Ticks, party: Party) {
    for slot in record.slots() {
        slot.is_seen(now);
        slot.meets(party, thread_id());
    }
    record.queue.may_be_free(record, now);
}

impl Queue {
    /// A holder has left while others wait.
    pub(super) fn is_left(&self, record: &LockRecord) {
        self.stamp(record.takings(), RECORDER.clock().now());
    }

    #[inline]
    pub(super) fn is_wanted(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    pub(super) fn view(&self, record: &LockRecord, rate: &Rate) -> Waiting {
        let inner = self.inner();
        for slot in record.slots() {
            slot.is_seen(rate.now);
        }
        if !inner.waiters.is_empty() {
            self.may_be_free(record, rate.now);
        }
        let released = self.released.load(Ordering::Relaxed);
        Waiting {
            waiters: inner
                .waiters
                .iter()
                .map(|waiter| waiter.view(rate))
                .collect(),
            released_ago: (released > 0).then(|| rate.nanos_since(Ticks(released))),
            contended: inner.contended,
            p99: inner.p99(rate),
            longest: rate.nanos(inner.longest),
        }
    }

    /// For a lock that is dropped.
    pub(super) fn forget(&self) {
        *self.inner() = Inner::default();
        self.waiting.store(0, Ordering::Relaxed);
        self.released.store(0, Ordering::Relaxed);
        self.released_after.store(0, Ordering::Relaxed);
    }

    /// A holder that left just when the first waiter came may have missed it.
    fn may_be_free(&self, record: &LockRecord, now: Ticks) {
        let takings = record.takings();
        if !record.is_held() && self.released_after.load(Ordering::Relaxed) != takings {
            self.stamp(takings, now);
        }
    }

    fn stamp(&self, takings: u64, now: Ticks) {
        self.released.store(now.0, Ordering::Relaxed);
        self.released_after.store(takings, Ordering::Relaxed);
    }

    fn count(&self, inner: &Inner) {
        self.waiting
            .store(inner.waiters.len() as u32, Ordering::Relaxed);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn get_mut(&mut self, number: u64) -> Option<&mut Waiter> {
        let index = self.index(number)?;
        self.waiters.get_mut(index)
    }

    fn remove(&mut self, number: u64) -> Option<Waiter> {
        let index = self.index(number)?;
        self.waiters.remove(index)
    }

    fn index(&self, number: u64) -> Option<usize> {
        self.waiters
            .binary_search_by_key(&number, |waiter| waiter.number)
            .ok()
    }

    /// The upper end of the power of two below which 99 of 100 waits stayed.
    fn p99(&self, rate: &Rate) -> u64 {
        let Some(times) = &self.times else {
            return 0;
        };
        let mut nanos = [0; 64];
        times.add_to(&mut nanos, rate);
        let enough = (nanos.iter().sum::<u64>() * 99).div_ceil(100);
        let mut sum = 0;
        let reaches = |count: &u64| {
            sum += count;
            sum >= enough
        };
        let bucket = nanos.iter().position(reaches).unwrap_or(63);
        (u64::MAX >> (63 - bucket)).min(rate.nanos(self.longest))
    }
}

impl Waiter {
    fn view(&self, rate: &Rate) -> WaiterView {
        WaiterView {
            party: self.party,
            mode: self.ask.mode,
            place: self.ask.place,
            wait: self.number,
            waits_for: rate.nanos_since(self.since),
            polled_ago: if self.ask.blocks {
                0
            } else {
                rate.nanos_since(self.polled)
            },
        }
    }
}
