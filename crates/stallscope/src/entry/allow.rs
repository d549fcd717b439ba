//! An intended stall, with its reason.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::process;
use crate::recorder::RECORDER;

/// Runs `body`, which may hold the worker for long on purpose: no finding is made of it. How often and for how long it did is listed by
/// `stallscope doctor` under `why`.
///
/// Prefer [`tokio::task::spawn_blocking`] or `block_in_place` where they fit; this is for the place where neither does, a short initialisation
/// for instance. Use it at the narrowest place: what blocks besides is not seen either.
///
/// ```
/// let name = stallscope::allow_blocking("read once, before the first request", || {
///     std::fs::read_to_string("/etc/hostname")
/// });
/// # drop(name);
/// ```
pub fn allow_blocking<T>(why: &'static str, body: impl FnOnce() -> T) -> T {
    if !process::start() {
        return body();
    }
    let _count = Count {
        why,
        began: Instant::now(),
        spent_before: time_of_this_thread(),
    };
    RECORDER.allowing(body)
}

/// Stalls that were intended, by reason: how many lasted longer than the threshold, and the longest.
static INTENDED: Mutex<BTreeMap<&'static str, (u64, Duration)>> = Mutex::new(BTreeMap::new());

/// For `doctor`.
pub(crate) fn intended() -> Vec<(&'static str, u64, Duration)> {
    let intended = INTENDED.lock().unwrap_or_else(PoisonError::into_inner);
    intended
        .iter()
        .map(|(why, (count, longest))| (*why, *count, *longest))
        .collect()
}

/// How long the calling thread has been in [`allow_blocking`] so far, regions that go on left out.
pub(crate) fn time_of_this_thread() -> Duration {
    SPENT.try_with(Cell::get).unwrap_or_default()
}

thread_local! {
    static SPENT: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

struct Count {
    why: &'static str,
    began: Instant,
    /// What the thread had spent so when this region began.
    spent_before: Duration,
}

impl Drop for Count {
    fn drop(&mut self) {
        let lasted = self.began.elapsed();
        // From what it was at the beginning: what regions within this one have added is part of it.
        let _ = SPENT.try_with(|spent| spent.set(self.spent_before + lasted)); // the thread ends: nobody will ask
        if lasted >= process::long_poll() {
            let mut intended = INTENDED.lock().unwrap_or_else(PoisonError::into_inner);
            let (count, longest) = intended.entry(self.why).or_default();
            *count += 1;
            *longest = lasted.max(*longest);
        }
    }
}
