//! Where do records live: pages of 1024 slots, straight from the kernel and back to it.
//!
//! The allocator of the application is left alone: a page that went through it could stay behind,
//! pinned by a neighbour, long after its tasks have ended.
#![allow(unsafe_code)] // maps and unmaps memory

use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

use super::slot::Slot;

/// Slots per page.
pub(super) const SLOTS: usize = 1024;

/// The slots of 1024 tasks, and how many of those are alive.
#[repr(C, align(64))]
pub(super) struct Page {
    /// Which ids live here: `id / 1024`; unused in the archive.
    pub(super) number: AtomicU64,
    pub(super) live: AtomicU32,
    pub(super) slots: [Slot; SLOTS],
}

impl Page {
    pub(super) fn number(&self) -> u64 {
        self.number.load(Ordering::Relaxed)
    }
}

/// Owns a page until it is published with [`PageBox::into_raw`].
pub(super) struct PageBox(NonNull<Page>);

// SAFETY: a page is nothing but atomics; owning it gives no access that sharing it would not.
unsafe impl Send for PageBox {}

impl PageBox {
    /// A page of unused slots; none if the system has no memory to give.
    pub(super) fn new() -> Option<Self> {
        map().map(PageBox)
    }

    pub(super) fn into_raw(self) -> *mut Page {
        let raw = self.0.as_ptr();
        std::mem::forget(self);
        raw
    }

    /// # Safety
    /// `page` came from [`PageBox::into_raw`], nobody else takes it back, and no reference to it is
    /// in use any more.
    pub(super) unsafe fn from_raw(page: *mut Page) -> Option<Self> {
        NonNull::new(page).map(PageBox)
    }
}

impl Deref for PageBox {
    type Target = Page;

    fn deref(&self) -> &Page {
        // SAFETY: the page is mapped and initialised (all-zero bytes are valid for a struct of
        // atomics) until `drop`.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for PageBox {
    fn drop(&mut self) {
        unmap(self.0);
    }
}

/// A few empty pages kept for the next burst, so that a steady churn of tasks makes no system
/// calls.
pub(super) struct Spares([AtomicPtr<Page>; 16]);

impl Spares {
    pub(super) const fn new() -> Self {
        Spares([const { AtomicPtr::new(std::ptr::null_mut()) }; 16])
    }

    pub(super) fn take(&self) -> Option<PageBox> {
        self.0.iter().find_map(|place| {
            if place.load(Ordering::Relaxed).is_null() {
                return None;
            }
            let page = place.swap(std::ptr::null_mut(), Ordering::Acquire);
            // SAFETY: `keep` gave up its only pointer; the swap hands it to exactly one taker.
            unsafe { PageBox::from_raw(page) }
        })
    }

    /// Keeps a page whose slots are all unused or ended; unmaps it if there are enough.
    pub(super) fn keep(&self, page: PageBox) {
        let raw = page.into_raw();
        for place in &self.0 {
            let empty = std::ptr::null_mut();
            if place
                .compare_exchange(empty, raw, Ordering::Release, Ordering::Relaxed)
                .is_ok()
            {
                return;
            }
        }
        // SAFETY: made raw above, and no place has taken it.
        drop(unsafe { PageBox::from_raw(raw) });
    }

    /// Gives one page back to the system; true if there was one.
    pub(super) fn release_one(&self) -> bool {
        self.take().is_some()
    }
}

#[cfg(target_os = "linux")]
fn map() -> Option<NonNull<Page>> {
    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
    let access = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a fresh private mapping at an address of the kernel's choice aliases nothing.
    let address = unsafe {
        mmap_anonymous(
            std::ptr::null_mut(),
            size_of::<Page>(),
            access,
            // All of it is about to be used: one call instead of a page fault for every 64 tasks.
            MapFlags::PRIVATE | MapFlags::POPULATE,
        )
    };
    NonNull::new(address.ok()?.cast())
}

#[cfg(target_os = "linux")]
fn unmap(page: NonNull<Page>) {
    // SAFETY: mapped by `map` with this size; by the contract of `from_raw` and `drop` nobody uses
    // it any more. The result is of no use: the only failure would be an address we did not map.
    let _ = unsafe { rustix::mm::munmap(page.as_ptr().cast(), size_of::<Page>()) };
}

#[cfg(not(target_os = "linux"))]
fn map() -> Option<NonNull<Page>> {
    // SAFETY: the layout of `Page` is not empty.
    NonNull::new(unsafe { std::alloc::alloc_zeroed(std::alloc::Layout::new::<Page>()) }.cast())
}

#[cfg(not(target_os = "linux"))]
fn unmap(page: NonNull<Page>) {
    // SAFETY: allocated by `map` with this layout; by the contract of `from_raw` and `drop` nobody
    // uses it any more.
    unsafe { std::alloc::dealloc(page.as_ptr().cast(), std::alloc::Layout::new::<Page>()) }
}
