//! Why a thread did not get on: a verdict from two readings and the time between them.

use std::fmt;
use std::time::Duration;

use super::ThreadState;
use super::descriptor::Descriptor;
use super::parse::{Position, RunState};
use super::syscalls::{Family, SystemCall};

/// What held a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// It computed: on a processor at least half of the time.
    OnCpu,
    /// It would have run, but other threads had the processors at least half of the time.
    WaitingForCpu,
    /// It waited for time to pass.
    Sleep,
    /// It waited for another thread of the process: a lock, a channel, a join.
    Futex,
    /// It read, wrote or looked for a file.
    FileIo(Io),
    /// It waited for a socket.
    NetworkIo(Io),
    /// It waited for the other end of a pipe.
    PipeIo(Io),
    /// It waited for any of several descriptors.
    Poll(Io),
    /// It waited for a child process to start or to end.
    ChildWait,
    /// It waited for a page of memory to be brought, from the disk as a rule.
    PageFault,
    /// It waited in a system call of no family above.
    SystemCall(SystemCall),
    /// A file of `/proc` was unreadable, or the readings fit nothing.
    Unknown,
}

/// The system call of a [`Cause`] and what it worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Io {
    /// Which call.
    pub call: SystemCall,
    /// What its descriptors are; empty if it has none or they are unknown.
    pub on: Vec<Descriptor>,
}

impl Cause {
    /// Why the thread did not get on between two readings that lie `elapsed` apart.
    ///
    /// A call in which it waits at the second reading is held responsible for the whole time. That is certain if
    /// [`ThreadState::slept_until`] says so, and a sample otherwise.
    pub fn between(before: &ThreadState, after: &ThreadState, elapsed: Duration) -> Self {
        let half = elapsed / 2;
        let ran = before.ran_until(after);
        let (on_cpu, waiting) = ran.unwrap_or_default();
        let needed_disk =
            matches!((before.faults, after.faults), (Some(b), Some(a)) if a.major > b.major);
        if ran.is_some() && waiting >= half && waiting >= on_cpu {
            Self::WaitingForCpu
        } else if ran.is_some() && on_cpu >= half {
            Self::OnCpu
        } else if needed_disk {
            Self::PageFault
        } else {
            Self::now(after)
        }
    }

    /// What one reading alone tells. Of a running thread it cannot tell computing from waiting for a processor:
    /// unknown.
    pub fn now(state: &ThreadState) -> Self {
        match state.position {
            Position::InSystemCall { call, .. } => Self::in_call(call, &state.descriptors),
            Position::InFault { .. } if waits(state.run_state) => Self::PageFault,
            Position::InFault { .. } | Position::Running | Position::Unknown => Self::Unknown,
        }
    }

    /// What it means to be in a system call, or to be found just behind it while on a processor.
    pub fn in_call(call: SystemCall, on: &[Descriptor]) -> Self {
        let io = || Io {
            call,
            on: on.to_vec(),
        };
        match call.family() {
            Family::Sleep => Self::Sleep,
            Family::Futex => Self::Futex,
            Family::Child => Self::ChildWait,
            Family::File => Self::FileIo(io()),
            Family::Network => Self::NetworkIo(io()),
            Family::Poll => Self::Poll(io()),
            Family::Descriptor => match on.first() {
                Some(Descriptor::File(_) | Descriptor::Disk(_)) => Self::FileIo(io()),
                Some(Descriptor::Socket { .. }) => Self::NetworkIo(io()),
                Some(Descriptor::Pipe | Descriptor::Fifo(_)) => Self::PipeIo(io()),
                _ => Self::SystemCall(call),
            },
            Family::Other => Self::SystemCall(call),
        }
    }
}

/// A page of a file is waited for uninterruptibly, one that another thread has to bring (`userfaultfd`) is not. A stopped thread is in no
/// system call either.
fn waits(state: RunState) -> bool {
    matches!(state, RunState::Uninterruptible | RunState::Sleeping)
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnCpu => formatter.write_str("computing"),
            Self::WaitingForCpu => formatter.write_str("waiting for a processor"),
            Self::Sleep => formatter.write_str("sleeping"),
            Self::Futex => formatter.write_str("waiting for another thread"),
            Self::FileIo(io) | Self::NetworkIo(io) | Self::PipeIo(io) | Self::Poll(io) => {
                io.fmt(formatter)
            }
            Self::ChildWait => formatter.write_str("waiting for a child process"),
            Self::PageFault => formatter.write_str("waiting for a page of memory from the disk"),
            Self::SystemCall(call) => write_call(call, formatter),
            Self::Unknown => formatter.write_str("unknown"),
        }
    }
}

impl fmt::Display for Io {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_call(&self.call, formatter)?;
        for (index, descriptor) in self.on.iter().enumerate() {
            let between = if index == 0 { " on " } else { ", " };
            write!(formatter, "{between}{descriptor}")?;
        }
        Ok(())
    }
}

fn write_call(call: &SystemCall, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    match call.name() {
        Some(name) => formatter.write_str(name),
        None => write!(formatter, "system call {}", call.number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tid;
    use crate::kernel::{Faults, SchedTimes};

    const ELAPSED: Duration = Duration::from_millis(100);

    /// A thread that has run `on_cpu` and waited `waiting` milliseconds.
    fn reading(on_cpu: u64, waiting: u64, position: Position) -> ThreadState {
        ThreadState {
            tid: Tid::new(7).expect("positive"),
            run_state: if position == Position::Running {
                RunState::Running
            } else {
                RunState::Sleeping
            },
            position,
            wait_channel: None,
            times: Some(SchedTimes {
                on_cpu: Duration::from_millis(on_cpu),
                waiting_for_cpu: Duration::from_millis(waiting),
                switches: 5,
            }),
            faults: Some(Faults { minor: 0, major: 0 }),
            descriptors: Vec::new(),
        }
    }

    fn waits_in(name: &str) -> Position {
        let number = (0..500)
            .find(|&number| {
                SystemCall {
                    number,
                    arguments: [0; 6],
                }
                .name()
                    == Some(name)
            })
            .expect("a call of this platform's table");
        Position::InSystemCall {
            call: SystemCall {
                number,
                arguments: [0; 6],
            },
            sp: 0,
            pc: 0,
        }
    }

    fn cause(before: &ThreadState, after: &ThreadState) -> Cause {
        Cause::between(before, after, ELAPSED)
    }

    #[test]
    fn the_processor_it_used_or_lacked_decides_first() {
        let start = reading(0, 0, Position::Running);
        assert_eq!(
            cause(&start, &reading(90, 5, Position::Running)),
            Cause::OnCpu
        );
        assert_eq!(
            cause(&start, &reading(30, 65, Position::Running)),
            Cause::WaitingForCpu
        );
        assert_eq!(
            cause(&start, &reading(10, 10, Position::Running)),
            Cause::Unknown
        );
    }

    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    #[test]
    fn a_waiting_thread_is_judged_by_its_call_and_descriptor() {
        let start = reading(0, 0, Position::Running);
        assert_eq!(
            cause(&start, &reading(1, 0, waits_in("clock_nanosleep"))),
            Cause::Sleep
        );
        assert_eq!(
            cause(&start, &reading(1, 0, waits_in("futex"))),
            Cause::Futex
        );
        assert_eq!(
            cause(&start, &reading(1, 0, waits_in("wait4"))),
            Cause::ChildWait
        );
        let read = |descriptor| ThreadState {
            descriptors: vec![descriptor],
            ..reading(1, 0, waits_in("read"))
        };
        let on_file = cause(&start, &read(Descriptor::File("/var/data/big.csv".into())));
        assert!(matches!(on_file, Cause::FileIo(_)));
        assert_eq!(on_file.to_string(), "read on /var/data/big.csv");
        assert!(matches!(
            cause(&start, &read(Descriptor::Pipe)),
            Cause::PipeIo(_)
        ));
        assert!(matches!(
            cause(&start, &read(Descriptor::Socket { peer: None })),
            Cause::NetworkIo(_)
        ));
        let on_unknown = cause(&start, &read(Descriptor::Unknown(3)));
        assert!(
            matches!(on_unknown, Cause::SystemCall(_)),
            "a descriptor nobody knows is no verdict"
        );
    }

    #[test]
    fn unreadable_files_give_no_verdict() {
        let blind = ThreadState {
            run_state: RunState::Unknown,
            times: None,
            faults: None,
            ..reading(0, 0, Position::Unknown)
        };
        assert_eq!(cause(&blind, &blind), Cause::Unknown);
        let runs_without_times = ThreadState {
            times: None,
            ..reading(0, 0, Position::Running)
        };
        assert_eq!(
            cause(&runs_without_times, &runs_without_times),
            Cause::Unknown
        );
    }

    #[test]
    fn a_disk_read_behind_a_memory_access_is_a_page_fault() {
        let start = reading(0, 0, Position::Running);
        let rose = ThreadState {
            faults: Some(Faults { minor: 9, major: 3 }),
            ..reading(2, 1, Position::Running)
        };
        assert_eq!(cause(&start, &rose), Cause::PageFault);
        let sits = |run_state| ThreadState {
            run_state,
            ..reading(1, 0, Position::InFault { sp: 1, pc: 1 })
        };
        for waits in [RunState::Uninterruptible, RunState::Sleeping] {
            assert_eq!(cause(&start, &sits(waits)), Cause::PageFault);
        }
        assert_eq!(cause(&start, &sits(RunState::Stopped)), Cause::Unknown);
    }

    #[test]
    fn a_number_that_went_back_is_a_reused_thread_id_and_unknown() {
        assert_eq!(
            cause(
                &reading(50, 0, Position::Running),
                &reading(1, 0, Position::Running)
            ),
            Cause::Unknown
        );
    }
}
