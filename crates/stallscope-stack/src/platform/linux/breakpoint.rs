//! A hardware breakpoint on one thread, as an event of the kernel's performance counters that switches itself off at its first hit.

#![allow(unsafe_code)] // perf_event_open(2) has no wrapper in libc or std.

use std::fs::File;
use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, FromRawFd};

use crate::Tid;

/// What it is to stop at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    /// The thread executes the instruction at the address.
    Execution,
    /// It writes one of so many bytes from there on.
    Write(u64),
    /// It reads or writes one of them.
    Access(u64),
}

/// Makes one that does nothing yet.
pub(super) fn open(tid: Tid, address: u64, on: On) -> io::Result<File> {
    if is_filtered() {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "this process runs under a seccomp filter, which may kill for perf_event_open",
        ));
    }
    let attributes = Attributes::breakpoint(address, on);
    let (any_processor, no_group) = (-1, -1);
    // SAFETY: `attributes` is laid out as the kernel's `perf_event_attr` of the size it states, and outlives the call,
    // which only reads it.
    let descriptor = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            &raw const attributes,
            tid.number(),
            any_processor,
            no_group,
            CLOSE_ON_EXEC,
        )
    };
    let descriptor = i32::try_from(descriptor).unwrap_or(-1);
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor, and nobody else knows it.
    Ok(unsafe { File::from_raw_fd(descriptor) })
}

/// Switches it on until its first hit. Kernels differ in whether that works a second time.
pub(super) fn enable_once(event: &File) -> io::Result<()> {
    // SAFETY: this request takes a plain number, how many hits until the event is off again.
    match unsafe { libc::ioctl(event.as_raw_fd(), ENABLE_FOR, 1) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The first version of `perf_event_attr` that knows of breakpoints.
#[repr(C)]
#[derive(Default)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    breakpoint_kind: u32,
    breakpoint_address: u64,
    breakpoint_length: u64,
}

const KIND_BREAKPOINT: u32 = 5;
const ON_WRITE: u32 = 2;
const ON_ACCESS: u32 = 3;
const ON_EXECUTION: u32 = 4;
const SAMPLE_INSTRUCTION: u64 = 1;
const DISABLED: u64 = 1;
const EXCLUDE_KERNEL: u64 = 1 << 5;
const EXCLUDE_HYPERVISOR: u64 = 1 << 6;
const CLOSE_ON_EXEC: u64 = 1 << 3;
/// `PERF_EVENT_IOC_REFRESH`.
const ENABLE_FOR: libc::Ioctl = 0x2402;

impl Attributes {
    fn breakpoint(address: u64, on: On) -> Self {
        let (breakpoint_kind, breakpoint_length) = match on {
            // An instruction, as each processor wants it to be said.
            On::Execution if cfg!(target_arch = "x86_64") => (ON_EXECUTION, 8),
            On::Execution => (ON_EXECUTION, 4),
            On::Write(length) => (ON_WRITE, length),
            On::Access(length) => (ON_ACCESS, length),
        };
        Self {
            kind: KIND_BREAKPOINT,
            size: size_of::<Self>() as u32,
            sample_period: 1, // each hit is an overflow, and the first one switches the event off
            sample_type: SAMPLE_INSTRUCTION,
            flags: DISABLED | EXCLUDE_KERNEL | EXCLUDE_HYPERVISOR,
            wakeup_events: 1,
            breakpoint_kind,
            breakpoint_address: address,
            breakpoint_length,
            ..Self::default()
        }
    }
}

/// Whether system calls of this thread are filtered; also if that cannot be read.
fn is_filtered() -> bool {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let mode = status
        .lines()
        .find_map(|line| line.strip_prefix("Seccomp:"))
        .map(str::trim);
    mode != Some("0")
}
