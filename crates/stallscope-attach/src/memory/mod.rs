//! What a process is made of, for who reads it: bytes at addresses, areas, threads.
//!
//! [`Live`] is a running process, [`Core`] a core file, [`Image`] one made by a test or recorded from another.

#[cfg(all(test, target_os = "linux"))]
mod child;
mod core;
pub(crate) mod elf;
pub(crate) mod executable;
mod image;
#[cfg(target_os = "linux")]
mod live;
#[cfg(not(target_os = "linux"))]
#[path = "elsewhere.rs"]
mod live;
#[cfg(target_os = "linux")]
mod maps;
#[cfg(target_os = "linux")]
mod permission;
#[cfg(target_os = "linux")]
mod present;
mod reader;
#[cfg(target_os = "linux")]
mod thread_pointer;

use stallscope_stack::kernel::{Position, RunState, ThreadState};

use crate::Signal;

pub use self::core::Core;
pub use executable::{Executable, build_id};
pub use image::{Image, Recorder};
pub use live::Live;
pub use reader::{Changes, Reader};

/// A process, a core file or an image made by a test.
///
/// All of it is input from outside: it may change while it is read, and it may lie.
pub trait Memory {
    /// Fill `into` with the bytes at `address`, all of it or nothing.
    ///
    /// # Errors
    /// If any of these bytes cannot be read.
    fn read(&self, address: u64, into: &mut [u8]) -> Result<(), Unreadable>;

    /// The areas that are mapped now, in order of address.
    fn areas(&self) -> Vec<Area>;

    /// The stretches of an area that hold anything, start and end, in order: the rest was never touched, and is not to be read.
    fn stretches(&self, area: &Area) -> Vec<(u64, u64)> {
        vec![(area.start, area.end)]
    }

    /// The threads there are now.
    fn threads(&self) -> Vec<Thread>;

    /// The threads there are now, of which no more than the number and the thread pointer need be known: as cheap as can be.
    fn listed(&self) -> Vec<Thread> {
        self.threads()
    }

    /// Whether the process is there still. What stands still is.
    fn lasts(&self) -> bool {
        true
    }

    /// A thread once more. `None`: it has ended. Of what stands still it is the same.
    fn again(&self, thread: &Thread) -> Option<Thread> {
        Some(thread.clone())
    }
}

/// The name of the area that is the kernel's own page of code.
pub(crate) const VDSO: &str = "[vdso]";

/// Nothing can be read at that address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable(pub u64);

/// A stretch of addresses with one source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Area {
    /// Its first address.
    pub start: u64,
    /// The first address behind it.
    pub end: u64,
    /// Whether the process can write there.
    pub writable: bool,
    /// Offset in the file it shows.
    pub file_offset: u64,
    /// The path of the file it shows, `[heap]`, `[stack]`, or empty.
    pub name: String,
}

/// A thread of the process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Thread {
    /// Its number.
    pub tid: u32,
    /// Its name, as the kernel has it (at most 15 bytes). Empty in a core file, but for the process's own.
    pub name: String,
    /// Where its thread-local storage is (x86-64: `fs_base`; aarch64: `tpidr_el0`), if that can be known.
    pub thread_pointer: Option<u64>,
    /// Its frame pointer register, which a core file has and the kernel tells of a live thread only to a debugger.
    pub frame_pointer: Option<u64>,
    /// Its link register, which aarch64 has; known as the frame pointer is.
    pub link_register: Option<u64>,
    /// The signal that ended the process, if this is the thread that got it. Only in a core file.
    pub killed_by: Option<Signal>,
    /// Its state, its system call with stack pointer and program counter, its times. `None`: nothing is known of them.
    pub kernel: Option<ThreadState>,
}

impl Thread {
    /// Where it stands: in which system call, with which stack pointer and program counter.
    pub fn position(&self) -> Position {
        self.kernel
            .as_ref()
            .map_or(Position::Unknown, |kernel| kernel.position)
    }

    /// What the scheduler does with it.
    pub fn run_state(&self) -> RunState {
        self.kernel
            .as_ref()
            .map_or(RunState::Unknown, |kernel| kernel.run_state)
    }

    /// Its stack pointer. `None`: it runs, or nothing is known.
    pub fn stack_pointer(&self) -> Option<u64> {
        match self.position() {
            Position::InSystemCall { sp, .. } | Position::InFault { sp, .. } => Some(sp),
            Position::Running | Position::Unknown => None,
        }
    }
}
