//! Linux on x86-64 and aarch64.

mod arch;
mod breakpoint;
mod calls;
mod capture;
mod code;
mod eh_frame;
mod guess;
mod handler;
mod mailbox;
mod memory;
mod modules;
#[cfg(feature = "symbols")]
mod object_file;
mod running;
mod signal_safe;
mod sockets;
#[cfg(feature = "symbols")]
mod split;
#[cfg(feature = "symbols")]
mod symbols;
#[cfg(not(feature = "symbols"))]
#[path = "no_symbols.rs"]
mod symbols;
mod thread;
mod timer;
mod untabled;
mod waiting;
mod walk;
mod watchpoint;
mod wire;

use super::Availability;

pub(crate) use capture::capture_within;
pub(crate) use eh_frame::tables as unwind_tables_at;
pub(crate) use sockets::{peer_of, read_poll_set};
pub(crate) use symbols::SymbolSource;
pub(crate) use thread::{cpu_time, current_stack, current_tid};
pub(crate) use walk::Walker;
pub(crate) use watchpoint::{Watch, call_off};
pub(crate) use wire::Wire;

pub(super) const AVAILABILITY: Availability = Availability::Available;

/// More of a stack is not copied: some thousand frames.
const MOST_COPIED: usize = 512 * 1024;
