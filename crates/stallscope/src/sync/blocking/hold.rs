//! What a guard of a blocking lock has beside the guard of std's.

use std::panic::Location;
use std::sync::{LockResult, PoisonError};

use super::super::party::Party;
use super::super::track::{Ask, Held, Track};
use super::super::view::Mode;
use super::super::{is_on, open_guards, perturb};

/// A lock that is held. In a guard it comes before std's, so that it is told that the lock is let go of while it still is held.
pub(super) struct Hold<'a> {
    track: &'a Track,
    held: Held,
}

impl<'a> Hold<'a> {
    #[inline]
    pub(super) fn new(track: &'a Track, ask: Ask) -> Self {
        let held = if is_on() {
            let party = Party::current();
            let token = open_guards::taken(ask.place, party);
            track.took_by(party, ask).with_token(token)
        } else {
            Held::UNTRACKED
        };
        Hold { track, held }
    }

    #[inline]
    pub(super) fn writes(&mut self) {
        self.track.writes(&mut self.held);
    }
}

impl Drop for Hold<'_> {
    #[inline]
    fn drop(&mut self) {
        self.track.leaves(self.held);
        open_guards::dropped(self.held.token());
    }
}

/// How a thread asks for a lock, at the line that calls.
#[inline]
#[track_caller]
pub(super) fn ask(mode: Mode) -> Ask {
    perturb::here();
    Ask {
        mode,
        place: Location::caller(),
        blocks: true,
    }
}

/// Waits for a lock of std's, and tells so.
#[cold]
pub(super) fn wait<G>(
    track: &Track,
    ask: Ask,
    blocking: impl FnOnce() -> LockResult<G>,
) -> (Hold<'_>, LockResult<G>) {
    let wait = track.waits(ask);
    let taken = blocking();
    let hold = Hold::new(track, ask);
    if let Some(wait) = wait {
        wait.ends();
    }
    (hold, taken)
}

/// The same, of what is in it.
#[inline]
pub(super) fn map<G, H>(result: LockResult<G>, make: impl FnOnce(G) -> H) -> LockResult<H> {
    match result {
        Ok(guard) => Ok(make(guard)),
        Err(poisoned) => Err(PoisonError::new(make(poisoned.into_inner()))),
    }
}
