//! Copying the stack of another thread: without touching it if it waits, by one signal if it runs.

mod handle;
mod raw;

use std::fmt;
use std::time::Duration;

pub use handle::{Registration, ThreadHandle};
pub use raw::{Method, RawStack, Registers, StackBounds};

use crate::platform;

/// How long [`capture`] tries.
const LIMIT: Duration = Duration::from_millis(20);

/// Copies registers and stack of a registered thread, or says within 20 ms why not.
///
/// May be called from any thread but the one in question, also from several at once.
///
/// # Errors
/// See [`CaptureError`]; all of them leave the thread as it was.
pub fn capture(thread: &ThreadHandle) -> Result<RawStack, CaptureError> {
    capture_within(thread, LIMIT)
}

/// The same with a limit of one's own: a running thread that shares its processor with many others answers late.
///
/// # Errors
/// As [`capture`].
pub fn capture_within(thread: &ThreadHandle, limit: Duration) -> Result<RawStack, CaptureError> {
    platform::capture_within(thread, limit)
}

/// Why there is no stack.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CaptureError {
    /// The platform is not supported.
    NotAvailableHere,
    /// The thread has ended.
    ThreadEnded,
    /// A thread cannot capture itself.
    OwnThread,
    /// The thread moves between running and waiting faster than it can be looked at: it is not stuck.
    KeepsMoving,
    /// A file that the capture depends on could not be read or understood.
    Unreadable {
        /// Its name under `/proc/self/task/<tid>/`.
        file: &'static str,
    },
    /// Its stack pointer lies outside the stack it was registered with: it runs on a stack of its own making.
    ForeignStack,
    /// The kernel would not copy its stack.
    StackUnreadable,
    /// It runs and blocks `SIGURG`, so it cannot be interrupted.
    SignalBlocked,
    /// Something replaced our handler of `SIGURG` after it had been installed.
    HandlerReplaced,
    /// The system refused a handler or a timer: the call and the error number.
    Refused {
        /// The system call.
        call: &'static str,
        /// Its `errno`.
        errno: i32,
    },
    /// It runs, but did not answer the signal in time: it got no processor, or stayed in the kernel.
    NoAnswer {
        /// How long it was waited for.
        waited: Duration,
    },
    /// Too many captures of running threads at once.
    Busy,
}

impl CaptureError {
    /// Whether another try may do better: the thread moved, or was kept from answering. The rest lies in the machine or the process.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::KeepsMoving
            | Self::ForeignStack
            | Self::SignalBlocked
            | Self::NoAnswer { .. }
            | Self::Busy => true,
            Self::NotAvailableHere
            | Self::ThreadEnded
            | Self::OwnThread
            | Self::Unreadable { .. }
            | Self::StackUnreadable
            | Self::HandlerReplaced
            | Self::Refused { .. } => false,
        }
    }
}

impl fmt::Display for CaptureError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAvailableHere => {
                formatter.write_str("stacks of other threads are not available here: Linux x86-64 or aarch64 is needed")
            }
            Self::ThreadEnded => formatter.write_str("the thread has ended"),
            Self::OwnThread => formatter.write_str("a thread cannot capture itself: call capture from another"),
            Self::KeepsMoving => {
                formatter.write_str("the thread moved at every look: it is not stuck; capture it again later")
            }
            Self::Unreadable { file } => {
                write!(formatter, "/proc/self/task/<tid>/{file} cannot be read: is /proc mounted without restrictions?")
            }
            Self::ForeignStack => formatter.write_str(
                "the thread runs on another stack than the one it was registered with, as stackful coroutines do",
            ),
            Self::StackUnreadable => formatter.write_str(
                "the kernel refused to copy the stack: is process_vm_readv forbidden by a seccomp filter?",
            ),
            Self::SignalBlocked => {
                formatter.write_str("the thread runs and blocks SIGURG: unblock it to see running threads")
            }
            Self::HandlerReplaced => formatter.write_str(
                "the handler of SIGURG was replaced by other code of this process: let that code pass foreign signals on",
            ),
            Self::Refused { call, errno } => {
                write!(formatter, "{call} was refused: {}", std::io::Error::from_raw_os_error(*errno))
            }
            Self::NoAnswer { waited } => write!(
                formatter,
                "the thread did not answer within {} ms: it got no processor, or stayed in the kernel",
                waited.as_millis()
            ),
            Self::Busy => formatter.write_str("too many captures of running threads at once: try again"),
        }
    }
}

impl std::error::Error for CaptureError {}
