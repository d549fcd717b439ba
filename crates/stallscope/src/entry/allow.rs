//! An intended stall, with its reason.

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

struct Count {
    why: &'static str,
    began: Instant,
}

impl Drop for Count {
    fn drop(&mut self) {
        let lasted = self.began.elapsed();
        if lasted >= process::long_poll() {
            let mut intended = INTENDED.lock().unwrap_or_else(PoisonError::into_inner);
            let (count, longest) = intended.entry(self.why).or_default();
            *count += 1;
            *longest = lasted.max(*longest);
        }
    }
}
