//! What is known of one lock.

use std::panic::Location;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::super::conflict::{CONFLICTS, Side};
use super::super::party::{Party, Taker};
use super::super::region;
use super::super::view::{LockKind, LockView, Mode};
use super::Ask;
use super::held::Held;
use super::place::AtomicPlace;
use super::slot::Slot;
use super::wait::Queue;
use crate::findings::Rule;
use crate::recorder::Rate;

/// Holders that have a slot beside the first.
const OTHERS: usize = 7;

/// A lock, or a record that waits for one.
#[derive(Default)]
pub(in crate::sync) struct LockRecord {
    /// 0: of no lock.
    id: AtomicU64,
    kind: AtomicU32,
    made_at: AtomicPlace,
    first: Slot,
    /// Only of locks that were held by several at a time.
    others: OnceLock<Box<[Slot; OTHERS]>>,
    /// Readers without a slot, now and ever.
    uncounted: AtomicU32,
    uncounted_ever: AtomicU64,
    /// Counts holdings that wrote. This and the writer are written by holders that are alone and read by holders: the lock itself
    /// keeps them apart.
    version: AtomicU64,
    writer: AtomicU64,
    writer_place: AtomicPlace,
    writer_thread: AtomicU32,
    pub(super) queue: Queue,
}

impl LockRecord {
    /// From now on this is the record of a lock. The caller has just taken it out of the pool.
    pub(super) fn begin(&self, id: u64, kind: LockKind, made_at: &'static Location<'static>) {
        self.kind.store(kind as u32, Ordering::Relaxed);
        self.made_at.set(made_at);
        self.id.store(id, Ordering::Release);
    }

    /// The lock is dropped: nobody holds it or waits for it, save guards that were leaked.
    pub(super) fn end(&self) {
        self.id.store(0, Ordering::Release);
        self.slots().for_each(Slot::forget);
        for number in [&self.uncounted_ever, &self.version, &self.writer] {
            number.store(0, Ordering::Relaxed);
        }
        self.uncounted.store(0, Ordering::Relaxed);
        self.queue.forget();
    }

    #[inline]
    pub(super) fn took(&self, taker: Taker, ask: Ask) -> Held {
        match ask.mode {
            Mode::Exclusive => {
                let held = self.took_alone(taker, ask.place);
                if region::was_ever() {
                    self.took_where_regions_are(held)
                } else {
                    held
                }
            }
            Mode::Shared => self.took_beside_others(taker, ask.place),
        }
    }

    /// Where no region ever was that is all; elsewhere [`LockRecord::took_where_regions_are`] follows.
    #[inline]
    pub(in crate::sync) fn took_alone(
        &self,
        taker: Taker,
        place: &'static Location<'static>,
    ) -> Held {
        self.first.take(taker, place);
        Held::AT_FIRST
    }

    #[cold]
    pub(in crate::sync) fn took_where_regions_are(&self, held: Held) -> Held {
        held.or_stale(region::is_inside() && self.is_stale())
    }

    #[inline]
    pub(in crate::sync) fn took_beside_others(
        &self,
        taker: Taker,
        place: &'static Location<'static>,
    ) -> Held {
        if self.first.claim_reserved(taker, place) {
            Held::AT_FIRST
        } else {
            self.claim_other(taker, place)
        }
    }

    #[inline]
    pub(in crate::sync) fn leaves(&self, held: Held) {
        if held.is_first() && !region::was_ever() {
            self.first.leave();
            if self.queue.is_wanted() {
                self.is_released();
            }
        } else {
            self.leaves_and_tells(held);
        }
    }

    #[inline]
    pub(in crate::sync) fn writes(&self, held: &mut Held) {
        if !held.has_written() {
            held.set_written(true);
            if held.is_stale() {
                self.loses_update(*held);
            }
        }
        if region::is_inside() {
            self.writes_in_region(*held);
        }
    }

    pub(super) fn downgrades(&self, held: &mut Held) {
        if held.has_written() {
            self.has_changed(*held);
            held.set_written(false);
        }
        if let Some(slot) = self.slot(*held) {
            slot.downgrade();
        }
    }

    /// Those that hold the lock and have a slot, or had one.
    pub(super) fn slots(&self) -> impl Iterator<Item = &Slot> {
        let others = self
            .others
            .get()
            .into_iter()
            .flat_map(|others| others.iter());
        std::iter::once(&self.first).chain(others)
    }

    /// How often the lock was taken.
    pub(super) fn takings(&self) -> u64 {
        let uncounted = self.uncounted_ever.load(Ordering::Relaxed);
        self.slots().map(Slot::takings).sum::<u64>() + uncounted
    }

    pub(super) fn is_held(&self) -> bool {
        self.slots().any(Slot::is_held) || self.uncounted.load(Ordering::Relaxed) > 0
    }

    /// How it stands, if it is the record of a lock. Stamps what was not seen before.
    pub(super) fn view(&self, rate: &Rate) -> Option<LockView> {
        let id = self.id.load(Ordering::Acquire);
        let made_at = self.made_at.get().filter(|_| id != 0)?;
        let waiting = self.queue.view(self, rate);
        let holders = self.slots().enumerate();
        let view = LockView {
            id,
            kind: kind(self.kind.load(Ordering::Relaxed)),
            made_at,
            holders: holders
                .filter_map(|(index, slot)| slot.view(index, rate))
                .collect(),
            more_holders: self.uncounted.load(Ordering::Relaxed),
            waiters: waiting.waiters,
            released_ago: waiting.released_ago,
            acquisitions: self.takings(),
            contended: waiting.contended,
            p99_wait: waiting.p99,
            longest_wait: waiting.longest,
        };
        (self.id.load(Ordering::Acquire) == id).then_some(view)
    }

    #[cold]
    fn claim_other(&self, taker: Taker, place: &'static Location<'static>) -> Held {
        let others = self.others.get_or_init(Box::default);
        // Threads begin at different ones: then they seldom meet.
        let start = taker.thread as usize;
        for index in (0..OTHERS).map(|turn| (start + turn) % OTHERS) {
            if others[index].claim(taker, place) {
                return Held::at_other(index as u8);
            }
        }
        self.uncounted.fetch_add(1, Ordering::Relaxed);
        self.uncounted_ever.fetch_add(1, Ordering::Relaxed);
        Held::UNCOUNTED
    }

    #[cold]
    extern "C" fn leaves_and_tells(&self, held: Held) {
        if held.has_written() && region::was_ever() {
            self.has_changed(held);
        }
        if region::is_inside() {
            self.is_left_in_region();
        }
        if held.is_first() {
            self.first.leave();
        } else if let Some(slot) = self.other_slot(held) {
            slot.leave_claimed();
        } else {
            self.uncounted.fetch_sub(1, Ordering::Relaxed);
        }
        if self.queue.is_wanted() {
            self.is_released();
        }
    }

    #[cold]
    extern "C" fn is_released(&self) {
        self.queue.is_left(self);
    }

    fn slot(&self, held: Held) -> Option<&Slot> {
        if held.is_first() {
            Some(&self.first)
        } else {
            self.other_slot(held)
        }
    }

    fn other_slot(&self, held: Held) -> Option<&Slot> {
        self.others.get()?.get(held.other()?)
    }

    #[cold]
    fn has_changed(&self, held: Held) {
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version + 1, Ordering::Relaxed);
        if let Some(slot) = self.slot(held) {
            slot.copy_to(&self.writer, &self.writer_place, &self.writer_thread);
        }
    }

    #[cold]
    fn is_stale(&self) -> bool {
        let (id, version) = (
            self.id.load(Ordering::Relaxed),
            self.version.load(Ordering::Relaxed),
        );
        region::took(id, version, self.last_writer().map(|writer| writer.party))
    }

    #[cold]
    fn is_left_in_region(&self) {
        region::left(
            self.id.load(Ordering::Relaxed),
            self.version.load(Ordering::Relaxed),
        );
    }

    #[cold]
    fn writes_in_region(&self, held: Held) {
        if let Some(at) = self.slot(held).and_then(Slot::side) {
            region::wrote(at);
        }
    }

    #[cold]
    fn loses_update(&self, held: Held) {
        if let Some(at) = self.slot(held).and_then(Slot::side) {
            CONFLICTS.tell(Rule::LostUpdate, "", at, self.last_writer());
        }
    }

    fn last_writer(&self) -> Option<Side> {
        Some(Side {
            party: Party::from_bits(self.writer.load(Ordering::Relaxed))?,
            place: self.writer_place.get()?.into(),
            tid: self.writer_thread.load(Ordering::Relaxed),
        })
    }
}

fn kind(number: u32) -> LockKind {
    [
        LockKind::Mutex,
        LockKind::RwLock,
        LockKind::BlockingMutex,
        LockKind::BlockingRwLock,
    ]
    .into_iter()
    .find(|kind| *kind as u32 == number)
    .unwrap_or(LockKind::Mutex)
}
