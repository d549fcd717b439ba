//! Which tokio runtimes are being watched, and what do their own gauges say?
//!
//! A runtime is registered by the first of its threads that meets one of our hooks or the root future. Its `Handle` is kept while
//! any of its threads or root futures lives, and let go then: a handle kept for ever would keep the runtime's memory.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::runtime::{Handle, Id, RuntimeFlavor};

/// Names a watched runtime; its index in answers.
pub(crate) type RuntimeIndex = u8;

/// The runtimes of this process.
pub(crate) static RUNTIMES: Runtimes = Runtimes {
    all: Mutex::new(Vec::new()),
    overflow: Watched::new(false),
};

/// Most processes have one runtime. Those beyond this many share the last index.
const CAPACITY: usize = 255;

pub(crate) struct Runtimes {
    all: Mutex<Vec<&'static Watched>>,
    overflow: Watched,
}

/// One runtime.
pub(crate) struct Watched {
    /// Built with our hooks.
    hooked: bool,
    /// One of our hooks has fired in it.
    confirmed: AtomicBool,
    state: Mutex<State>,
}

struct State {
    identity: Option<Id>,
    handle: Option<Handle>,
    /// Threads and root futures of the runtime that are alive.
    holders: u32,
}

impl Watched {
    const fn new(hooked: bool) -> Self {
        let state = State {
            identity: None,
            handle: None,
            holders: 0,
        };
        Watched {
            hooked,
            confirmed: AtomicBool::new(false),
            state: Mutex::new(state),
        }
    }

    /// Keeps the current runtime's handle for one more holder. To be called within the runtime's context.
    pub(crate) fn hold(&self) {
        let current = Handle::try_current().ok();
        let mut state = self.state();
        state.holders += 1;
        if let Some(current) = current {
            state.identity.get_or_insert(current.id());
            state.handle.get_or_insert(current);
        }
    }

    /// A holder is gone; with the last one, the handle goes.
    pub(crate) fn let_go(&self) {
        let mut state = self.state();
        state.holders = state.holders.saturating_sub(1);
        let last = if state.holders == 0 {
            state.handle.take()
        } else {
            None
        };
        drop(state);
        drop(last); // outside of the lock: it may be the runtime's last
    }

    /// Called by the hooks: the runtime the calling thread is in is this one, whatever was assumed before.
    #[inline]
    pub(crate) fn confirm(&self) {
        if !self.confirmed.load(Ordering::Relaxed) {
            self.confirm_slowly();
        }
    }

    #[cold]
    fn confirm_slowly(&self) {
        // A task spawned through a handle from outside has no context: a later one will have.
        let Ok(current) = Handle::try_current() else {
            return;
        };
        let mut state = self.state();
        if state.identity != Some(current.id()) {
            state.identity = Some(current.id());
            state.handle = (state.holders > 0).then_some(current);
        }
        self.confirmed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_hooked(&self) -> bool {
        self.hooked
    }

    pub(crate) fn handle(&self) -> Option<Handle> {
        self.state().handle.clone()
    }

    fn identity(&self) -> Option<Id> {
        self.state().identity
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Runtimes {
    /// Registers a runtime that is about to be built.
    pub(crate) fn add(&'static self, hooked: bool) -> (RuntimeIndex, &'static Watched) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        match u8::try_from(all.len()) {
            Ok(index) if all.len() < CAPACITY => {
                let watched: &'static Watched = Box::leak(Box::new(Watched::new(hooked)));
                all.push(watched);
                (index, watched)
            }
            _ => (u8::MAX, &self.overflow),
        }
    }

    /// The runtime the calling thread is in, registered now if it was not; none outside of any runtime.
    ///
    /// A runtime that was built with our hooks is known by index before it is known by identity: a current-thread runtime calls no hook before
    /// its root future spawns something. Until then, one that waits to be identified is taken to be the current one; its first
    /// hook corrects that if need be ([`Watched::confirm`]).
    pub(crate) fn current(&'static self) -> Option<(RuntimeIndex, &'static Watched)> {
        let identity = Handle::try_current().ok()?.id();
        let known = self
            .iter()
            .find(|(_, watched)| watched.identity() == Some(identity));
        let waiting = || {
            self.iter()
                .find(|(_, watched)| watched.is_hooked() && watched.identity().is_none())
        };
        let (index, watched) = known.or_else(waiting).unwrap_or_else(|| self.add(false));
        watched.state().identity.get_or_insert(identity);
        Some((index, watched))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (RuntimeIndex, &'static Watched)> + use<> {
        let all = self
            .all
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        all.into_iter()
            .enumerate()
            .map(|(index, watched)| (index as RuntimeIndex, watched))
    }
}

thread_local! {
    static POOL_THREAD: Cell<bool> = const { Cell::new(false) };
    /// The runtime this thread was in when it last asked.
    static LAST: Cell<Option<(Id, RuntimeIndex)>> = const { Cell::new(None) };
}

/// Marks the calling thread as one that a watched runtime has made, for workers or blocking closures.
pub(crate) fn mark_pool_thread() {
    POOL_THREAD.set(true);
}

/// Whether a watched runtime has made the calling thread.
pub(crate) fn on_pool_thread() -> bool {
    POOL_THREAD.get()
}

/// The index of the runtime the calling thread is in; 0 outside of any.
pub(crate) fn current_index() -> RuntimeIndex {
    let Ok(identity) = Handle::try_current().map(|handle| handle.id()) else {
        return 0;
    };
    match LAST.get() {
        Some((last, index)) if last == identity => index,
        _ => {
            let index = RUNTIMES.current().map_or(0, |(index, _)| index);
            LAST.set(Some((identity, index)));
            index
        }
    }
}

/// `multi_thread` or `current_thread`, as in `#[tokio::main(flavor = …)]`.
pub(crate) fn flavor(handle: &Handle) -> &'static str {
    match handle.runtime_flavor() {
        RuntimeFlavor::CurrentThread => "current_thread",
        RuntimeFlavor::MultiThread => "multi_thread",
        _ => "unknown",
    }
}
