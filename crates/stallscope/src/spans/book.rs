//! What is a span called, and what are its fields?
//!
//! Locked when a span is made, gets a value recorded, and ends; never when it is entered or left. Nothing of the application's runs under the lock (its
//! `Debug` was called before), and nothing is freed: a thread that is stuck somewhere holds none of these locks, so the watchdog gets them. It does not
//! wait for one all the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use tracing::Metadata;

use super::board::SpanKey;

/// The spans of all subscribers of this process that have the layer.
pub(super) static BOOK: Book = Book {
    shards: [const { Mutex::new(None) }; 16],
};

/// One span.
#[derive(Clone, Debug)]
pub(super) struct Noted {
    pub(super) metadata: &'static Metadata<'static>,
    /// As in `user=7 path="/x"`.
    pub(super) fields: Arc<str>,
}

/// None while there is nothing in it: a map cannot be made in a constant, and this way an old peak takes no memory.
type Shard = Option<HashMap<SpanKey, Noted>>;

/// How often the watchdog tries a lock that is taken, and how long it lets the holder go on in between.
const TRIES: usize = 5;
const PAUSE: Duration = Duration::from_micros(200);

pub(super) struct Book {
    shards: [Mutex<Shard>; 16],
}

impl Book {
    pub(super) fn insert(&self, span: SpanKey, noted: Noted) {
        let replaced = self.lock(span).get_or_insert_default().insert(span, noted);
        drop(replaced); // outside of the lock
    }

    pub(super) fn remove(&self, span: SpanKey) {
        let mut shard = self.lock(span);
        let removed = shard.as_mut().and_then(|spans| spans.remove(&span));
        let empty = shard.take_if(|spans| spans.is_empty());
        drop(shard);
        drop((removed, empty)); // outside of the lock
    }

    /// Puts other fields in the place of those of a span.
    pub(super) fn change(&self, span: SpanKey, change: impl Fn(&str) -> Arc<str>) {
        let of = |shard: &Shard| {
            let noted = shard.as_ref()?.get(&span)?;
            Some(Arc::clone(&noted.fields))
        };
        let Some(mut before) = of(&self.lock(span)) else {
            return;
        };
        loop {
            let mut after = change(&before);
            let mut shard = self.lock(span);
            let Some(noted) = shard.as_mut().and_then(|spans| spans.get_mut(&span)) else {
                return; // it has ended
            };
            if Arc::ptr_eq(&noted.fields, &before) {
                std::mem::swap(&mut noted.fields, &mut after);
                drop(shard);
                return; // `after`, which is what was there before, goes outside of the lock
            }
            // Another thread was faster: its values stay.
            let newer = Arc::clone(&noted.fields);
            drop(shard);
            before = newer;
        }
    }

    /// A span as it is now. None if it has ended, or if its shard stays locked.
    pub(super) fn look_up(&self, span: SpanKey) -> Option<Noted> {
        for turn in 0..TRIES {
            if turn > 0 {
                std::thread::sleep(PAUSE);
            }
            let shard = match self.shard(span).try_lock() {
                Ok(shard) => shard,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => continue,
            };
            return shard.as_ref()?.get(&span).cloned();
        }
        None
    }

    /// Forgets what a layer has noted: its subscriber is gone, or has put another one in its place.
    pub(super) fn forget(&self, layer: u32) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(spans) = shard.as_mut() {
                spans.retain(|span, _| span.layer != layer);
            }
            shard.take_if(|spans| spans.is_empty());
        }
    }

    fn lock(&self, span: SpanKey) -> MutexGuard<'_, Shard> {
        self.shard(span)
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn shard(&self, span: SpanKey) -> &Mutex<Shard> {
        // A registry counts ids up in some bits and not in others.
        let mixed = span.id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60;
        &self.shards[mixed as usize % self.shards.len()]
    }
}
