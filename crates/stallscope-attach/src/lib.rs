//! The tasks and async stacks of another process that runs tokio, from its memory and its debug information.
//!
//! Nothing is needed in that process: no line of code, no flag of tokio, no stop. What is needed is its debug information
//! (`debug = 2`), in the binary or beside it, and the right to read its memory.

pub mod debug;
mod error;
mod mapped;
pub mod memory;
mod process;
mod signal;
#[cfg(target_os = "linux")]
mod system;
pub mod tasks;
pub mod threads;
pub mod watch;

pub use error::Error;
pub use process::{Options, Process, Target};
pub use signal::Signal;
