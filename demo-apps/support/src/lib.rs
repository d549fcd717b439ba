//! What the three demo services share: their command line's manners, their log, their faults, and when to stop.
//!
//! Nothing here spawns a task, so that every task of a demo has its spawn place in the demo's own source.

mod arguments;
mod duration;
mod fault;
mod listen;
mod log;
mod outcome;
#[cfg(feature = "session")]
mod session;
mod stop;

pub use arguments::arguments;
pub use duration::{InvalidDuration, duration};
pub use fault::Chosen;
pub use listen::listen;
pub use log::log_to_stderr;
pub use outcome::report;
#[cfg(all(feature = "session", target_os = "linux"))]
pub use session::Cost;
#[cfg(feature = "session")]
pub use session::{
    Demo, Durations, Ended, Finding, Frame, Kind, Line, Outside, Session, Stack, Task, Tree, Waits,
    awaits_in, eventually, fault_line_in, place_in, published,
};
pub use stop::{Stopped, stop_signal};

use std::time::Duration;

/// Time between two summary lines in the log.
pub const SUMMARY_PERIOD: Duration = Duration::from_secs(5);

/// How long a service that stops waits for work in flight before it aborts it.
pub const DRAIN_LIMIT: Duration = Duration::from_secs(10);
