//! All threads as text on standard error, at a signal, without any client.
//!
//! The handler stores a flag and rings the agent's bell; the agent's thread does the rest. So it works while every worker is stuck and
//! while no socket could be opened.
//!
//! Invariant: a signal that the application uses is never taken from it.

#[cfg(target_os = "linux")]
mod handler;
#[cfg(not(target_os = "linux"))]
#[path = "no_handler.rs"]
mod handler;
mod out;
mod signal;
mod text;

pub(crate) use self::handler::{is_wanted, listen_for};
pub(crate) use self::out::to_stderr;
pub(crate) use self::signal::Signal;
pub(crate) use self::text::of;
