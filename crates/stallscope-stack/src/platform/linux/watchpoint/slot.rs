//! From which breakpoint is a signal, and may the handler look at its pages?
//!
//! A slot is one thread's part in a round. Its pages are unmapped when it is free; while a handler is in it, it cannot be given back.

#![allow(unsafe_code)] // The pages are known by their addresses.

use core::sync::atomic::{AtomicI32, AtomicU32, AtomicUsize, Ordering};

use super::event::{self, Source};

/// Threads that can be watched at once. A user may have 516 KiB of such pages, and these need 512.
const COUNT: usize = 32;

pub(super) static SLOTS: [Slot; COUNT] = [const { Slot::new() }; COUNT];

const FREE: u32 = 0;
const TAKEN: u32 = 1;
const LAID: u32 = 2;
const ENTERED: u32 = 3;

#[derive(Debug)]
pub(super) struct Slot {
    state: AtomicU32,
    tid: AtomicI32,
    access: Cell,
    write: Cell,
}

/// A [`Source`] that a handler may read at any time.
#[derive(Debug)]
struct Cell {
    descriptor: AtomicI32,
    page: AtomicUsize,
    data: AtomicUsize,
}

/// What the thread did, at the instruction where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    /// Perhaps it read as well.
    Write,
}

/// Takes a free slot for a thread and its two breakpoints.
pub(super) fn take(tid: i32, access: Source, write: Source) -> Option<&'static Slot> {
    let slot = SLOTS.iter().find(|slot| slot.exchange(FREE, TAKEN))?;
    slot.tid.store(tid, Ordering::Relaxed);
    slot.access.store(access);
    slot.write.store(write);
    // Release: a handler that enters sees all of it.
    slot.state.store(LAID, Ordering::Release);
    Some(slot)
}

/// The slot of a thread to which one of these breakpoints belongs.
pub(super) fn find(descriptor: i32, tid: i32) -> Option<&'static Slot> {
    SLOTS.iter().find(|slot| {
        slot.state.load(Ordering::Acquire) == LAID
            && slot.tid.load(Ordering::Relaxed) == tid
            && [&slot.access, &slot.write]
                .iter()
                .any(|cell| cell.descriptor.load(Ordering::Relaxed) == descriptor)
    })
}

impl Slot {
    const fn new() -> Self {
        Self {
            state: AtomicU32::new(FREE),
            tid: AtomicI32::new(0),
            access: Cell::new(),
            write: Cell::new(),
        }
    }

    /// From here to [`Slot::leave`] the pages stay. Only its own thread enters a slot, so never twice.
    pub(super) fn enter(&self) -> bool {
        self.exchange(LAID, ENTERED)
    }

    pub(super) fn leave(&self) {
        self.state.store(LAID, Ordering::Release);
    }

    /// What the thread did at this instruction; none if its breakpoints were not hit there. Only between [`Slot::enter`] and [`Slot::leave`].
    pub(super) fn access_at(&self, instruction: u64) -> Option<Access> {
        // SAFETY: entered, so the round cannot be taken apart: `give_back` fails until we leave.
        let is_at = |cell: &Cell| unsafe { event::hit_at(cell.load()) } == Some(instruction);
        match (is_at(&self.write), is_at(&self.access)) {
            (true, _) => Some(Access::Write),
            (false, true) => Some(Access::Read),
            (false, false) => None,
        }
    }

    /// Whether it is free now: not while a handler is in it.
    pub(super) fn give_back(&self) -> bool {
        self.exchange(LAID, FREE)
    }

    fn exchange(&self, from: u32, to: u32) -> bool {
        self.state
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }
}

impl Cell {
    const fn new() -> Self {
        Self {
            descriptor: AtomicI32::new(-1),
            page: AtomicUsize::new(0),
            data: AtomicUsize::new(0),
        }
    }

    fn store(&self, source: Source) {
        self.descriptor.store(source.descriptor, Ordering::Relaxed);
        self.page.store(source.page, Ordering::Relaxed);
        self.data.store(source.data, Ordering::Relaxed);
    }

    fn load(&self) -> Source {
        Source {
            descriptor: self.descriptor.load(Ordering::Relaxed),
            page: self.page.load(Ordering::Relaxed),
            data: self.data.load(Ordering::Relaxed),
        }
    }
}
