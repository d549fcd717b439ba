//! One holder of a lock: written by the holder, read by anyone.
//!
//! A holder that is alone owns its slot by holding the lock. Readers claim one each, or, which is cheaper, take one that no other thread may
//! take.

use std::panic::Location;

use super::super::atomics::{AtomicU32, AtomicU64, Ordering, fence};
use super::super::conflict::Side;
use super::super::party::{Party, Taker};
use super::super::view::{HolderView, Mode};
use super::place::AtomicPlace;
use crate::recorder::{Rate, Ticks};

/// A place for one holder.
#[derive(Default)]
pub(super) struct Slot {
    /// Counts takings.
    serial: AtomicU64,
    /// The holder's; 0 while nobody is.
    party: AtomicU64,
    place: AtomicPlace,
    /// Its thread, and whether it is alone: in one number, since each store counts.
    how: AtomicU64,
    /// The thread whose slot this is: as long as one holder has claimed it, or, of the first slot, as long as there are only readers. Then
    /// that thread takes it again without a claim.
    reserved: AtomicU32,
    /// The serial that was first seen at `since`. Both are written by those who hold the record's queue.
    seen: AtomicU64,
    since: AtomicU64,
    /// The serial during which the holder was seen not to run.
    awaited: AtomicU64,
}

/// In [`Slot::how`], above the thread.
const EXCLUSIVE: u64 = 0;
const SHARED: u64 = 1 << 32;

impl Slot {
    /// The caller holds the lock alone.
    #[inline]
    pub(super) fn take(&self, taker: Taker, place: &'static Location<'static>) {
        if self.reserved.load(Ordering::Relaxed) != 0 {
            // There are no readers now, so nobody takes what is reserved.
            self.reserved.store(0, Ordering::Relaxed);
        }
        self.fill(EXCLUSIVE, taker, place);
    }

    /// The caller reads beside others. False: the slot is somebody else's.
    #[inline]
    pub(super) fn claim_reserved(&self, taker: Taker, place: &'static Location<'static>) -> bool {
        let is_mine = match self.reserved.load(Ordering::Relaxed) {
            0 => self.reserve(taker.thread),
            reserved => reserved == taker.thread,
        };
        // This thread alone fills it, so nothing comes in between.
        let is_free = is_mine && self.party.load(Ordering::Acquire) == 0;
        if is_free {
            self.fill(SHARED, taker, place);
        }
        is_free
    }

    /// The caller reads beside others. False: the slot is somebody else's. For slots that are taken in no other way, and left by
    /// [`Slot::leave_claimed`].
    #[inline]
    pub(super) fn claim(&self, taker: Taker, place: &'static Location<'static>) -> bool {
        let is_mine = self.reserved.load(Ordering::Relaxed) == 0 && self.reserve(taker.thread);
        if is_mine {
            self.fill(SHARED, taker, place);
        }
        is_mine
    }

    /// The holder leaves.
    #[inline]
    pub(super) fn leave(&self) {
        self.party.store(0, Ordering::Release);
    }

    /// The holder leaves that has claimed it.
    pub(super) fn leave_claimed(&self) {
        self.leave();
        self.reserved.store(0, Ordering::Release);
    }

    /// The holder is no longer alone.
    pub(super) fn downgrade(&self) {
        self.how
            .store(SHARED | u64::from(self.thread()), Ordering::Relaxed);
    }

    /// For a lock that is dropped: nothing was ever here.
    pub(super) fn forget(&self) {
        for number in [
            &self.serial,
            &self.party,
            &self.seen,
            &self.since,
            &self.awaited,
        ] {
            number.store(0, Ordering::Relaxed);
        }
        self.reserved.store(0, Ordering::Relaxed);
    }

    /// How often it was taken.
    pub(super) fn takings(&self) -> u64 {
        self.serial.load(Ordering::Relaxed)
    }

    pub(super) fn is_held(&self) -> bool {
        self.party.load(Ordering::Relaxed) != 0
    }

    /// The holder. For the holder itself.
    pub(super) fn side(&self) -> Option<Side> {
        Some(Side {
            party: Party::from_bits(self.party.load(Ordering::Relaxed))?,
            place: self.place.get()?.into(),
            tid: self.thread(),
        })
    }

    /// Notes the holder elsewhere. For the holder itself.
    #[inline]
    pub(super) fn copy_to(&self, party: &AtomicU64, place: &AtomicPlace, thread: &AtomicU32) {
        party.store(self.party.load(Ordering::Relaxed), Ordering::Relaxed);
        place.copy(&self.place);
        thread.store(self.thread(), Ordering::Relaxed);
    }

    /// Somebody looks: from now on it is known how long the lock is held. For those who hold the record's queue.
    pub(super) fn is_seen(&self, now: Ticks) {
        let serial = self.serial.load(Ordering::Acquire);
        if self.is_held() && self.seen.load(Ordering::Relaxed) != serial {
            self.since.store(now.0, Ordering::Relaxed);
            self.seen.store(serial, Ordering::Relaxed);
        }
    }

    /// `party` runs on this thread. If that is where another one took the lock, and still holds it, then that one does not run.
    pub(super) fn meets(&self, party: Party, thread: u32) {
        let serial = self.serial.load(Ordering::Acquire);
        let holder = self.party.load(Ordering::Acquire);
        if holder != 0 && holder != party.to_bits() && self.thread() == thread {
            self.awaited.store(serial, Ordering::Relaxed);
        }
    }

    /// The holder as it is now, if there is one. `index` tells this slot apart from the others of the lock.
    pub(super) fn view(&self, index: usize, rate: &Rate) -> Option<HolderView> {
        let serial = self.serial.load(Ordering::Acquire);
        let holder = HolderView {
            party: Party::from_bits(self.party.load(Ordering::Acquire))?,
            mode: match self.how.load(Ordering::Relaxed) & SHARED {
                EXCLUSIVE => Mode::Exclusive,
                _ => Mode::Shared,
            },
            place: self.place.get()?,
            holding: serial << 3 | index as u64,
            held_for: if self.seen.load(Ordering::Relaxed) == serial {
                rate.nanos_since(Ticks(self.since.load(Ordering::Relaxed)))
            } else {
                0
            },
            across_await: self.awaited.load(Ordering::Relaxed) == serial,
        };
        fence(Ordering::Acquire);
        // Another holder may have come in between: what was read is of neither.
        (self.serial.load(Ordering::Relaxed) == serial).then_some(holder)
    }

    #[inline]
    fn thread(&self) -> u32 {
        // Below the mode.
        self.how.load(Ordering::Relaxed) as u32
    }

    #[cold]
    fn reserve(&self, thread: u32) -> bool {
        self.reserved
            .compare_exchange(0, thread, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }

    #[inline]
    fn fill(&self, mode: u64, taker: Taker, place: &'static Location<'static>) {
        let serial = self.serial.load(Ordering::Relaxed);
        // Who sees the new number sees that the last holder has left.
        self.serial.store(serial + 1, Ordering::Release);
        // Who sees any of what follows sees the new number.
        fence(Ordering::Release);
        self.place.set(place);
        self.how
            .store(mode | u64::from(taker.thread), Ordering::Relaxed);
        // Who sees the holder sees all of it.
        self.party.store(taker.party, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::party::thread_id;
    use super::*;

    #[test]
    fn every_holding_has_a_name_and_a_time_of_its_own() {
        let (slot, place) = (Slot::default(), Location::caller());
        let mut names = Vec::new();
        for round in 1..=3 {
            slot.take(Party::Thread(7).into(), place);
            assert_eq!(
                slot.view(0, &Rate::for_test(500))
                    .map(|holder| holder.held_for),
                Some(0)
            );
            slot.is_seen(Ticks(100 * round));
            slot.is_seen(Ticks(100 * round + 50));
            let holder = slot.view(0, &Rate::for_test(500)).expect("held");
            assert_eq!(holder.held_for, 500 - 100 * round);
            assert_eq!(
                (holder.party, holder.place.line()),
                (Party::Thread(7), place.line())
            );
            names.push(holder.holding);
            slot.leave();
            assert_eq!(slot.view(0, &Rate::for_test(500)), None);
        }
        names.dedup();
        assert_eq!((names.len(), slot.takings()), (3, 3));
    }

    #[test]
    fn a_holder_does_not_run_where_another_one_does() {
        let (slot, here) = (Slot::default(), thread_id());
        let awaits = || slot.view(0, &Rate::for_test(0)).expect("held").across_await;
        slot.take(Party::Thread(7).into(), Location::caller());
        slot.meets(Party::Thread(7), here);
        slot.meets(Party::Thread(8), here + 1);
        assert!(!awaits());
        slot.meets(Party::Thread(8), here);
        assert!(awaits());
        slot.leave();
        slot.take(Party::Thread(7).into(), Location::caller());
        assert!(!awaits(), "that was the holding before");
    }

    #[test]
    fn a_slot_is_one_threads_until_somebody_writes() {
        let (slot, place) = (Slot::default(), Location::caller());
        let claims = || slot.claim_reserved(Party::Thread(7).into(), place);
        let others_claim = || std::thread::scope(|scope| scope.spawn(claims).join());
        assert!(claims());
        assert!(!claims(), "it is in use");
        slot.leave();
        assert!(!others_claim().expect("no panic"), "it is reserved");
        slot.take(Party::Thread(8).into(), place);
        slot.leave();
        assert!(others_claim().expect("no panic"));
    }

    #[test]
    fn a_reader_takes_no_slot_from_another() {
        let (slot, place) = (Slot::default(), Location::caller());
        assert!(slot.claim(Party::Thread(7).into(), place));
        assert!(!slot.claim(Party::Thread(7).into(), place));
        slot.leave_claimed();
        assert!(slot.claim(Party::Thread(8).into(), place));
    }
}
