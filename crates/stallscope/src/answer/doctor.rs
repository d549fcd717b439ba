//! What is well, what is missing, and what to do about it.

use std::sync::atomic::Ordering;

use stallscope_stack::kernel::ThreadState;
use stallscope_wire::message::{Doctor, DoctorEntry, Level, TierState};

use super::overview::tiers;
use crate::agent;
use crate::config::{Complaint, KNOBS};
use crate::control::{HANDLES, MOST_REGISTERED};
use crate::ended::ENDED;
use crate::entry::allow;
use crate::recorder::RECORDER;
use crate::runtimes::RUNTIMES;
use crate::sync::CONFLICTS;
use crate::sync::memory::{self, ADVICE, State};

pub(super) fn doctor(complaints: &[Complaint], in_place: u64) -> Doctor {
    let mut entries = Vec::new();
    entries.extend(tiers().into_iter().map(|tier| {
        let level = match tier.state() {
            TierState::On => Level::Ok,
            TierState::Degraded => Level::Warning,
            _ => Level::Info,
        };
        entry(
            level,
            &tier.name,
            &format!("{}: {}", tier.state().as_str(), tier.note),
            "",
        )
    }));
    entries.push(socket());
    entries.extend(complaints.iter().map(|complaint| {
        entry(
            Level::Warning,
            "config",
            &complaint.0,
            "correct or remove the variable and restart the application",
        )
    }));
    entries.extend(
        KNOBS
            .iter()
            .filter(|knob| std::env::var_os(knob.variable).is_some())
            .map(|knob| {
                // The token is a secret, so no value is shown.
                let message = format!(
                    "{} is set ({}; default {})",
                    knob.variable, knob.values, knob.default
                );
                entry(Level::Ok, "config", &message, knob.meaning)
            }),
    );
    entries.extend(losses());
    entries.push(stacks());
    entries.extend(one_poll());
    entries.extend(watched_memory(memory::state()));
    entries.extend(intended(in_place));
    entries.extend(panics());
    entries.extend(refused());
    let clock = RECORDER.clock().source();
    entries.push(entry(
        Level::Ok,
        "clock",
        &format!("times are read from {clock}"),
        "",
    ));
    entries.push(fence());
    Doctor { entries }
}

fn socket() -> DoctorEntry {
    let status = agent::current_status();
    match (status.problem, status.listening) {
        (Some(problem), _) => entry(Level::Warning, "socket", &problem, "see the message"),
        (None, Some(place)) => entry(
            Level::Ok,
            "socket",
            &format!("clients connect at {place}"),
            "",
        ),
        (None, None) => entry(
            Level::Warning,
            "socket",
            "not listening",
            "see the config entries",
        ),
    }
}

fn stacks() -> DoctorEntry {
    match stallscope_stack::availability() {
        here if here.is_available()
            && let Some(file) = ThreadState::unreadable() =>
        {
            entry(
                Level::Warning,
                "stacks",
                &format!(
                    "/proc/self/task/TID/{file} cannot be read: what a stalled thread waits for, and at which line, is unknown"
                ),
                "mount /proc; if the program sets PR_SET_DUMPABLE to 0, let it not",
            )
        }
        here if here.is_available() => entry(
            Level::Ok,
            "stacks",
            "a stalled thread's stack and kernel state can be read",
            "",
        ),
        _ => entry(
            Level::Info,
            "stacks",
            "not available on this platform: long polls are counted, without line and cause",
            "",
        ),
    }
}

/// How long polls are told from many short ones where no hook tells; nothing if all runtimes have hooks.
fn one_poll() -> Option<DoctorEntry> {
    let unhooked = || RUNTIMES.iter().any(|(_, watched)| !watched.is_hooked());
    let thread = stallscope_stack::Tid::current().filter(|_| unhooked())?;
    // Any instruction does: this thread takes the breakpoint away at once.
    let somewhere = one_poll as fn() -> Option<DoctorEntry> as usize as u64;
    Some(match stallscope_stack::Tripwire::lay(thread, somewhere) {
        Ok(_) => entry(
            Level::Ok,
            "one poll",
            "without hooks, a hardware breakpoint tells one long poll from many short ones",
            "",
        ),
        Err(error) => entry(
            Level::Info,
            "one poll",
            &format!(
                "no hardware breakpoints ({error}): without hooks, a poll that computes is a finding only after ten thresholds, \
                 and only as likely"
            ),
            "build with `--cfg tokio_unstable`, or allow perf_event_open (no seccomp filter, kernel.perf_event_paranoid at most 2)",
        ),
    })
}

/// What becomes of the bytes given to `watch_memory`; nothing if there are none.
fn watched_memory(state: State) -> Option<DoctorEntry> {
    let regions = |count: usize| match count {
        1 => "1 region is registered".to_owned(),
        _ => format!("{count} regions are registered"),
    };
    let (level, message, advice) = match state {
        State::Unused => return None,
        State::On {
            regions: count,
            rounds,
            holds,
        } => (
            Level::Ok,
            format!(
                "{} with watch_memory, and watched by the hardware: {rounds} rounds so far, a thread was held in {holds}",
                regions(count)
            ),
            "",
        ),
        State::Off(count) => (
            Level::Info,
            format!("{} with watch_memory, and not watched", regions(count)),
            "set STALLSCOPE_MEMORY_WATCH=on and restart the application",
        ),
        State::Refused(count, why) => (
            Level::Warning,
            format!(
                "{} with watch_memory, and not watched: no hardware watchpoints ({why})",
                regions(count)
            ),
            ADVICE,
        ),
    };
    Some(entry(level, "memory watch", &message, advice))
}

/// Long polls of which no finding was made because the application said so.
fn intended(in_place: u64) -> Vec<DoctorEntry> {
    let in_place = Some(in_place).filter(|count| *count > 0).map(|count| {
        entry(
            Level::Info,
            "intended",
            &format!("{count} long polls had handed their worker on (block_in_place)"),
            "",
        )
    });
    let allowed = allow::intended().into_iter().map(|(why, count, longest)| {
        let message = format!(
            "allowed {count} times, for up to {} ms: {why}",
            longest.as_millis()
        );
        entry(Level::Info, "intended", &message, "")
    });
    allowed.chain(in_place).collect()
}

/// Tasks that panicked. Whether anybody has awaited their handles is not visible, so this blames nobody; but perhaps nobody knows.
fn panics() -> Option<DoctorEntry> {
    let count = Some(ENDED.counts().panicked).filter(|count| *count > 0)?;
    let message = match count {
        1 => "1 task spawned through stallscope has panicked".to_owned(),
        _ => format!("{count} tasks spawned through stallscope have panicked"),
    };
    Some(entry(
        Level::Info,
        "panics",
        &message,
        "`stallscope ps --ended` lists the latest; a JoinHandle that nobody awaits keeps its task's panic to itself",
    ))
}

/// Tasks that cannot be aborted although the application wanted that.
fn refused() -> Option<DoctorEntry> {
    let count = Some(HANDLES.refused()).filter(|count| *count > 0)?;
    let message = format!(
        "{count} handles given to stallscope::cancellable found no room: {MOST_REGISTERED} are kept"
    );
    Some(entry(
        Level::Info,
        "control",
        &message,
        "spawn such tasks by stallscope::spawn: their handles are all kept",
    ))
}

fn losses() -> Vec<DoctorEntry> {
    let losses = RECORDER.losses();
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let full = u64::from(RECORDER.sites_are_full());
    [
        (
            count(&losses.memory),
            "tasks are not shown: the system had no memory for their records",
            "free memory",
        ),
        (
            count(&losses.window),
            "tasks are not shown: 67 million ids are alive at once, more than can be told apart",
            "",
        ),
        (
            count(&losses.roots),
            "root futures are not shown: more than 64 run at once",
            "",
        ),
        (
            full,
            "limit of 4095 spawn places reached: tasks of further places are shown without one",
            "",
        ),
        (
            CONFLICTS.dropped(),
            "sights of unsynchronised state were not kept: too many at one time; their findings count too few",
            "mend those that are told",
        ),
    ]
    .into_iter()
    .filter(|(count, ..)| *count > 0)
    .map(|(count, what, advice)| {
        entry(
            Level::Warning,
            "recorder",
            &format!("{count} {what}"),
            advice,
        )
    })
    .collect()
}

fn fence() -> DoctorEntry {
    if RECORDER.has_cheap_fence() {
        entry(
            Level::Ok,
            "fence",
            "records can be moved without a fence on the poll path",
            "",
        )
    } else {
        let message =
            "membarrier(2) is not available: each poll pays a memory fence of its own, some 5 ns";
        entry(
            Level::Info,
            "fence",
            message,
            "allow the system call in the container's seccomp profile",
        )
    }
}

fn entry(level: Level, topic: &str, message: &str, advice: &str) -> DoctorEntry {
    DoctorEntry {
        level: level.into(),
        topic: topic.to_owned(),
        message: message.to_owned(),
        advice: advice.to_owned(),
    }
}
