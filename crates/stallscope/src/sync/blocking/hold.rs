//! What a guard of a blocking lock has beside the guard of std's, and how it comes by it.

use std::panic::Location;
use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};

use super::super::party::Taker;
use super::super::track::{Ask, Held, LockRecord, Track, Wait};
use super::super::view::Mode;
use super::super::{open_guards, perturb, region};

/// A lock that is held. In a guard it comes before std's, so that it is told that the lock is let go of while it still is held.
pub(super) struct Hold {
    /// None: what happens is not told.
    record: Option<&'static LockRecord>,
    held: Held,
}

/// Takes a lock by `attempt`, which does not wait, or else by `wait`, at the line that calls. `make` makes the guard.
#[inline]
#[track_caller]
pub(super) fn lock<G, H>(
    track: &Track,
    mode: Mode,
    attempt: impl FnOnce() -> TryLockResult<G>,
    wait: impl FnOnce() -> LockResult<G>,
    make: impl FnOnce(Hold, G) -> H,
) -> LockResult<H> {
    perturb::here();
    let place = Location::caller();
    let record = track.present_record();
    let taken = match attempt() {
        Ok(inner) => Ok(inner),
        Err(TryLockError::Poisoned(inner)) => Err(inner),
        Err(TryLockError::WouldBlock) => {
            let told = waits(track, mode, place);
            let taken = wait();
            let hold = Hold::new(track, record, mode, place);
            if let Some(told) = told {
                told.ends();
            }
            return join(hold, taken, make);
        }
    };
    join(Hold::new(track, record, mode, place), taken, make)
}

/// Takes a lock by `attempt`, which does not wait, at the line that calls. `make` makes the guard.
#[inline]
#[track_caller]
pub(super) fn try_lock<G, H>(
    track: &Track,
    mode: Mode,
    attempt: impl FnOnce() -> TryLockResult<G>,
    make: impl FnOnce(Hold, G) -> H,
) -> TryLockResult<H> {
    perturb::here();
    let record = track.present_record();
    let taken = match attempt() {
        Ok(inner) => Ok(inner),
        Err(TryLockError::Poisoned(inner)) => Err(inner),
        Err(TryLockError::WouldBlock) => return Err(TryLockError::WouldBlock),
    };
    let hold = Hold::new(track, record, mode, Location::caller());
    Ok(join(hold, taken, make)?)
}

impl Hold {
    /// The lock was taken. `record` is its record if it has one.
    #[inline]
    fn new(
        track: &Track,
        record: Option<&'static LockRecord>,
        mode: Mode,
        place: &'static Location<'static>,
    ) -> Self {
        let record = record.or_else(|| first_record(track));
        let held = record.map_or(Held::UNTRACKED, |record| match mode {
            Mode::Exclusive => alone(record, place),
            Mode::Shared => beside_others(record, place),
        });
        Hold { record, held }
    }

    /// The holder is about to write.
    #[inline]
    pub(super) fn writes(&mut self) {
        if self.held.is_write_of_interest()
            && let Some(record) = self.record
        {
            self.held = writes(record, self.held);
        }
    }
}

impl Drop for Hold {
    #[inline]
    fn drop(&mut self) {
        if let Some(record) = self.record {
            leaves(record, self.held);
        }
    }
}

// What follows does not unwind, and its type says so: with nothing to clean up, the guard stays in registers where it is used. In memory it
// would be written in parts and copied whole, which a processor takes longer for than for all the rest.

#[cold]
extern "C" fn first_record(track: &Track) -> Option<&'static LockRecord> {
    track.record()
}

extern "C" fn alone(record: &'static LockRecord, place: &'static Location<'static>) -> Held {
    let taker = Taker::current();
    let held = record.took_alone(taker, place);
    let held = held.with_token(open_guards::taken(place, taker));
    if region::was_ever() {
        return alone_where_regions_are(record, held);
    }
    held
}

#[cold]
extern "C" fn alone_where_regions_are(record: &'static LockRecord, held: Held) -> Held {
    record.took_where_regions_are(held)
}

extern "C" fn beside_others(
    record: &'static LockRecord,
    place: &'static Location<'static>,
) -> Held {
    let taker = Taker::current();
    let held = record.took_beside_others(taker, place);
    held.with_token(open_guards::taken(place, taker))
}

#[cold]
extern "C" fn writes(record: &'static LockRecord, mut held: Held) -> Held {
    record.writes(&mut held);
    held
}

extern "C" fn leaves(record: &'static LockRecord, held: Held) {
    if open_guards::dropped_in_order(held.token()) {
        record.leaves(held);
    } else {
        leaves_out_of_order(record, held);
    }
}

#[cold]
extern "C" fn leaves_out_of_order(record: &'static LockRecord, held: Held) {
    open_guards::dropped(held.token());
    record.leaves(held);
}

#[cold]
fn waits(track: &Track, mode: Mode, place: &'static Location<'static>) -> Option<Wait> {
    track.waits(Ask {
        mode,
        place,
        blocks: true,
    })
}

#[inline]
fn join<G, H>(hold: Hold, taken: LockResult<G>, make: impl FnOnce(Hold, G) -> H) -> LockResult<H> {
    match taken {
        Ok(inner) => Ok(make(hold, inner)),
        Err(inner) => Err(PoisonError::new(make(hold, inner.into_inner()))),
    }
}
