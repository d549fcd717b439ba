//! Which tokio runtimes are being watched, and what do their own gauges say?
//!
//! A runtime is registered by the first of its threads that meets one of our hooks or the root
//! future. Its `Handle` is kept while any of its threads, root futures or tasks lives, and let go then: a
//! handle kept for ever would keep the runtime's memory. A runtime that is dropped ends its tasks.

pub(crate) mod canary;
mod watched;

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::{Handle, Id, RuntimeFlavor};

pub(crate) use self::watched::Watched;

/// Names a watched runtime; its index in answers. Counted from 0, and given to no other one, so that nothing that is remembered of one is taken
/// for another's.
pub(crate) type RuntimeIndex = u32;

/// The runtimes of this process.
pub(crate) static RUNTIMES: Runtimes = Runtimes {
    all: Mutex::new(All {
        watched: Vec::new(),
        next: 0,
    }),
    pruned: AtomicU32::new(0),
};

/// What fits into a task's record. A process makes that many runtimes only if it makes one per request; those beyond share this index.
pub(crate) const SHARED: RuntimeIndex = (1 << 21) - 1;

/// Runtimes that are over and still listed.
const KEPT: usize = 64;

pub(crate) struct Runtimes {
    all: Mutex<All>,
    /// How often some that were over have been forgotten.
    pruned: AtomicU32,
}

struct All {
    /// By rising index.
    watched: Vec<(RuntimeIndex, Arc<Watched>)>,
    next: RuntimeIndex,
}

impl Runtimes {
    /// Registers a runtime that is about to be built, whose hooks have to know its index before it
    /// exists. It is listed once one of its threads has told which one it is.
    #[cfg_attr(not(tokio_unstable), allow(dead_code))] // no hooks
    pub(crate) fn add(&self, hooked: bool) -> (RuntimeIndex, Arc<Watched>) {
        self.all().push(hooked)
    }

    /// The runtime the calling thread is in, registered now if it was not; none outside of any
    /// runtime.
    pub(crate) fn current(&self) -> Option<(RuntimeIndex, Arc<Watched>)> {
        let identity = Handle::try_current().ok()?.id();
        let is_it =
            |(_, watched): &&(RuntimeIndex, Arc<Watched>)| watched.identity() == Some(identity);
        let find = |all: &All| all.watched.iter().rev().find(is_it).cloned();
        let is_unknown = |(_, watched): &(RuntimeIndex, Arc<Watched>)| {
            watched.is_hooked() && watched.identity().is_none()
        };
        let may_be_hooked = {
            let all = self.all();
            if let Some(known) = find(&all) {
                return Some(known);
            }
            all.watched.iter().any(is_unknown)
        };
        if may_be_hooked {
            canary::fly();
        }
        // Found out by the canary, or by another thread meanwhile; or, then, one that was built
        // without us.
        let mut all = self.all();
        Some(find(&all).unwrap_or_else(|| {
            let added = all.push(false);
            added.1.identify();
            added
        }))
    }

    /// Lets go of runtimes that are over, and forgets the oldest of them.
    pub(crate) fn tidy(&self) {
        for (_, watched) in self.iter() {
            watched.release();
        }
        if self.all().prune() {
            self.pruned.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The runtimes that have shown themselves.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (RuntimeIndex, Arc<Watched>)> + use<> {
        let all = self.all().watched.clone();
        all.into_iter()
            .filter(|(_, watched)| watched.identity().is_some())
    }

    /// One of them; none if it has not shown itself, or is over and forgotten.
    pub(crate) fn get(&self, runtime: RuntimeIndex) -> Option<Arc<Watched>> {
        let watched = self.all().get(runtime)?;
        watched.identity().is_some().then_some(watched)
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl All {
    fn push(&mut self, hooked: bool) -> (RuntimeIndex, Arc<Watched>) {
        let added = (self.next, Arc::new(Watched::new(hooked)));
        self.next = (self.next + 1).min(SHARED);
        self.watched.push(added.clone());
        added
    }

    /// None of those that share their index.
    fn get(&self, runtime: RuntimeIndex) -> Option<Arc<Watched>> {
        if runtime == SHARED {
            return None;
        }
        let at = self
            .watched
            .binary_search_by_key(&runtime, |(index, _)| *index);
        Some(self.watched[at.ok()?].1.clone())
    }

    /// Whether any were forgotten. Of those that are over nobody has a part any more: neither hooks, nor a root future.
    fn prune(&mut self) -> bool {
        let is_over = |(_, watched): &(RuntimeIndex, Arc<Watched>)| {
            Arc::strong_count(watched) == 1 && watched.is_over()
        };
        let over = self.watched.iter().filter(|known| is_over(known)).count();
        let mut surplus = over.saturating_sub(KEPT);
        let any = surplus > 0;
        self.watched.retain(|known| {
            let goes = surplus > 0 && is_over(known);
            surplus -= usize::from(goes);
            !goes
        });
        any
    }
}

thread_local! {
    static POOL_THREAD: Cell<bool> = const { Cell::new(false) };
    /// The runtime this thread was in when it last asked, and how often some had been forgotten until then.
    static LAST: Cell<Option<(Id, u32, RuntimeIndex)>> = const { Cell::new(None) };
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

pub(crate) fn workers(runtime: RuntimeIndex) -> Workers {
    let Some(watched) = RUNTIMES.all().get(runtime) else {
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
    let pruned = RUNTIMES.pruned.load(Ordering::Relaxed);
    match LAST.get() {
        Some((last, then, index)) if (last, then) == (identity, pruned) => index,
        _ => {
            let index = RUNTIMES.current().map_or(0, |(index, _)| index);
            LAST.set(Some((identity, pruned, index)));
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

#[cfg(test)]
mod tests {
    use tokio::runtime::Builder;

    use super::*;

    fn of_our_own() -> Runtimes {
        Runtimes {
            all: Mutex::new(All {
                watched: Vec::new(),
                next: 0,
            }),
            pruned: AtomicU32::new(0),
        }
    }

    /// One that begins, is held and ends, and which index it had.
    fn one(runtimes: &Runtimes) -> RuntimeIndex {
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let (index, watched) = runtimes.current().expect("within a runtime");
            watched.hold();
            assert_eq!(runtimes.current().map(|(index, _)| index), Some(index));
            watched.let_go();
            index
        })
    }

    #[test]
    fn each_of_many_runtimes_has_an_index_of_its_own_and_few_are_remembered() {
        let runtimes = of_our_own();
        let (_, unbuilt) = runtimes.all().push(true);
        let alive = Builder::new_current_thread().build().expect("a runtime");
        let (of_alive, watched) = {
            let _within = alive.enter();
            // It is not known to be another than the one that is yet to be built: a canary tells.
            runtimes.current().expect("within a runtime")
        };
        watched.hold();
        drop(watched);
        for count in 2..=500 {
            assert_eq!(one(&runtimes), count);
            runtimes.tidy();
            assert!(runtimes.iter().count() <= KEPT + 1);
        }
        assert!(runtimes.get(of_alive).is_some());
        assert!(runtimes.get(2).is_none(), "it is over and forgotten");
        assert!(runtimes.get(500).is_some());
        assert_eq!(runtimes.all().watched.len(), KEPT + 2);
        assert!(!unbuilt.is_over(), "it may yet begin");
    }

    #[test]
    fn those_that_share_their_index_are_not_told_apart() {
        let runtimes = of_our_own();
        runtimes.all().next = SHARED - 1;
        let indexes: Vec<_> = (0..3).map(|_| one(&runtimes)).collect();
        assert_eq!(indexes, [SHARED - 1, SHARED, SHARED]);
        assert!(runtimes.get(SHARED - 1).is_some());
        assert!(runtimes.get(SHARED).is_none());
    }
}
