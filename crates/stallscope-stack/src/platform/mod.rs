//! What depends on the machine, behind one door: the only `cfg` on a platform in this crate.
//!
//! Both sides offer the same items; nothing outside this module names an operating system or a processor.

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod linux;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
use linux as here;

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
mod elsewhere;
#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
use elsewhere as here;

pub(crate) use here::{
    SymbolSource, Walker, Watch, Wire, call_off, capture_within, cpu_time, current_stack,
    current_tid, peer_of, read_poll_set, unwind_tables_at,
};

/// Whether stacks can be had on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Availability {
    /// Everything works.
    Available,
    /// Nothing but the pure parts: the reason, one sentence.
    NotHere(&'static str),
}

impl Availability {
    /// Whether captures can succeed at all.
    pub fn is_available(self) -> bool {
        self == Self::Available
    }
}

/// Whether stacks can be had on this machine. One thread may still be out of reach: see [`crate::CaptureError`].
pub fn availability() -> Availability {
    here::AVAILABILITY
}
