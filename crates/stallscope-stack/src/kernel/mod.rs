//! What the kernel says about a thread: running or waiting, in which system call, for what.
//!
//! ```
//! use stallscope_stack::{Tid, kernel::{Cause, ThreadState}};
//!
//! # let tid = Tid::new(1).unwrap();
//! let before = ThreadState::read(tid);
//! # let elapsed = std::time::Duration::from_millis(10);
//! // … a little later …
//! let after = ThreadState::read(tid);
//! println!("{}", Cause::between(&before, &after, elapsed));
//! ```
//!
//! Everything comes from `/proc/self/task/<tid>/`, which a process may always read of itself, also without any
//! capability; of a thread of another process ([`ThreadState::read_of`]) from `/proc/<pid>/task/<tid>/`, as far as that
//! may be read. The thread is neither stopped nor signalled and does not notice. A file that cannot be read (another
//! platform, a restricted `/proc`, a thread that has ended) makes its answer unknown, never a verdict.

mod cause;
pub(crate) mod descriptor;
mod parse;
mod syscalls;

use std::fs;
use std::time::Duration;

pub use cause::{Cause, Io};
pub use descriptor::Descriptor;
pub use parse::{Faults, Position, RunState, SchedTimes};
pub use syscalls::{Family, SystemCall};

use crate::{Tid, platform};

/// One reading of the kernel's view of a thread.
///
/// The parts are read one after the other, some 20 µs apart: of a thread that moves they may disagree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadState {
    /// Whose reading this is.
    pub tid: Tid,
    /// The scheduler's state.
    pub run_state: RunState,
    /// Where the thread stands: in user code, in a system call, in a page fault.
    pub position: Position,
    /// The kernel function the thread waits in; `None` if it does not wait or this is unknown.
    pub wait_channel: Option<String>,
    /// Processor time, run-queue time and switches since the thread began; `None` if unknown.
    pub times: Option<SchedTimes>,
    /// Page faults since the thread began; `None` if unknown.
    pub faults: Option<Faults>,
    /// What the system call's file descriptors are: one for `read`, up to four for `poll`; empty if it has none.
    pub descriptors: Vec<Descriptor>,
}

impl ThreadState {
    /// Reads the state of a thread of this process: four small files, some 20 to 100 µs.
    pub fn read(tid: Tid) -> Self {
        let position = Self::read_position(tid);
        Self {
            times: Self::read_times(tid),
            descriptors: descriptor::of(&position),
            ..Self::from_files(tid, position, |file| read(tid, file))
        }
    }

    /// Reads the state of a thread of another process, by that process's number.
    ///
    /// Less is known of it than of a thread of this one: the peer of a socket and the descriptors of a `poll` are not, and
    /// the time on a processor of a running thread is as of the last tick. Where it stands is told only to who may trace it.
    pub fn read_of(process: u32, tid: Tid) -> Self {
        let read = |file: &str| read_of(process, tid, file);
        // Before the position: two readings with the same count of switches prove that it slept on since the first position.
        let times = read("schedstat").as_deref().and_then(parse::sched_times);
        let position = read("syscall")
            .as_deref()
            .map_or(Position::Unknown, parse::position);
        Self {
            times,
            descriptors: descriptor::in_process(process, &position),
            ..Self::from_files(tid, position, read)
        }
    }

    /// All but times and descriptors, from the files of its directory by name.
    fn from_files(tid: Tid, position: Position, read: impl Fn(&str) -> Option<String>) -> Self {
        let stat = read("stat");
        Self {
            tid,
            run_state: stat.as_deref().map_or(RunState::Unknown, parse::run_state),
            position,
            wait_channel: read("wchan").as_deref().and_then(parse::wait_channel),
            times: None,
            faults: stat.as_deref().and_then(parse::faults),
            descriptors: Vec::new(),
        }
    }

    /// The first file that a process may not read of its own threads, or that is not there, by its name; `None` if nothing is missing.
    ///
    /// Because `/proc` is restricted, or because the process may not be dumped and has no privileges.
    pub fn unreadable() -> Option<&'static str> {
        let own = Tid::current();
        ["syscall", "stat", "schedstat"]
            .into_iter()
            .find(|file| own.is_none_or(|own| read(own, file).is_none()))
    }

    /// Only where the thread stands: one file.
    pub fn read_position(tid: Tid) -> Position {
        read(tid, "syscall")
            .as_deref()
            .map_or(Position::Unknown, parse::position)
    }

    /// Only its times: one file and one clock.
    pub fn read_times(tid: Tid) -> Option<SchedTimes> {
        let times = read(tid, "schedstat")
            .as_deref()
            .and_then(parse::sched_times)?;
        // The file tells a running thread's time as of the last tick, the clock as of now.
        let on_cpu = platform::cpu_time(tid).unwrap_or(times.on_cpu);
        Some(SchedTimes { on_cpu, ..times })
    }

    /// Whether the thread was off the processor all the time from this reading to a later one; `None` if unknown.
    ///
    /// True proves that it still sits where it sat: nothing of its code ran in between.
    pub fn slept_until(&self, later: &Self) -> Option<bool> {
        let (before, after) = (self.times?, later.times?);
        let asleep = matches!(
            self.run_state,
            RunState::Sleeping | RunState::Uninterruptible
        );
        Some(asleep && before.switches == after.switches)
    }

    /// What it did between this reading and a later one: (on a processor, waiting for one); `None` if unknown.
    pub fn ran_until(&self, later: &Self) -> Option<(Duration, Duration)> {
        let (before, after) = (self.times?, later.times?);
        Some((
            after.on_cpu.checked_sub(before.on_cpu)?,
            after.waiting_for_cpu.checked_sub(before.waiting_for_cpu)?,
        ))
    }
}

/// Whether the thread blocks a signal; `None` if unknown.
pub(crate) fn blocks_signal(tid: Tid, signal: i32) -> Option<bool> {
    let mask = parse::blocked_signals(&read(tid, "status")?)?;
    let bit = u32::try_from(signal).ok()?.checked_sub(1)?;
    Some(mask.checked_shr(bit)? & 1 == 1)
}

/// `None` for every reason a file may have not to be readable.
fn read(tid: Tid, file: &str) -> Option<String> {
    fs::read_to_string(format!("/proc/self/task/{tid}/{file}")).ok()
}

/// The same of another process. The name in `stat` is that program's choice, so it need not be UTF-8.
fn read_of(process: u32, tid: Tid, file: &str) -> Option<String> {
    let bytes = fs::read(format!("/proc/{process}/task/{tid}/{file}")).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(all(
    test,
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_of_another_process_is_seen_in_its_call() {
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .expect("cat");
        let tid = Tid::new(child.id().cast_signed()).expect("positive");
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        let state = loop {
            let state = ThreadState::read_of(child.id(), tid);
            let reads = matches!(state.position, Position::InSystemCall { call, .. } if call.name() == Some("read"));
            if reads && state.descriptors == [Descriptor::Pipe]
                || std::time::Instant::now() > deadline
            {
                break state;
            }
            std::thread::yield_now();
        };
        drop(child.stdin.take());
        let _ = child.wait();
        assert_eq!(state.descriptors, [Descriptor::Pipe], "{state:?}");
        assert!(state.times.is_some(), "{state:?}");
        assert_eq!(
            ThreadState::read_of(child.id(), tid).run_state,
            RunState::Unknown
        );
    }
}
