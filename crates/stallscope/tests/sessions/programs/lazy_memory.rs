//! Memory that comes as late as if it had to come from a slow disk: `userfaultfd(2)`.
#![allow(unsafe_code)] // A mapping, and the requests of userfaultfd.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr;
use std::time::Duration;

use rustix::mm::{UserfaultfdFlags, userfaultfd};

const PAGE: usize = 4096;
const PAGES: usize = 4096;

/// Faults of the kernel itself are not asked for: that needs no privilege.
const USER_MODE_ONLY: u32 = 1;

// linux/userfaultfd.h
const UFFD_API: u64 = 0xAA;
const UFFDIO_API: libc::Ioctl = request(0x3F, 24);
const UFFDIO_REGISTER: libc::Ioctl = request(0x00, 32);
const UFFDIO_ZEROPAGE: libc::Ioctl = request(0x04, 32);
const REGISTER_MODE_MISSING: u64 = 1;

/// `_IOWR(0xAA, number, size)`
const fn request(number: u64, size: u64) -> libc::Ioctl {
    (3 << 30 | size << 16 | 0xAA << 8 | number) as libc::Ioctl
}

/// Pages that are not there until they are touched, and then after a while.
pub(super) struct LazyMemory {
    start: *const u8,
    next: usize,
}

// SAFETY: a mapping that lives as long as the process, read only.
unsafe impl Send for LazyMemory {}

impl LazyMemory {
    /// An error where the kernel has no userfaultfd, or a seccomp filter forbids it.
    pub(super) fn new(delay: Duration) -> io::Result<Self> {
        let flags = UserfaultfdFlags::CLOEXEC | UserfaultfdFlags::from_bits_retain(USER_MODE_ONLY);
        // SAFETY: only the mapping below is registered with it.
        let faults = unsafe { userfaultfd(flags) }?;
        ask(&faults, UFFDIO_API, &mut [UFFD_API, 0, 0])?;
        // SAFETY: a new mapping at an address of the kernel's choice.
        let start = unsafe {
            libc::mmap(
                ptr::null_mut(),
                PAGE * PAGES,
                libc::PROT_READ,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let range = [start as u64, (PAGE * PAGES) as u64];
        ask(
            &faults,
            UFFDIO_REGISTER,
            &mut [range[0], range[1], REGISTER_MODE_MISSING, 0],
        )?;
        std::thread::spawn(move || serve(&faults, delay));
        Ok(LazyMemory {
            start: start.cast_const().cast(),
            next: 0,
        })
    }

    /// Touches a page that nobody has touched yet; 0.
    pub(super) fn next_page(&mut self) -> u8 {
        assert!(self.next < PAGES, "no page is left");
        let offset = self.next * PAGE;
        self.next += 1;
        // SAFETY: within the mapping, which is readable and never unmapped.
        unsafe {
            // cause: page-fault
            self.start.add(offset).read_volatile()
        }
    }
}

/// Brings each page that is waited for, after a while.
fn serve(faults: &OwnedFd, delay: Duration) {
    let mut message = [0; 32];
    while rustix::io::read(faults, &mut message).is_ok() {
        std::thread::sleep(delay);
        // The address is the third word of a message about a fault.
        let [.., address, _] = message.as_chunks::<8>().0 else {
            return;
        };
        let page = u64::from_ne_bytes(*address) & !(PAGE as u64 - 1);
        let _ = ask(faults, UFFDIO_ZEROPAGE, &mut [page, PAGE as u64, 0, 0]);
    }
}

fn ask<const WORDS: usize>(
    faults: &OwnedFd,
    request: libc::Ioctl,
    argument: &mut [u64; WORDS],
) -> io::Result<()> {
    // SAFETY: each request is called with a structure of as many 64-bit words as its number says.
    match unsafe { libc::ioctl(faults.as_raw_fd(), request, argument.as_mut_ptr()) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
