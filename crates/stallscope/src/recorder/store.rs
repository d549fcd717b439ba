//! Where is a task's record? One place to ask, whatever its age.

use std::sync::atomic::{AtomicBool, Ordering};

use super::archive::Archive;
use super::id::{ROOTS, TaskId};
use super::slot::{Birth, Life, Slot, Totals};
use super::table::{Found, NoSlot, Table};
use super::thread::Inside;

/// All records of the process.
pub(super) struct Store {
    pub(super) table: Table,
    pub(super) archive: Archive,
    pub(super) roots: Roots,
}

/// A record and where its end is to be counted.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    Young(Found<'a>),
    Archived(&'a Slot),
    Root(&'a Slot),
}

impl Store {
    pub(super) const fn new() -> Self {
        Store {
            table: Table::new(),
            archive: Archive::new(),
            roots: Roots::new(),
        }
    }

    #[inline]
    pub(super) fn find<'a>(&'a self, inside: &'a Inside<'_>, id: TaskId) -> Option<Place<'a>> {
        match self.table.find(inside, id) {
            Some(found) => Some(Place::Young(found)),
            None => self.find_old(inside, id),
        }
    }

    #[cold]
    fn find_old<'a>(&'a self, inside: &'a Inside<'_>, id: TaskId) -> Option<Place<'a>> {
        match id.root_index() {
            Some(index) => {
                Some(Place::Root(self.roots.slot(index))).filter(|place| place.slot().holds(id))
            }
            None => self.archive.find(inside, id).map(Place::Archived),
        }
    }

    /// Begins a task's record. Does nothing if there is one already.
    pub(super) fn begin(&self, inside: &Inside<'_>, birth: &Birth) -> Result<bool, NoSlot> {
        if let Some(index) = birth.id.root_index() {
            self.roots.slot(index).begin(birth);
            return Ok(true);
        }
        let found = self.table.place(inside, birth.id)?;
        if found.slot.holds(birth.id) {
            return Ok(false);
        }
        found.page.live.fetch_add(1, Ordering::AcqRel);
        found.slot.begin(birth);
        Ok(true)
    }
}

impl Place<'_> {
    #[inline]
    pub(super) fn slot(&self) -> &Slot {
        match self {
            Place::Young(found) => found.slot,
            Place::Archived(slot) | Place::Root(slot) => slot,
        }
    }
}

impl Store {
    /// Ends a task that is in the given state of its life; its totals, or none if it is in another.
    pub(super) fn end(&self, place: Place<'_>, from: Life) -> Option<Totals> {
        if !place.slot().goes_from(from, Life::Ended) {
            return None;
        }
        let totals = place.slot().totals();
        match place {
            Place::Young(found) => {
                found.page.live.fetch_sub(1, Ordering::AcqRel);
            }
            Place::Archived(_) => self.archive.count_end(),
            Place::Root(_) => {}
        }
        Some(totals)
    }
}

/// Records of root futures: few, and never moved.
pub(super) struct Roots {
    slots: [Slot; ROOTS],
    taken: [AtomicBool; ROOTS],
}

impl Roots {
    const fn new() -> Self {
        Roots {
            slots: [Slot::UNUSED; ROOTS],
            taken: [const { AtomicBool::new(false) }; ROOTS],
        }
    }

    /// An id for a root future; none if 64 are alive.
    pub(super) fn claim(&self) -> Option<TaskId> {
        let free = |taken: &AtomicBool| {
            taken
                .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
                .is_ok()
        };
        self.taken.iter().position(free).map(TaskId::root)
    }

    pub(super) fn give_back(&self, id: TaskId) {
        if let Some(index) = id.root_index() {
            self.taken[index].store(false, Ordering::Release);
        }
    }

    pub(super) fn slot(&self, index: usize) -> &Slot {
        &self.slots[index % ROOTS]
    }

    pub(super) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter()
    }
}
