//! One slot of a lock, taken and left by its holders, and looked at by somebody who keeps nobody waiting.

#![allow(clippy::missing_panics_doc)] // that is how a model says what is wrong

use std::panic::Location;

use loom::sync::{Arc, Mutex};
use loom::thread;

use super::slot::Slot;
use crate::recorder::{Rate, Ticks};
use crate::sync::party::Party;
use crate::sync::view::{HolderView, Mode};

/// In every order, with so many switches between threads at moments when none has to be.
fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    // All that was ever found by hand shows with two; without a bound it takes a minute.
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// Two lines of the source; party 1 asks at the first, party 2 at the second.
fn place(party: Party) -> &'static Location<'static> {
    [Location::caller, || Location::caller()][party.0 as usize - 1]()
}

fn look(slot: &Slot) -> Option<HolderView> {
    slot.view(0, &Rate { now: Ticks(9) })
}

/// What is told of a holder is of one holder.
fn is_whole(holder: &HolderView) {
    assert_eq!(holder.place, place(holder.party), "{holder:?}");
    assert!(!holder.across_await, "{holder:?}");
}

/// Two writers, one after the other, each on a thread of its own.
pub fn writers_take_turns() {
    check(|| {
        let (slot, lock) = (Arc::new(Slot::default()), Arc::new(Mutex::new(())));
        let writers = [1, 2].map(|party| {
            let (slot, lock, party) = (slot.clone(), lock.clone(), Party(party));
            thread::spawn(move || {
                let _guard = lock.lock().expect("no panic");
                slot.take(party.taker(), place(party));
                slot.leave();
            })
        });
        if let Some(holder) = look(&slot) {
            is_whole(&holder);
            assert_eq!(holder.mode, Mode::Exclusive);
        }
        for writer in writers {
            writer.join().expect("no panic");
        }
        assert_eq!((slot.takings(), look(&slot)), (2, None));
    });
}

/// One holder that takes it again and again, and is looked at twice: each holding has a name of its own, and one that is seen later is no earlier one.
pub fn a_holder_comes_back() {
    check(|| {
        let slot = Arc::new(Slot::default());
        let holder = {
            let slot = slot.clone();
            thread::spawn(move || {
                for party in [Party(1), Party(2)] {
                    slot.take(party.taker(), place(party));
                    slot.leave();
                }
            })
        };
        let seen = [look(&slot), look(&slot)];
        seen.iter().flatten().for_each(is_whole);
        if let [Some(first), Some(second)] = &seen {
            assert!(first.holding <= second.holding);
            assert_eq!(first.holding == second.holding, first.party == second.party);
        }
        holder.join().expect("no panic");
    });
}

/// Two readers want one slot that is claimed: one of them gets it, or both do, one after the other.
pub fn readers_claim() {
    check(|| {
        let slot = Arc::new(Slot::default());
        let readers = [1, 2].map(|party| {
            let (slot, party) = (slot.clone(), Party(party));
            thread::spawn(move || {
                let has_it = slot.claim(party.taker(), place(party));
                if has_it {
                    // Nobody else fills it meanwhile.
                    let holder = look(&slot).expect("it is held");
                    assert_eq!(holder.party, party);
                    is_whole(&holder);
                    slot.leave_claimed();
                }
                has_it
            })
        });
        if let Some(holder) = look(&slot) {
            is_whole(&holder);
            assert_eq!(holder.mode, Mode::Shared);
        }
        let had_it = readers.map(|reader| reader.join().expect("no panic"));
        let claims = had_it.iter().filter(|had_it| **had_it).count();
        assert!(claims > 0);
        assert_eq!((slot.takings(), look(&slot)), (claims as u64, None));
    });
}

/// Two readers want the slot that one thread keeps: only one gets it, and gets it again.
pub fn readers_reserve() {
    check(|| {
        let slot = Arc::new(Slot::default());
        let readers = [1, 2].map(|party| {
            let (slot, party) = (slot.clone(), Party(party));
            thread::spawn(move || {
                let taken = [(); 2].map(|()| {
                    let has_it = slot.claim_reserved(party.taker(), place(party));
                    if has_it {
                        slot.leave();
                    }
                    has_it
                });
                assert_eq!(taken[0], taken[1]);
                taken[0]
            })
        });
        if let Some(holder) = look(&slot) {
            is_whole(&holder);
        }
        let had_it = readers.map(|reader| reader.join().expect("no panic"));
        assert!(had_it[0] != had_it[1], "one of them");
        assert_eq!(slot.takings(), 2);
    });
}

/// A waiter meets a holder on the thread that took the lock: it is said of that holding and of no other.
pub fn a_waiter_meets_a_holder() {
    check(|| {
        let slot = Arc::new(Slot::default());
        slot.take(Party(1).taker(), place(Party(1)));
        let holder = {
            let slot = slot.clone();
            thread::spawn(move || {
                slot.leave();
                slot.take(Party(2).taker(), place(Party(2)));
            })
        };
        // Another task, where party 1 took the lock and awaits something.
        slot.meets(Party(3), 1);
        if let Some(seen) = look(&slot) {
            assert!(seen.party == Party(1) || !seen.across_await, "{seen:?}");
        }
        holder.join().expect("no panic");
        assert!(!look(&slot).expect("it is held").across_await);
    });
}
