//! A breakpoint that sends its thread a signal, and a page in which the kernel notes at which instruction it was hit.

#![allow(unsafe_code)] // The page is mapped, and read from a signal handler by its address.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::breakpoint::{self, On};
use super::super::handler;
use crate::Tid;

/// Both are as large as the machine's pages are.
#[derive(Debug)]
pub(super) struct Event {
    page: Page,
    file: File,
}

#[derive(Debug)]
struct Page {
    address: *mut libc::c_void,
    length: usize,
}

/// Where a handler finds an event: as plain numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) descriptor: i32,
    pub(super) page: usize,
    pub(super) data: usize,
}

// SAFETY: the mapping belongs to the process, not to a thread, and nothing is done with it here but to unmap it once.
unsafe impl Send for Page {}

impl Event {
    /// Not switched on yet.
    pub(super) fn open(tid: Tid, address: u64, on: On) -> io::Result<Self> {
        let file = breakpoint::open(tid, address, on)?;
        let page = Page::of(&file)?;
        signal_to(&file, tid)?;
        Ok(Self { page, file })
    }

    pub(super) fn enable_once(&self) -> io::Result<()> {
        breakpoint::enable_once(&self.file)
    }

    pub(super) fn source(&self) -> Source {
        let page = self.page.address.expose_provenance();
        Source {
            descriptor: self.file.as_raw_fd(),
            page,
            data: page.saturating_add(self.page.length / 2),
        }
    }
}

impl Page {
    /// The kernel's notes: one page about them, one with them.
    fn of(file: &File) -> io::Result<Self> {
        // SAFETY: takes a number, returns one.
        let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096);
        let length = 2 * page;
        // SAFETY: a new mapping of a file, anywhere.
        let address = unsafe {
            libc::mmap(
                ptr::null_mut(),
                length,
                libc::PROT_READ,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { address, length })
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: mapped by us, by this address and length; handlers do not look any more (see `Watched::let_go`).
        unsafe { libc::munmap(self.address, self.length) };
    }
}

/// Has hits signalled to the thread that it watches, and to no other.
fn signal_to(file: &File, tid: Tid) -> io::Result<()> {
    /// `struct f_owner_ex`
    #[repr(C)]
    struct Owner {
        kind: libc::c_int,
        pid: libc::pid_t,
    }
    const OWNER_IS_A_THREAD: libc::c_int = 0;
    const SET_OWNER: libc::c_int = 15;
    const SET_SIGNAL: libc::c_int = 10;
    let owner = Owner {
        kind: OWNER_IS_A_THREAD,
        pid: tid.number(),
    };
    let descriptor = file.as_raw_fd();
    // SAFETY: the descriptor is open; each command gets what fcntl(2) says it takes, and `owner` outlives the call.
    let failed = unsafe {
        libc::fcntl(descriptor, SET_OWNER, &raw const owner) != 0
            || libc::fcntl(descriptor, SET_SIGNAL, handler::SIGNAL) != 0
            || libc::fcntl(descriptor, libc::F_SETFL, libc::O_ASYNC | libc::O_NONBLOCK) != 0
    };
    if failed {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// At which instruction it was hit, none if it was not. For signal handlers.
///
/// # Safety
/// The source's event must be alive, and stay so until this returns.
pub(super) unsafe fn hit_at(source: Source) -> Option<u64> {
    /// Where in the first page it stands up to where there are notes.
    const HEAD: usize = 1024;
    const SAMPLE: u32 = 9;
    /// A note's kind, and then, behind it, the instruction.
    const LENGTH: u64 = 16;
    let at = |address: usize| ptr::with_exposed_provenance::<AtomicU64>(address);
    // SAFETY: mapped and readable while the event lives, as the caller promises; aligned, as pages are. The kernel writes it as one word.
    let head = unsafe { &*at(source.page + HEAD) }.load(Ordering::Acquire);
    if head < LENGTH {
        return None;
    }
    // SAFETY: as above. It is the first note and the only one, so nothing is written over it.
    let (kind, instruction) = unsafe { (&*at(source.data), &*at(source.data + 8)) };
    // The upper half are flags and the length.
    let is_sample = kind.load(Ordering::Relaxed) as u32 == SAMPLE;
    is_sample.then(|| instruction.load(Ordering::Relaxed))
}
