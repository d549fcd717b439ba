//! All records of locks. They are never freed: a lock that is dropped leaves its own to the next.

use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::super::view::{LockKind, LockView};
use super::link::Link;
use super::record::LockRecord;
use crate::recorder::RECORDER;

/// Locks that are tracked at one time: records take 20 MB then.
const MOST: usize = 1 << 16;

static POOL: Mutex<Pool> = Mutex::new(Pool {
    all: Vec::new(),
    free: Vec::new(),
});
static LAST_ID: AtomicU64 = AtomicU64::new(0);
static LEFT_OUT: AtomicU64 = AtomicU64::new(0);

struct Pool {
    all: Vec<&'static LockRecord>,
    free: Vec<&'static LockRecord>,
}

/// A record for a lock that has none yet; none if there are too many.
pub(super) fn claim(
    link: &Link,
    kind: LockKind,
    made_at: &'static Location<'static>,
) -> Option<&'static LockRecord> {
    if link.is_left_out() {
        return None;
    }
    let mut pool = pool();
    // Readers take a lock for the first time beside each other: one of them may have come here before.
    if link.get().is_none() && !link.is_left_out() {
        let record = pool.take();
        match record {
            Some(record) => {
                record.begin(LAST_ID.fetch_add(1, Ordering::Relaxed) + 1, kind, made_at);
            }
            None => {
                LEFT_OUT.fetch_add(1, Ordering::Relaxed);
            }
        }
        link.set(record);
    }
    link.get()
}

/// The record's lock is dropped.
pub(super) fn give_back(record: &'static LockRecord) {
    record.end();
    pool().free.push(record);
}

/// All locks that were ever taken and still exist. For the agent: it holds up threads for the time of a copy.
pub(crate) fn locks() -> Vec<LockView> {
    let records = pool().all.clone();
    let rate = RECORDER.clock().rate();
    records
        .iter()
        .filter_map(|record| record.view(&rate))
        .collect()
}

/// Those of them that somebody waits for; the others are not even copied.
pub(crate) fn wanted() -> Vec<LockView> {
    let wanted: Vec<&LockRecord> = {
        let pool = pool();
        let all = pool.all.iter().copied();
        all.filter(|record| record.queue.is_wanted()).collect()
    };
    if wanted.is_empty() {
        return Vec::new();
    }
    let rate = RECORDER.clock().rate();
    wanted
        .iter()
        .filter_map(|record| record.view(&rate))
        .collect()
}

/// Locks that found no record.
pub(crate) fn left_out() -> u64 {
    LEFT_OUT.load(Ordering::Relaxed)
}

impl Pool {
    fn take(&mut self) -> Option<&'static LockRecord> {
        if let Some(record) = self.free.pop() {
            return Some(record);
        }
        if self.all.len() >= MOST {
            return None;
        }
        let record: &'static LockRecord = Box::leak(Box::default());
        self.all.push(record);
        Some(record)
    }
}

fn pool() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}
