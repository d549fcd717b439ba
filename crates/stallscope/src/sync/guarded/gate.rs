//! The queue in front of an async lock: tokio's semaphore, which is fair, safe to cancel and counted against a task's budget, with what
//! is known of those who hold it and wait.

use std::panic::Location;

use tokio::sync::{Semaphore, TryLockError};

use super::super::perturb;
use super::super::track::{Ask, Held, Track};
use super::super::view::{LockKind, Mode};
use super::acquire::Acquire;

/// Lets one in alone, or several beside each other.
pub(in crate::sync) struct Gate {
    semaphore: Semaphore,
    /// Who goes in alone takes all of them.
    permits: u32,
    track: Track,
}

/// As many as tokio's lock lets read at a time.
pub(in crate::sync) const MOST_READERS: u32 = u32::MAX >> 3;

impl Gate {
    pub(in crate::sync) const fn new(
        kind: LockKind,
        permits: u32,
        made_at: &'static Location<'static>,
    ) -> Self {
        Gate {
            semaphore: Semaphore::const_new(permits as usize),
            permits,
            track: Track::new(kind, made_at),
        }
    }

    /// Waits for its turn.
    #[inline]
    pub(super) fn acquire(
        &self,
        mode: Mode,
        place: &'static Location<'static>,
    ) -> impl Future<Output = Held> {
        let ask = Ask {
            mode,
            place,
            blocks: false,
        };
        Acquire::new(
            self.semaphore.acquire_many(self.permits(mode)),
            &self.track,
            ask,
        )
    }

    /// Blocks the thread until its turn has come.
    ///
    /// # Panics
    ///
    /// Where tokio's lock does: in code that a runtime polls.
    #[track_caller]
    pub(super) fn acquire_blocking(&self, mode: Mode) -> Held {
        let place = Location::caller();
        // No permits are there at once. Panics if this thread must not be blocked, before anything is known of the attempt.
        let _ = self.semaphore.blocking_acquire_many(0);
        perturb::here();
        let ask = Ask {
            mode,
            place,
            blocks: true,
        };
        let permits = self.permits(mode);
        if let Ok(permit) = self.semaphore.try_acquire_many(permits) {
            permit.forget();
            return self.track.took(ask);
        }
        let wait = self.track.waits(ask);
        // Fails only if the semaphore is closed, which nobody does.
        if let Ok(permit) = self.semaphore.blocking_acquire_many(permits) {
            permit.forget();
        }
        let held = self.track.took(ask);
        if let Some(wait) = wait {
            wait.ends();
        }
        held
    }

    /// Goes in if that is possible at once.
    #[inline]
    pub(super) fn try_acquire(
        &self,
        mode: Mode,
        place: &'static Location<'static>,
    ) -> Result<Held, TryLockError> {
        self.try_silently(mode)?;
        Ok(self.track.took(Ask {
            mode,
            place,
            blocks: false,
        }))
    }

    /// As [`Gate::try_acquire`], by code that is not the application's.
    #[inline]
    pub(super) fn try_silently(&self, mode: Mode) -> Result<(), TryLockError> {
        match self.semaphore.try_acquire_many(self.permits(mode)) {
            Ok(permit) => {
                permit.forget();
                Ok(())
            }
            Err(_) => Err(would_block()),
        }
    }

    #[inline]
    pub(super) fn release(&self, mode: Mode, held: Held) {
        self.track.leaves(held);
        self.semaphore.add_permits(self.permits(mode) as usize);
    }

    #[inline]
    pub(super) fn writes(&self, held: &mut Held) {
        self.track.writes(held);
    }

    /// Lets others read beside the one who was alone.
    pub(super) fn downgrade(&self, held: &mut Held) {
        self.track.downgrades(held);
        let rest = self.permits - self.permits(Mode::Shared);
        self.semaphore.add_permits(rest as usize);
    }

    #[inline]
    fn permits(&self, mode: Mode) -> u32 {
        match mode {
            Mode::Exclusive => self.permits,
            Mode::Shared => 1,
        }
    }
}

/// The error of tokio's locks, which only they can make.
#[cold]
fn would_block() -> TryLockError {
    let lock = tokio::sync::Mutex::const_new(());
    loop {
        match lock.try_lock() {
            Ok(guard) => std::mem::forget(guard),
            Err(error) => return error,
        }
    }
}
