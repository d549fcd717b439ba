//! Which runtime is this, and who holds it? Its handle is kept while anybody does.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::runtime::{Handle, Id};

/// One runtime.
pub(crate) struct Watched {
    /// Built with our hooks.
    hooked: bool,
    /// It is known which runtime this is.
    identified: AtomicBool,
    state: Mutex<State>,
}

struct State {
    identity: Option<Id>,
    handle: Option<Handle>,
    /// Threads and root futures of the runtime that are alive.
    holders: u32,
    /// There has been one.
    was_held: bool,
}

impl Watched {
    pub(super) fn new(hooked: bool) -> Self {
        let state = State {
            identity: None,
            handle: None,
            holders: 0,
            was_held: false,
        };
        Watched {
            hooked,
            identified: AtomicBool::new(false),
            state: Mutex::new(state),
        }
    }

    /// Keeps the current runtime's handle for one more holder. To be called within the runtime's
    /// context.
    pub(crate) fn hold(&self) {
        let current = Handle::try_current().ok();
        let mut state = self.state();
        state.holders += 1;
        state.was_held = true;
        if let Some(current) = current {
            state.identity.get_or_insert(current.id());
            state.handle.get_or_insert(current);
            self.identified.store(true, Ordering::Relaxed);
        }
    }

    /// A holder is gone; with the last one and the last task, the handle goes.
    pub(crate) fn let_go(&self) {
        let mut state = self.state();
        state.holders = state.holders.saturating_sub(1);
        drop(state);
        self.release();
    }

    pub(super) fn release(&self) {
        let mut state = self.state();
        let is_over = |handle: &mut Handle| handle.metrics().num_alive_tasks() == 0;
        let last = match state.holders {
            0 => state.handle.take_if(is_over),
            _ => None,
        };
        drop(state);
        drop(last); // outside of the lock: it may be the runtime's last
    }

    /// The calling thread runs a task of this runtime: so the current runtime is this one.
    #[inline]
    pub(crate) fn identify(&self) {
        if !self.identified.load(Ordering::Relaxed) {
            self.identify_slowly();
        }
    }

    #[cold]
    fn identify_slowly(&self) {
        if let Ok(current) = Handle::try_current() {
            self.state().identity.get_or_insert(current.id());
            self.identified.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn is_hooked(&self) -> bool {
        self.hooked
    }

    pub(crate) fn handle(&self) -> Option<Handle> {
        self.state().handle.clone()
    }

    /// It has shown itself, and nothing of it is known to be alive. One without hooks may come back, as another one.
    pub(super) fn is_over(&self) -> bool {
        let state = self.state();
        state.identity.is_some() && state.handle.is_none() && state.holders == 0
    }

    pub(super) fn was_held(&self) -> bool {
        self.state().was_held
    }

    pub(super) fn identity(&self) -> Option<Id> {
        self.state().identity
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
