//! What do a runtime's own gauges say, and what do its threads do? Reads; [`super::gauges`] judges.

use stallscope_stack::kernel::{RunState, ThreadState};
use stallscope_stack::{RawStack, capture_within};
use tokio::runtime::Handle;

use super::PATIENCE;
#[cfg(tokio_unstable)]
use super::gauges::Gauges;
use super::gauges::{Sign, Trouble};
use crate::recorder::{RECORDER, ThreadRecord};
use crate::runtimes::{RUNTIMES, RuntimeIndex};

/// Stacks that are taken of a runtime in trouble.
const MOST_STACKS: usize = 8;

/// Gauges that only tokio's unstable interface has.
#[cfg(tokio_unstable)]
pub(super) fn gauges(runtime: RuntimeIndex, handle: &Handle) -> Gauges {
    let metrics = handle.metrics();
    let workers = 0..metrics.num_workers();
    let in_workers: usize = workers
        .clone()
        .map(|worker| metrics.worker_local_queue_depth(worker))
        .sum();
    Gauges {
        pool_threads: metrics.num_blocking_threads(),
        pool_idle: metrics.num_idle_blocking_threads(),
        pool_queued: metrics.blocking_queue_depth(),
        ready: metrics.global_queue_depth() + in_workers,
        polls: workers
            .map(|worker| metrics.worker_poll_count(worker))
            .sum(),
        is_polling: threads_of(runtime).any(|thread| thread.polling().is_some()),
    }
}

/// The stacks of the threads that matter, with their numbers; none if the machine is to blame: a thread that could do what is missing
/// waits for a processor.
pub(super) fn stacks(sign: &Sign, pool_threads: usize) -> Option<Vec<(u32, RawStack)>> {
    let in_pool =
        |thread: &&ThreadRecord| thread.pool() == Some(sign.runtime) && thread.worker().is_none();
    let threads: Vec<_> = match sign.trouble {
        Trouble::FullPool => RECORDER.threads().iter().filter(in_pool).collect(),
        Trouble::Starvation => threads_of(sign.runtime).collect(),
    };
    if sign.trouble == Trouble::FullPool && threads.len() < pool_threads {
        return None; // one has been made that has not come to its first line yet
    }
    let mut stacks = Vec::new();
    for thread in threads.into_iter().take(MOST_STACKS) {
        let Some(handle) = thread.handle() else {
            continue;
        };
        if sign.trouble == Trouble::Starvation
            && ThreadState::read(handle.tid()).run_state == RunState::Running
        {
            return None;
        }
        stacks.extend(
            capture_within(&handle, PATIENCE)
                .ok()
                .map(|stack| (thread.tid(), stack)),
        );
    }
    Some(stacks)
}

/// Tasks that are ready and wait: in the worker's own queue, as far as this build can see it, and in the runtime's.
pub(super) fn queued_behind(thread: &ThreadRecord) -> u64 {
    let Some((runtime, worker)) = thread.worker() else {
        return 0;
    };
    let Some(handle) = RUNTIMES.get(runtime).and_then(|watched| watched.handle()) else {
        return 0;
    };
    (handle.metrics().global_queue_depth() + queued_in(&handle, worker as usize)) as u64
}

#[cfg(tokio_unstable)]
fn queued_in(handle: &Handle, worker: usize) -> usize {
    let metrics = handle.metrics();
    if worker < metrics.num_workers() {
        metrics.worker_local_queue_depth(worker)
    } else {
        0
    }
}

#[cfg(not(tokio_unstable))]
fn queued_in(_handle: &Handle, _worker: usize) -> usize {
    0
}

fn threads_of(runtime: RuntimeIndex) -> impl Iterator<Item = &'static ThreadRecord> {
    let of_it = move |thread: &&ThreadRecord| thread.worker().is_some_and(|(of, _)| of == runtime);
    RECORDER.threads().iter().filter(of_it)
}
