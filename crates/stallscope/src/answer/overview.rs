//! The gauges: tiers, runtimes, workers, totals.

use stallscope_wire::message::{Level, Overview, Runtime, Tier, TierState, Worker};
use tokio::runtime::RuntimeMetrics;

use super::doctor::doctor;
use super::live::Live;
use crate::config::Complaint;
use crate::recorder::{RECORDER, ThreadRecord};
#[cfg(tokio_unstable)]
use crate::runtimes::canary;
use crate::runtimes::{RUNTIMES, RuntimeIndex, Watched, flavor};

/// Workers listed per runtime.
const MOST_WORKERS: usize = 1024;

pub(super) fn overview(live: &Live<'_>, complaints: &[Complaint]) -> Overview {
    let (mut spawned_tasks, mut ended_tasks) = (0, 0);
    for figures in RECORDER.site_figures() {
        spawned_tasks += figures.spawned;
        ended_tasks += figures.ended;
    }
    let mut poll_times = [0; 64];
    let mut polls = 0;
    for thread in RECORDER.threads().iter() {
        thread.poll_times.add_to(&mut poll_times, &live.rate);
        polls += thread.poll_times.total();
    }
    let warnings = doctor(complaints, 0)
        .entries
        .iter()
        .filter(|entry| entry.level() >= Level::Warning)
        .count();
    Overview {
        tiers: tiers(),
        runtimes: RUNTIMES
            .iter()
            .map(|(index, watched)| runtime(index, &watched, live))
            .collect(),
        live_tasks: spawned_tasks.saturating_sub(ended_tasks),
        spawned_tasks,
        ended_tasks,
        polls,
        dropped_events: RECORDER.losses().total(),
        poll_times: if polls > 0 {
            poll_times.to_vec()
        } else {
            Vec::new()
        },
        warnings: warnings as u32,
        long_polls: RECORDER
            .threads()
            .iter()
            .map(|thread| thread.long_polls.count())
            .sum(),
        ..Overview::default()
    }
}

/// Which tiers are live, and what the others would show.
pub(super) fn tiers() -> Vec<Tier> {
    let tier = |name: &str, (state, note): (TierState, String)| Tier {
        name: name.to_owned(),
        state: state.into(),
        note,
    };
    let core = "the root future, tasks spawned through stallscope, long polls of all tasks, the runtime's gauges".to_owned();
    vec![
        tier("core", (TierState::On, core)),
        tier("hooks", hooks_tier()),
        tier(
            "deep",
            (TierState::Off, "not part of this version".to_owned()),
        ),
    ]
}

fn hooks_tier() -> (TierState, String) {
    if !cfg!(tokio_unstable) {
        let how = "built without `--cfg tokio_unstable`: tasks of plain `tokio::spawn` are not seen. \
                   Put `[build] rustflags = [\"--cfg\", \"tokio_unstable\"]` into the application's .cargo/config.toml";
        return (TierState::Off, how.to_owned());
    }
    let (hooked, unhooked) = RUNTIMES
        .iter()
        .fold((0, 0), |(hooked, unhooked), (_, watched)| {
            if watched.is_hooked() {
                (hooked + 1, unhooked)
            } else {
                (hooked, unhooked + 1)
            }
        });
    if hooked == 0 {
        let how = "no runtime was built with stallscope's hooks: tasks of plain `tokio::spawn` are not seen. \
                   Use `#[stallscope::main]`, or `.stallscope()` on the runtime's builder";
        return (TierState::Off, how.to_owned());
    }
    if let Some(missing) = missing_hooks() {
        return (TierState::Degraded, missing);
    }
    if unhooked > 0 {
        let how = format!(
            "{unhooked} of {} runtimes were built without stallscope's hooks; their tasks are not seen",
            hooked + unhooked
        );
        return (TierState::Degraded, how);
    }
    (
        TierState::On,
        "every task with parent, spawn place and poll times; not what a task waits for".to_owned(),
    )
}

/// A hook that was set on the builder after ours has replaced it, and tokio has no way to ask; but
/// tokio counts too.
#[cfg(tokio_unstable)]
fn missing_hooks() -> Option<String> {
    let mut counted = Counts::default();
    for (_, watched) in RUNTIMES.iter().filter(|(_, watched)| watched.is_hooked()) {
        let metrics = watched.handle()?.metrics();
        let alive = metrics.num_alive_tasks() as u64;
        counted.spawned += metrics.spawned_tasks_count();
        counted.ended += metrics.spawned_tasks_count().saturating_sub(alive);
        counted.polled += (0..metrics.num_workers())
            .map(|worker| metrics.worker_poll_count(worker))
            .sum::<u64>();
    }
    let mut seen = Counts {
        spawned: canary::caught(),
        ..Counts::default()
    };
    for figures in RECORDER.site_figures() {
        seen.spawned += figures.spawned;
        seen.ended += figures.ended;
    }
    seen.polled = RECORDER
        .threads()
        .iter()
        .map(|thread| thread.poll_times.total())
        .sum();
    hooks_that_do_not_fire(&counted, &seen)
}

#[cfg(not(tokio_unstable))]
fn missing_hooks() -> Option<String> {
    None
}

#[cfg(tokio_unstable)]
#[derive(Default)]
struct Counts {
    spawned: u64,
    polled: u64,
    ended: u64,
}

/// tokio's counts and ours are read one after the other and tokio's lag by up to 61 polls, so only
/// "many, and none at all" is told.
#[cfg(tokio_unstable)]
fn hooks_that_do_not_fire(tokio: &Counts, ours: &Counts) -> Option<String> {
    let many_and_none = |tokio: u64, ours: u64| tokio > 200 && ours == 0;
    let silent = if tokio.spawned > 0 && ours.spawned == 0 {
        "on_task_spawn"
    } else if many_and_none(tokio.polled, ours.polled) {
        "on_before_task_poll or on_after_task_poll"
    } else if many_and_none(tokio.ended, ours.ended) {
        "on_task_terminate"
    } else {
        return None;
    };
    Some(format!(
        "tokio runs tasks, but stallscope's {silent} does not fire: a hook set on the builder after `.stallscope()` has replaced it. \
         Pass your own hooks to `.stallscope_with(stallscope::Hooks)`"
    ))
}

fn runtime(index: RuntimeIndex, watched: &Watched, live: &Live<'_>) -> Runtime {
    let base = Runtime {
        index,
        hooked: watched.is_hooked(),
        ..Runtime::default()
    };
    let Some(handle) = watched.handle() else {
        return Runtime {
            ended: true,
            ..base
        };
    };
    let metrics = handle.metrics();
    Runtime {
        flavor: flavor(&handle).to_owned(),
        alive_tasks: metrics.num_alive_tasks() as u64,
        global_queue_depth: metrics.global_queue_depth() as u64,
        workers: workers(index, &metrics, live),
        ..with_unstable(base, &metrics)
    }
}

fn workers(index: RuntimeIndex, metrics: &RuntimeMetrics, live: &Live<'_>) -> Vec<Worker> {
    (0..metrics.num_workers().min(MOST_WORKERS))
        .map(|worker| {
            let thread = thread_of(index, worker as u32);
            let polling = thread.and_then(ThreadRecord::polling);
            let worker = gauges(worker, metrics);
            Worker {
                task: polling.map(|poll| poll.task.0),
                polling_ns: polling.map_or(0, |poll| live.rate.nanos_since(poll.since)),
                tid: thread.map_or(0, ThreadRecord::tid),
                ..worker
            }
        })
        .collect()
}

/// The thread that is this worker; the one that polls, if a worker was handed from one thread to
/// another.
fn thread_of(runtime: RuntimeIndex, worker: u32) -> Option<&'static ThreadRecord> {
    let mut threads = RECORDER
        .threads()
        .iter()
        .filter(|thread| thread.worker() == Some((runtime, worker)));
    let first = threads.next()?;
    if first.polling().is_some() {
        Some(first)
    } else {
        threads
            .find(|thread| thread.polling().is_some())
            .or(Some(first))
    }
}

#[cfg(target_has_atomic = "64")]
fn gauges(worker: usize, metrics: &RuntimeMetrics) -> Worker {
    let with_polls = Worker {
        index: worker as u32,
        busy_ns: u64::try_from(metrics.worker_total_busy_duration(worker).as_nanos())
            .unwrap_or(u64::MAX),
        parks: metrics.worker_park_count(worker),
        // Counted at park and at unpark: odd while parked.
        parked: metrics.worker_park_unpark_count(worker) % 2 == 1,
        ..Worker::default()
    };
    #[cfg(tokio_unstable)]
    let with_polls = Worker {
        polls: Some(metrics.worker_poll_count(worker)),
        local_queue_depth: Some(metrics.worker_local_queue_depth(worker) as u64),
        ..with_polls
    };
    with_polls
}

#[cfg(not(target_has_atomic = "64"))]
fn gauges(worker: usize, _metrics: &RuntimeMetrics) -> Worker {
    Worker {
        index: worker as u32,
        ..Worker::default()
    }
}

#[cfg(tokio_unstable)]
fn with_unstable(runtime: Runtime, metrics: &RuntimeMetrics) -> Runtime {
    Runtime {
        blocking_threads: Some(metrics.num_blocking_threads() as u64),
        idle_blocking_threads: Some(metrics.num_idle_blocking_threads() as u64),
        blocking_queue_depth: Some(metrics.blocking_queue_depth() as u64),
        ..runtime
    }
}

#[cfg(not(tokio_unstable))]
fn with_unstable(runtime: Runtime, _metrics: &RuntimeMetrics) -> Runtime {
    runtime
}

#[cfg(all(test, tokio_unstable))]
mod tests {
    use super::*;

    #[test]
    fn a_hook_that_never_fires_is_told_and_one_that_is_late_is_not() {
        let tokio = Counts {
            spawned: 300,
            polled: 500,
            ended: 290,
        };
        let told = |ours: Counts| hooks_that_do_not_fire(&tokio, &ours).unwrap_or_default();
        assert!(told(Counts::default()).contains("on_task_spawn does not"));
        assert!(
            told(Counts {
                spawned: 300,
                polled: 0,
                ended: 290
            })
            .contains("on_before_task_poll")
        );
        assert!(
            told(Counts {
                spawned: 300,
                polled: 500,
                ended: 0
            })
            .contains("on_task_terminate")
        );
        assert_eq!(
            told(Counts {
                spawned: 300,
                polled: 440,
                ended: 1
            }),
            ""
        );
        let young = Counts {
            spawned: 3,
            polled: 12,
            ended: 0,
        };
        assert_eq!(
            hooks_that_do_not_fire(
                &young,
                &Counts {
                    spawned: 3,
                    polled: 0,
                    ended: 0
                }
            ),
            None
        );
    }
}
