//! Who tidies up? One thread, now and then: it frees pages whose tasks have all ended, moves the
//! survivors of nearly empty pages to the archive, and gives memory back to the system.
//!
//! Invariant: there is one keeper per recorder, and nothing but the keeper frees or moves a record.
//! That is why it may read every record without being inside a section, and why its reading needs
//! no lock.
#![allow(unsafe_code)] // frees pages and indexes; why nobody uses them any more is argued at each place

use std::sync::atomic::Ordering;

use super::archive::Index;
use super::fence;
use super::id::TaskId;
use super::page::{Page, PageBox, SLOTS};
use super::slot::{Life, Record, Slot};
use super::store::Store;
use super::table::WINDOW;
use super::thread::Threads;

/// A page with fewer live tasks than this is moved: above it, a page costs at most 136 bytes per
/// live task.
const SPARSE: u32 = SLOTS as u32 / 2;

/// Pages claimed under one barrier. The more there are, the longer the last one waits between claim
/// and commit, and the likelier it is that one of its tasks is polled meanwhile.
const BATCH: usize = 64;

/// A page this far behind the newest is moved however full it is, so that its entry is free when
/// the window comes round.
const OLD: u64 = WINDOW as u64 / 2;

/// The part of the recorder that only the agent thread has.
pub(crate) struct Keeper {
    store: &'static Store,
    threads: &'static Threads,
    /// `Table::end` at the last look.
    seen: u64,
    /// `Table::end` at the look before: most tasks of the pages below it that will end soon have
    /// ended.
    settled: u64,
    archive: Vec<Chunk>,
    /// Archived tasks that ended, at the last sweep.
    swept: u64,
    since_sweep: u32,
    index_used: usize,
    /// Replaced indexes that a thread might still have been reading when they were replaced.
    waste: Vec<IndexBox>,
}

/// An index that was published: threads may still read it where it is, so it must not move.
type IndexBox = Box<Index>;

/// A page of the archive.
struct Chunk {
    page: PageBox,
    free: Vec<u16>,
}

/// What one call of [`Keeper::tidy`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Tidied {
    pub(crate) pages_freed: usize,
    pub(crate) tasks_moved: usize,
}

impl Keeper {
    pub(super) fn new(store: &'static Store, threads: &'static Threads) -> Self {
        Keeper {
            store,
            threads,
            seen: 0,
            settled: 0,
            archive: Vec::new(),
            swept: 0,
            since_sweep: 0,
            index_used: 0,
            waste: Vec::new(),
        }
    }

    /// One round of tidying. Called a few times a second; does next to nothing when no task was
    /// spawned or ended.
    pub(crate) fn tidy(&mut self) -> Tidied {
        let mut tidied = Tidied::default();
        let quiet = !self.look_at_end();
        let candidates = self.pages_to_move();
        for batch in candidates.chunks(BATCH) {
            self.move_pages(batch, &mut tidied);
        }
        // Busy pages: one by one, the time between claim and commit is some 20 µs. What is lost
        // again waits for the next round.
        let busy = candidates
            .iter()
            .filter(|&&number| self.store.table.peek(number).is_some())
            .take(BATCH);
        for number in busy.copied().collect::<Vec<_>>() {
            self.move_pages(&[number], &mut tidied);
        }
        self.sweep_archive();
        if quiet {
            while self.store.table.spares.release_one() {}
        }
        tidied
    }

    /// Calls `look` with every live task.
    pub(crate) fn for_each_live(&self, mut look: impl FnMut(Record)) {
        let mut show = |slot: &Slot| {
            if slot.life() == Life::Alive
                && let Some(record) = slot.read()
                && record.life == Life::Alive
            {
                look(record);
            }
        };
        self.store.roots.slots().for_each(&mut show);
        for page in self.store.table.pages() {
            page.slots.iter().for_each(&mut show);
        }
        for chunk in &self.archive {
            chunk.page.slots.iter().for_each(&mut show);
        }
    }

    /// Whether pages were added at the end since the last look.
    fn look_at_end(&mut self) -> bool {
        self.settled = self.seen;
        self.seen = self.store.table.end();
        self.seen > self.settled
    }

    fn pages_to_move(&self) -> Vec<u64> {
        // The newest page still fills.
        let newest = self.seen.saturating_sub(1);
        let worth_moving = |page: &&Page| {
            let (number, live) = (page.number(), page.live.load(Ordering::Acquire));
            let sparse = live == 0 || (live < SPARSE && number < self.settled);
            number < newest && (sparse || number + OLD < newest)
        };
        self.store
            .table
            .pages()
            .filter(worth_moving)
            .map(Page::number)
            .collect()
    }

    fn move_pages(&mut self, batch: &[u64], tidied: &mut Tidied) {
        let table = &self.store.table;
        let claimed: Vec<u64> = batch
            .iter()
            .copied()
            .filter(|&number| table.claim(number))
            .collect();
        if claimed.is_empty() {
            return;
        }
        if !self.barrier() {
            for number in claimed {
                table.unclaim(number);
            }
            return;
        }
        for number in claimed {
            let moved = self.archive_survivors(number);
            // SAFETY: the barrier above came after the claim.
            match unsafe { self.store.table.commit(number) } {
                Some(page) => {
                    page.slots.iter().for_each(Slot::clear);
                    self.store.table.spares.keep(page);
                    tidied.pages_freed += 1;
                    tidied.tasks_moved += moved.len();
                }
                None => self.take_back(&moved),
            }
        }
    }

    /// Copies the live tasks of a claimed page to the archive.
    fn archive_survivors(&mut self, number: u64) -> Vec<Place> {
        let Some(page) = self.store.table.peek(number) else {
            return Vec::new();
        };
        let survivors: Vec<&Slot> = page.slots.iter().filter(|slot| is_in_use(slot)).collect();
        self.make_room(survivors.len());
        let mut moved = Vec::with_capacity(survivors.len());
        for slot in survivors {
            let (Some(id), Some(place)) = (slot.id(), self.free_place()) else {
                break;
            };
            let target = &self.archive[place.chunk].page.slots[usize::from(place.slot)];
            target.move_from(slot);
            if let Some(index) = self.store.archive.peek() {
                index.insert(id, std::ptr::from_ref(target).cast_mut());
                self.index_used += 1;
            }
            moved.push(place);
        }
        if moved.len() < page.slots.iter().filter(|slot| is_in_use(slot)).count() {
            // No memory for the archive: the page has to stay, as if a worker had been faster.
            self.store.table.unclaim(number);
        }
        moved
    }

    /// Undoes [`Keeper::archive_survivors`] after a worker has used the page. No thread has looked
    /// at the copies: the page's entry was never empty.
    fn take_back(&mut self, places: &[Place]) {
        for place in places {
            self.forget(*place);
            self.archive[place.chunk].free.push(place.slot);
        }
    }

    /// Frees the places of archived tasks that have ended.
    fn sweep_archive(&mut self) {
        let ended = self.store.archive.ended();
        self.since_sweep += 1;
        let many = ended - self.swept >= (self.index_used as u64 / 8).max(64);
        if ended == self.swept || !(many || self.since_sweep >= 16) {
            return;
        }
        let mut dead = Vec::new();
        for (chunk, page) in self.archive.iter().enumerate() {
            let slots = page.page.slots.iter().enumerate();
            dead.extend(
                slots
                    .filter(|(_, slot)| slot.life() == Life::Ended)
                    .map(|(slot, _)| Place {
                        chunk,
                        slot: slot as u16,
                    }),
            );
        }
        for place in &dead {
            self.remove_from_index(*place);
        }
        // A worker may still be about to count the last poll of a task that has ended.
        if !self.barrier() {
            return;
        }
        (self.swept, self.since_sweep) = (ended, 0);
        for place in dead {
            self.slot(place).clear();
            self.archive[place.chunk].free.push(place.slot);
        }
        self.archive.retain(|chunk| chunk.free.len() < SLOTS);
        if self.archive.is_empty() {
            self.replace_index(0);
        }
    }

    /// Makes sure that `more` slots can be added to the index.
    fn make_room(&mut self, more: usize) {
        let needed = self.index_used + more;
        if more > 0
            && self
                .store
                .archive
                .peek()
                .is_none_or(|index| needed > index.room())
        {
            self.replace_index(more);
        }
    }

    /// Builds the index anew, without tombstones, with room for `more`.
    fn replace_index(&mut self, more: usize) {
        let live = self
            .archive
            .iter()
            .map(|chunk| SLOTS - chunk.free.len())
            .sum::<usize>();
        let index = (live + more > 0).then(|| Box::new(Index::with_room_for(live + more)));
        self.index_used = 0;
        if let Some(index) = &index {
            for slot in self.archive.iter().flat_map(|chunk| &chunk.page.slots) {
                if let (true, Some(id)) = (is_in_use(slot), slot.id()) {
                    index.insert(id, std::ptr::from_ref(slot).cast_mut());
                    self.index_used += 1;
                }
            }
        }
        let old = self.store.archive.replace(index);
        if !old.is_null() {
            // SAFETY: `replace` returned it, so it came from `Box::into_raw` and nobody else takes
            // it back. Threads may still read it: it is kept until a barrier has passed.
            self.waste.push(unsafe { Box::from_raw(old) });
        }
        if self.barrier() {
            self.waste.clear();
        }
    }

    fn free_place(&mut self) -> Option<Place> {
        if let Some(chunk) = self.archive.iter().position(|chunk| !chunk.free.is_empty()) {
            return self.archive[chunk]
                .free
                .pop()
                .map(|slot| Place { chunk, slot });
        }
        let page = self.store.table.spares.take().or_else(PageBox::new)?;
        let free: Vec<u16> = (0..SLOTS as u16).rev().collect();
        self.archive.push(Chunk { page, free });
        self.free_place()
    }

    fn forget(&mut self, place: Place) {
        self.remove_from_index(place);
        self.slot(place).clear();
    }

    fn remove_from_index(&self, place: Place) {
        if let (Some(index), Some(id)) = (self.store.archive.peek(), self.slot(place).id()) {
            index.remove(id);
        }
    }

    fn slot(&self, place: Place) -> &Slot {
        &self.archive[place.chunk].page.slots[usize::from(place.slot)]
    }

    /// After this, what any thread inside a section can reach is what the keeper published before.
    fn barrier(&self) -> bool {
        fence::heavy() && self.threads.wait_until_outside()
    }

    /// Memory held for records at this moment, in bytes.
    #[cfg(test)]
    fn bytes(&self) -> usize {
        let index = self
            .store
            .archive
            .peek()
            .map_or(0, |index| index.room() * 2 * size_of::<usize>());
        let in_table = (0..self.store.table.end())
            .filter(|&number| self.store.table.peek(number).is_some())
            .count();
        (in_table + self.archive.len()) * size_of::<super::page::Page>() + index
    }
}

/// Whether a worker may still write to the slot.
fn is_in_use(slot: &Slot) -> bool {
    matches!(slot.life(), Life::Alive | Life::Ending)
}

/// A slot of the archive.
#[derive(Clone, Copy, Debug)]
struct Place {
    chunk: usize,
    slot: u16,
}

impl Keeper {
    /// The record of one task, alive or just ended.
    pub(crate) fn record(&self, id: TaskId) -> Option<Record> {
        // Clients ask for any number.
        if !id.is_possible() {
            return None;
        }
        if let Some(index) = id.root_index() {
            return self.store.roots.slot(index).read();
        }
        let page = self.store.table.peek(id.0 / SLOTS as u64);
        let young = page
            .map(|page| &page.slots[id.0 as usize % SLOTS])
            .filter(|slot| slot.holds(id));
        match young {
            Some(slot) => slot.read(),
            None => self.store.archive.peek()?.find(id)?.read(),
        }
    }
}

#[cfg(test)]
#[path = "keeper_tests.rs"]
mod tests;
