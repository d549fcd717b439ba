//! Where is the record of a task that was spawned not long ago? In a page found by its id alone.
//!
//! tokio numbers tasks in sequence, so `id / 1024` names a page and `id % 1024` a slot in it: no
//! hashing, no lock, one pointer to follow. The table is a window over the newest 67 million ids;
//! what is older, or alone in its page, is moved to the [archive](super::archive) by the
//! [keeper](super::keeper).
//!
//! Moving is a race that workers always win. The keeper *claims* a page by tagging its entry, lets
//! every thread that might still use the untagged pointer leave, copies, and *commits* by replacing
//! the tagged entry. A worker that meets a tag takes it off first: the commit fails and the page
//! stays. Nobody waits for the keeper.
#![allow(unsafe_code)] // follows pointers to pages; why they are alive is argued at each place

use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use super::id::TaskId;
use super::page::{Page, PageBox, SLOTS, Spares};
use super::slot::Slot;
use super::thread::Inside;

/// Pages the window spans.
pub(super) const WINDOW: usize = 1 << 16;

/// Pages of recent tasks by number.
pub(super) struct Table {
    entries: [AtomicPtr<Page>; WINDOW],
    /// One more than the highest page number in use so far.
    end: AtomicU64,
    pub(super) spares: Spares,
}

/// A slot, and the page that counts it; usable while the thread is inside its section.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) page: &'a Page,
    pub(super) slot: &'a Slot,
}

/// Why a task could not be given a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NoSlot {
    /// The system had no memory for a page.
    Memory,
    /// The slot's page still holds live tasks from 67 million ids ago.
    Window,
}

impl Table {
    #[allow(clippy::large_stack_arrays)] // it becomes a static; tests box it
    pub(super) const fn new() -> Self {
        Table {
            entries: [const { AtomicPtr::new(null_mut()) }; WINDOW],
            end: AtomicU64::new(0),
            spares: Spares::new(),
        }
    }

    #[inline]
    pub(super) fn find<'a>(&'a self, _inside: &'a Inside<'_>, id: TaskId) -> Option<Found<'a>> {
        let page = unclaimed(self.entry(id))?;
        // SAFETY: the calling thread is inside and read an untagged entry: a keeper that claims the
        // page after that waits for the thread to leave before it commits, and frees the page only
        // after the commit.
        let page = unsafe { &*page };
        let slot = &page.slots[slot_index(id)];
        slot.holds(id).then_some(Found { page, slot })
    }

    /// The slot for a task that is being spawned; makes its page if need be.
    pub(super) fn place<'a>(
        &'a self,
        _inside: &'a Inside<'_>,
        id: TaskId,
    ) -> Result<Found<'a>, NoSlot> {
        let entry = self.entry(id);
        let page = loop {
            match unclaimed(entry) {
                Some(page) => break page,
                None => self.add_page(entry, page_number(id))?,
            }
        };
        // SAFETY: as in `find`; a page just added is reachable through its entry like any other.
        let page = unsafe { &*page };
        if page.number() != page_number(id) {
            return Err(NoSlot::Window);
        }
        Ok(Found {
            page,
            slot: &page.slots[slot_index(id)],
        })
    }

    /// One more than the highest page number in use so far.
    pub(super) fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    /// The page with this number, claimed or not. For the keeper alone, which is the only one that
    /// frees pages.
    pub(super) fn peek(&self, number: u64) -> Option<&Page> {
        let raw = untagged(self.entries[entry_index(number)].load(Ordering::Acquire));
        // SAFETY: only the caller could free the page, and `&self` outlives no page it frees: see
        // `Keeper`.
        let page = unsafe { raw.as_ref() }?;
        (page.number() == number).then_some(page)
    }

    /// All pages, claimed or not, in no particular order. For the keeper alone.
    pub(super) fn pages(&self) -> impl Iterator<Item = &Page> {
        let used = usize::try_from(self.end()).unwrap_or(WINDOW).min(WINDOW);
        self.entries[..used].iter().filter_map(|entry| {
            // SAFETY: as in `peek`.
            unsafe { untagged(entry.load(Ordering::Acquire)).as_ref() }
        })
    }

    /// Announces that the page is about to be moved.
    pub(super) fn claim(&self, number: u64) -> bool {
        let entry = &self.entries[entry_index(number)];
        let raw = entry.load(Ordering::Acquire);
        !raw.is_null()
            && !is_tagged(raw)
            && entry
                .compare_exchange(raw, tagged(raw), Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
    }

    /// Takes the page out, unless a worker has used it since it was claimed.
    ///
    /// # Safety
    /// Between [`Table::claim`] and this call, the caller made all threads pass a barrier and saw
    /// each of them outside its section at least once.
    pub(super) unsafe fn commit(&self, number: u64) -> Option<PageBox> {
        let entry = &self.entries[entry_index(number)];
        let raw = entry.load(Ordering::Acquire);
        if !is_tagged(raw) {
            return None;
        }
        entry
            .compare_exchange(raw, null_mut(), Ordering::AcqRel, Ordering::Relaxed)
            .ok()?;
        // SAFETY: threads that had read the untagged entry have left their sections (the caller's
        // promise); those that came later found the tag and dereference a page only after taking
        // the tag off, which none has done.
        unsafe { PageBox::from_raw(untagged(raw)) }
    }

    /// Takes a claim back.
    pub(super) fn unclaim(&self, number: u64) {
        let _ = unclaimed(&self.entries[entry_index(number)]);
    }

    fn entry(&self, id: TaskId) -> &AtomicPtr<Page> {
        &self.entries[entry_index(page_number(id))]
    }

    /// Puts a fresh page in, unless another thread is faster.
    #[cold]
    fn add_page(&self, entry: &AtomicPtr<Page>, number: u64) -> Result<(), NoSlot> {
        let page = self
            .spares
            .take()
            .or_else(PageBox::new)
            .ok_or(NoSlot::Memory)?;
        page.number.store(number, Ordering::Relaxed);
        page.live.store(0, Ordering::Relaxed);
        let raw = page.into_raw();
        if entry
            .compare_exchange(null_mut(), raw, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
        {
            self.end.fetch_max(number + 1, Ordering::AcqRel);
        // SAFETY: made raw above and never published.
        } else if let Some(page) = unsafe { PageBox::from_raw(raw) } {
            self.spares.keep(page);
        }
        Ok(())
    }
}

/// The entry's page, its claim taken off if it had one; none if there is no page.
#[inline]
fn unclaimed(entry: &AtomicPtr<Page>) -> Option<*mut Page> {
    let raw = entry.load(Ordering::Acquire);
    let raw = if is_tagged(raw) {
        take_tag_off(entry)
    } else {
        raw
    };
    (!raw.is_null()).then_some(raw)
}

#[cold]
fn take_tag_off(entry: &AtomicPtr<Page>) -> *mut Page {
    loop {
        let raw = entry.load(Ordering::Acquire);
        if !is_tagged(raw) {
            return raw;
        }
        let plain = untagged(raw);
        if entry
            .compare_exchange(raw, plain, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
        {
            return plain;
        }
    }
}

fn is_tagged(raw: *mut Page) -> bool {
    raw.addr() & 1 != 0
}

fn tagged(raw: *mut Page) -> *mut Page {
    raw.map_addr(|address| address | 1)
}

fn untagged(raw: *mut Page) -> *mut Page {
    raw.map_addr(|address| address & !1)
}

#[inline]
fn page_number(id: TaskId) -> u64 {
    id.0 / SLOTS as u64
}

#[inline]
fn slot_index(id: TaskId) -> usize {
    id.0 as usize % SLOTS
}

#[inline]
fn entry_index(number: u64) -> usize {
    number as usize % WINDOW
}
