//! What depends on the processor: its registers, its calls, its frames. The same items in each file.

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "aarch64")]
use aarch64 as here;
#[cfg(target_arch = "x86_64")]
use x86_64 as here;

pub(super) use here::{
    Start, at_access, call_before, exact_start, frame_pointer, jump_at, just_left, likely_starts,
    registers, unwind_registers,
};

/// What the instruction before a return address called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Called {
    /// The function at this address, or a stub that leads there.
    Direct(u64),
    /// The function whose address stands at this address.
    #[cfg_attr(
        target_arch = "aarch64",
        expect(dead_code, reason = "no such call there")
    )]
    Through(u64),
    /// A function whose address was in a register, or nobody can tell.
    Unknown,
    /// It was no call: this is no return address.
    Nothing,
}
