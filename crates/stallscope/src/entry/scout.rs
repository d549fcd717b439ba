//! Which threads are the workers of a runtime that was built without our hooks? Asked at its start, by tasks that tell.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};

use crate::recorder::RECORDER;
use crate::runtimes::{RUNTIMES, RuntimeIndex};

/// A worker that has told waits for the others, so that no worker tells twice; for no longer than this.
const GATHERING: Duration = Duration::from_micros(500);
/// A worker that was too busy each time is given up.
const MOST_TRIES: u8 = 8;

/// Makes the workers of the current runtime known to the recorder: the calling thread, if it is one, and the others by one task
/// for each, which are the first tasks of a runtime that has just started. Does not wait for them.
pub(super) fn meet_workers(runtime: RuntimeIndex) {
    RECORDER.thread_met(runtime);
    if let Ok(handle) = Handle::try_current() {
        send(runtime, &handle);
    }
}

/// Workers that have not been met: on a loaded machine a worker's thread may begin late.
#[derive(Default)]
pub(crate) struct Missing {
    tries: HashMap<RuntimeIndex, u8>,
}

impl Missing {
    /// Asks again where a worker is missing. Spawning is all that is asked of the runtime; nobody waits.
    pub(crate) fn meet_again(&mut self) {
        let unhooked: Vec<_> = RUNTIMES
            .iter()
            .filter(|(_, watched)| !watched.is_hooked())
            .collect();
        self.tries
            .retain(|runtime, _| unhooked.iter().any(|(listed, _)| listed == runtime));
        for (runtime, watched) in unhooked {
            let tries = self.tries.entry(runtime).or_default();
            if *tries == MOST_TRIES {
                continue;
            }
            let Some(handle) = watched.handle() else {
                continue;
            };
            let missing =
                (0..handle.metrics().num_workers()).any(|worker| !is_met(runtime, worker));
            if missing {
                *tries += 1;
                send(runtime, &handle);
            } else {
                *tries = MOST_TRIES;
            }
        }
    }
}

fn is_met(runtime: RuntimeIndex, worker: usize) -> bool {
    RECORDER
        .threads()
        .iter()
        .any(|thread| thread.worker() == Some((runtime, worker as u32)))
}

fn send(runtime: RuntimeIndex, handle: &Handle) {
    if handle.runtime_flavor() != RuntimeFlavor::MultiThread {
        return; // its only worker is the thread that calls `block_on`
    }
    let workers = handle.metrics().num_workers();
    let gathering = Arc::new(Gathering::new(workers));
    for _ in 0..workers {
        let gathering = Arc::clone(&gathering);
        let on_its_way = OnItsWay::new();
        drop(handle.spawn(async move {
            let _on_its_way = on_its_way;
            RECORDER.thread_met(runtime);
            gathering.arrive();
        }));
    }
}

/// Tasks of ours that have not ended, in all runtimes: tokio counts them among the application's.
pub(super) fn on_their_way() -> usize {
    ON_THEIR_WAY.load(Ordering::Relaxed)
}

static ON_THEIR_WAY: AtomicUsize = AtomicUsize::new(0);

/// Counts a task until it is gone, however it goes.
struct OnItsWay;

impl OnItsWay {
    fn new() -> Self {
        ON_THEIR_WAY.fetch_add(1, Ordering::Relaxed);
        OnItsWay
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        ON_THEIR_WAY.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Gathering {
    missing: Mutex<usize>,
    complete: Condvar,
}

impl Gathering {
    fn new(workers: usize) -> Self {
        Gathering {
            missing: Mutex::new(workers),
            complete: Condvar::new(),
        }
    }

    fn arrive(&self) {
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        *missing = missing.saturating_sub(1);
        if *missing == 0 {
            self.complete.notify_all();
        }
        // Whoever comes too late finds the others gone, and has told all the same.
        let _ = self
            .complete
            .wait_timeout_while(missing, GATHERING, |missing| *missing > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_to_arrive_sends_all_on() {
        let gathering = Gathering::new(3);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| gathering.arrive());
            }
        });
        assert_eq!(*gathering.missing.lock().expect("nobody panics"), 0);
        gathering.arrive(); // one more than expected is sent on at once
    }
}
