//! A copied stack: bytes and registers, not yet understood.

use std::time::{Duration, Instant};

use crate::Tid;
use crate::kernel::Io;

/// Where a thread's stack lies: addresses `low..high`, growing down from `high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StackBounds {
    /// Lowest address that may be in use.
    pub low: u64,
    /// First address above.
    pub high: u64,
}

impl StackBounds {
    /// Whether an address lies inside.
    pub fn contains(self, address: u64) -> bool {
        (self.low..self.high).contains(&address)
    }
}

/// The registers a walk starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Registers {
    /// Program counter.
    pub pc: u64,
    /// Stack pointer.
    pub sp: u64,
    /// Frame pointer (rbp, x29); `None` for a waiting thread, whose registers the kernel shows only in part.
    pub fp: Option<u64>,
    /// Link register (x30); `None` where the processor has none, or as above.
    pub lr: Option<u64>,
}

/// How a stack was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// The thread waited and was not touched.
    Untouched,
    /// The thread ran and copied its stack itself, in a signal handler.
    Interrupted {
        /// When. A thread inside the kernel answers on its way out: that may be long after it was asked.
        at: Instant,
        /// How long the handler held it; entering and leaving the kernel (about 1 µs) not counted.
        pause: Duration,
        /// The system call the thread had just come out of: see [`RawStack::just_left`].
        behind: Option<Io>,
    },
}

/// The stack of a thread at one moment, as bytes: see [`crate::Unwinder`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawStack {
    /// Whose stack.
    pub tid: Tid,
    /// Where a walk starts.
    pub registers: Registers,
    /// The stack from the stack pointer upwards.
    pub bytes: Vec<u8>,
    /// The stack was deeper than the buffer: the outermost frames are missing.
    pub truncated: bool,
    /// How it was copied.
    pub method: Method,
}

impl RawStack {
    /// The system call an interrupted thread had just come out of, if its last instruction was one, and what it was on.
    ///
    /// The kernel delivers a signal on the way back to user code, so a thread that computes inside the kernel (reading
    /// a file that is in memory, say) is found here, one instruction behind its call: `Cause::in_call` tells what that
    /// means. On aarch64 the descriptor is unknown. `None` for a thread that waited:
    /// [`crate::kernel::ThreadState`] knows its call.
    pub fn just_left(&self) -> Option<&Io> {
        match &self.method {
            Method::Interrupted { behind, .. } => behind.as_ref(),
            Method::Untouched => None,
        }
    }

    /// The 8 bytes at an address of the stack.
    pub(crate) fn word(&self, address: u64) -> Option<u64> {
        let offset = usize::try_from(address.checked_sub(self.registers.sp)?).ok()?;
        let bytes = self.bytes.get(offset..offset.checked_add(8)?)?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stack(sp: u64, bytes: Vec<u8>) -> RawStack {
        RawStack {
            tid: Tid::new(1).expect("positive"),
            registers: Registers {
                pc: 0,
                sp,
                fp: None,
                lr: None,
            },
            bytes,
            truncated: false,
            method: Method::Untouched,
        }
    }

    #[test]
    fn words_are_read_where_they_stood() {
        let stack = stack(0x1000, [7_u64.to_le_bytes(), 9_u64.to_le_bytes()].concat());
        assert_eq!((stack.word(0x1000), stack.word(0x1008)), (Some(7), Some(9)));
        assert_eq!((stack.word(0xfff), stack.word(0x1009)), (None, None));
    }

    proptest! {
        #[test]
        fn no_address_reads_outside_the_copy(sp: u64, address: u64, length in 0usize..64) {
            let stack = stack(sp, vec![1; length]);
            let inside = address.checked_sub(sp).is_some_and(|offset| offset.saturating_add(8) <= length as u64);
            prop_assert_eq!(stack.word(address).is_some(), inside);
        }
    }
}
