//! Which tokio runtimes are being watched, and what do their own gauges say?
//!
//! A runtime is registered by the first of its threads that meets one of our hooks or the root
//! future. Its `Handle` is kept while any of its threads, root futures or tasks lives, and let go then: a
//! handle kept for ever would keep the runtime's memory. A runtime that is dropped ends its tasks.

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
    const fn new(hooked: bool) -> Self {
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

    fn release(&self) {
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

    fn was_held(&self) -> bool {
        self.state().was_held
    }

    fn identity(&self) -> Option<Id> {
        self.state().identity
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Runtimes {
    /// Registers a runtime that is about to be built, whose hooks have to know its index before it
    /// exists. It is listed once one of its threads has told which one it is.
    pub(crate) fn add(&'static self, hooked: bool) -> (RuntimeIndex, &'static Watched) {
        self.push(&mut self.all(), hooked)
    }

    fn push(
        &'static self,
        all: &mut Vec<&'static Watched>,
        hooked: bool,
    ) -> (RuntimeIndex, &'static Watched) {
        match u8::try_from(all.len()) {
            Ok(index) if all.len() < CAPACITY => {
                let watched: &'static Watched = Box::leak(Box::new(Watched::new(hooked)));
                all.push(watched);
                (index, watched)
            }
            _ => (u8::MAX, &self.overflow),
        }
    }

    /// The runtime the calling thread is in, registered now if it was not; none outside of any
    /// runtime.
    pub(crate) fn current(&'static self) -> Option<(RuntimeIndex, &'static Watched)> {
        let identity = Handle::try_current().ok()?.id();
        let is_it =
            |(_, watched): &(RuntimeIndex, &'static Watched)| watched.identity() == Some(identity);
        if let Some(known) = self.iter().find(is_it) {
            return Some(known);
        }
        if self
            .all()
            .iter()
            .any(|watched| watched.hooked && watched.identity().is_none())
        {
            canary::fly();
        }
        // Found out by the canary, or by another thread meanwhile; or, then, one that was built
        // without us.
        let mut all = self.all();
        if let Some(known) = indexed(all.clone()).find(is_it) {
            Some(known)
        } else {
            let added = self.push(&mut all, false);
            added.1.identify();
            Some(added)
        }
    }

    /// Lets go of runtimes that are over.
    pub(crate) fn tidy(&'static self) {
        for (_, watched) in self.iter() {
            watched.release();
        }
    }

    /// The runtimes that have shown themselves.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (RuntimeIndex, &'static Watched)> + use<> {
        let all = self.all().clone();
        indexed(all).filter(|(_, watched)| watched.identity().is_some())
    }

    /// One of them; none if it has not shown itself.
    pub(crate) fn get(&self, runtime: RuntimeIndex) -> Option<&'static Watched> {
        let watched = *self.all().get(usize::from(runtime))?;
        watched.identity().is_some().then_some(watched)
    }

    fn all(&self) -> MutexGuard<'_, Vec<&'static Watched>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn indexed(all: Vec<&'static Watched>) -> impl Iterator<Item = (RuntimeIndex, &'static Watched)> {
    all.into_iter()
        .enumerate()
        .map(|(index, watched)| (index as RuntimeIndex, watched))
}

/// A task that asks which hooks the current runtime calls: the only way to tell, before anything
/// else has run on it, whether it is one that was built with ours, and with which. It does nothing,
/// ends at once, and is not recorded; tokio's own counters count it.
pub(crate) mod canary {
    use std::cell::Cell;

    use std::sync::atomic::{AtomicU64, Ordering};

    use super::Watched;

    /// Canaries that a spawn hook of ours has caught.
    static CAUGHT: AtomicU64 = AtomicU64::new(0);

    thread_local! {
        static FLIES: Cell<bool> = const { Cell::new(false) };
    }

    pub(super) fn fly() {
        FLIES.set(true);
        // The spawn hook is called within this call.
        drop(tokio::spawn(async {}));
        FLIES.set(false);
    }

    /// How many were caught: tasks of which tokio knows and the recorder does not, though the hook has fired.
    pub(crate) fn caught() -> u64 {
        CAUGHT.load(Ordering::Relaxed)
    }

    /// Whether the task that is being spawned on this thread is the canary; if so, the runtime is
    /// identified.
    pub(crate) fn is_caught_by(watched: &Watched) -> bool {
        let caught = FLIES.get();
        if caught {
            CAUGHT.fetch_add(1, Ordering::Relaxed);
            watched.identify();
        }
        caught
    }
}

thread_local! {
    static POOL_THREAD: Cell<bool> = const { Cell::new(false) };
    /// The runtime this thread was in when it last asked.
    static LAST: Cell<Option<(Id, RuntimeIndex)>> = const { Cell::new(None) };
}

/// Marks the calling thread as one that a watched runtime has made, for workers or blocking
/// closures.
pub(crate) fn mark_pool_thread() {
    POOL_THREAD.set(true);
}

/// Whether a watched runtime has made the calling thread.
pub(crate) fn on_pool_thread() -> bool {
    POOL_THREAD.get()
}

/// What a runtime's workers do, as far as it matters to a task that is not polled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Workers {
    /// Some are busy, or it is not known.
    Busy,
    /// All of them wait for something to do.
    Parked,
    /// There never was one: no thread of the runtime and no root future has been seen. One that is given to `block_on` without
    /// [`root`](crate::root) is not.
    None,
}

pub(crate) fn workers(runtime: u32) -> Workers {
    let Some(watched) = RUNTIMES.all().get(runtime as usize).copied() else {
        return Workers::Busy;
    };
    let Some(handle) = watched.handle() else {
        let is_driven = !watched.is_hooked() || watched.was_held();
        return if is_driven {
            Workers::Busy
        } else {
            Workers::None
        };
    };
    let metrics = handle.metrics();
    let parked = |worker| metrics.worker_park_unpark_count(worker) % 2 == 1;
    // The only worker of the other flavor is the thread that drives it.
    let is_idle = handle.runtime_flavor() == RuntimeFlavor::MultiThread
        && (0..metrics.num_workers()).all(parked);
    if is_idle {
        Workers::Parked
    } else {
        Workers::Busy
    }
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
