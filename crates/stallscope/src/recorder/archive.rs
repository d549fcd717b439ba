//! Where is the record of a task that outlived its neighbours? In dense pages, found through a hash
//! index.
//!
//! Workers only look up and write in place. Everything that changes the structure is done by the
//! [keeper](super::keeper), one thread: it inserts before a page of the table goes away, replaces
//! entries, and frees memory when no thread can still hold a pointer to it.
#![allow(unsafe_code)] // follows pointers to slots and to the index; why they are alive is argued at each place

use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use super::id::TaskId;
use super::slot::Slot;
use super::thread::Inside;

/// The lock-free half of the archive.
pub(super) struct Archive {
    index: AtomicPtr<Index>,
    /// Tasks that ended here since the start: tells the keeper that sweeping is worth it.
    ended: AtomicU64,
}

/// An open-addressing table of pointers to slots. An entry is null (never used), a pointer to a
/// slot, or one to [`TOMBSTONE`].
pub(super) struct Index {
    entries: Box<[AtomicPtr<Slot>]>,
    shift: u32,
}

/// Stands where an entry was removed: it holds no id, so look-ups pass over it.
static TOMBSTONE: Slot = Slot::UNUSED;

impl Archive {
    pub(super) const fn new() -> Self {
        Archive {
            index: AtomicPtr::new(null_mut()),
            ended: AtomicU64::new(0),
        }
    }

    pub(super) fn find<'a>(&'a self, _inside: &'a Inside<'_>, id: TaskId) -> Option<&'a Slot> {
        // SAFETY: the calling thread is inside; the keeper frees a replaced index only after it saw
        // every thread outside.
        let index = unsafe { self.index.load(Ordering::Acquire).as_ref() }?;
        index.find(id)
    }

    pub(super) fn count_end(&self) {
        self.ended.fetch_add(1, Ordering::Release);
    }

    pub(super) fn ended(&self) -> u64 {
        self.ended.load(Ordering::Acquire)
    }

    /// The index as the keeper sees it.
    pub(super) fn peek(&self) -> Option<&Index> {
        // SAFETY: only the keeper replaces and frees the index, and it is the caller.
        unsafe { self.index.load(Ordering::Acquire).as_ref() }
    }

    /// Publishes another index and returns the old one, which threads inside their sections may
    /// still read.
    pub(super) fn replace(&self, index: Option<Box<Index>>) -> *mut Index {
        self.index
            .swap(index.map_or(null_mut(), Box::into_raw), Ordering::AcqRel)
    }
}

impl Index {
    /// An empty index with room for `count` slots at half load or less.
    pub(super) fn with_room_for(count: usize) -> Self {
        let size = (count.max(32) * 2).next_power_of_two();
        let entries = (0..size).map(|_| AtomicPtr::new(null_mut())).collect();
        Index {
            entries,
            shift: 64 - size.ilog2(),
        }
    }

    /// How many entries may be used, tombstones included.
    pub(super) fn room(&self) -> usize {
        self.entries.len() / 2
    }

    /// Adds a slot under an id that is not in the index. For the keeper; the caller keeps to
    /// [`Index::room`].
    pub(super) fn insert(&self, id: TaskId, slot: *mut Slot) {
        let free = self
            .probe(id)
            .find(|entry| entry.load(Ordering::Relaxed).is_null());
        if let Some(entry) = free {
            entry.store(slot, Ordering::Release);
        }
    }

    /// Removes an id; false if it was not there. For the keeper.
    pub(super) fn remove(&self, id: TaskId) -> bool {
        let found = self.entry_of(id);
        if let Some(entry) = found {
            entry.store((&raw const TOMBSTONE).cast_mut(), Ordering::Release);
        }
        found.is_some()
    }

    pub(super) fn find(&self, id: TaskId) -> Option<&Slot> {
        let slot = self.entry_of(id)?.load(Ordering::Acquire);
        // SAFETY: as in `entry_of`. The entry may have been replaced since: by a tombstone, which
        // is a slot too.
        let slot = unsafe { slot.as_ref() }?;
        slot.holds(id).then_some(slot)
    }

    fn entry_of(&self, id: TaskId) -> Option<&AtomicPtr<Slot>> {
        for entry in self.probe(id) {
            // SAFETY: entries point to slots of pages that the keeper unmaps only after it removed
            // the entry and saw every thread outside its section, or to the tombstone, which is
            // static. The caller is inside, or is the keeper.
            let slot = unsafe { entry.load(Ordering::Acquire).as_ref() }?;
            if slot.holds(id) {
                return Some(entry);
            }
        }
        None
    }

    fn probe(&self, id: TaskId) -> impl Iterator<Item = &AtomicPtr<Slot>> {
        let start = (id.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift) as usize;
        let (before, from) = self.entries.split_at(start);
        from.iter().chain(before)
    }
}
