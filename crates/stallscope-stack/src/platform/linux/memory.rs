//! Reading memory of this process that may vanish: a bad address is an answer, not a crash.

#![allow(unsafe_code)] // process_vm_readv takes raw addresses.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

/// Copies memory from an address; `None` unless all of it could be read.
pub(super) fn read(address: u64, into: &mut [u8]) -> Option<()> {
    if into.is_empty() {
        return Some(());
    }
    read_by_system_call(address, into).or_else(|| by_file(address, into))
}

/// The `N` bytes that end before an address, by one system call only: for signal handlers.
pub(super) fn read_before<const N: usize>(address: u64) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    read_by_system_call(address.checked_sub(N as u64)?, &mut bytes)?;
    Some(bytes)
}

/// The same by one system call only: for signal handlers.
pub(super) fn read_by_system_call(address: u64, into: &mut [u8]) -> Option<()> {
    let local = libc::iovec {
        iov_base: into.as_mut_ptr().cast(),
        iov_len: into.len(),
    };
    let remote = libc::iovec {
        iov_base: std::ptr::without_provenance_mut(usize::try_from(address).ok()?),
        iov_len: into.len(),
    };
    // SAFETY: `local` describes a live buffer that nobody else holds. The kernel reads `remote` as it would another
    // process's memory and answers EFAULT where nothing is mapped. What it copies is plain bytes; that their owner may
    // be writing them meanwhile is the caller's to find out.
    let copied = unsafe {
        libc::process_vm_readv(libc::getpid(), &raw const local, 1, &raw const remote, 1, 0)
    };
    (usize::try_from(copied) == Ok(into.len())).then_some(())
}

/// As much of it as is mapped, by one system call: for signal handlers. How much that is.
pub(super) fn read_mapped(address: u64, into: &mut [u8]) -> usize {
    const PAGE: usize = 4096;
    const MOST: usize = 16;
    let local = libc::iovec {
        iov_base: into.as_mut_ptr().cast(),
        iov_len: into.len(),
    };
    // One piece for each page: the kernel promises whole pieces only.
    let mut pieces = [libc::iovec {
        iov_base: std::ptr::null_mut(),
        iov_len: 0,
    }; MOST];
    let (Ok(mut at), mut left) = (usize::try_from(address), into.len()) else {
        return 0;
    };
    for piece in &mut pieces {
        let length = (PAGE - at % PAGE).min(left);
        piece.iov_base = std::ptr::without_provenance_mut(at);
        piece.iov_len = length;
        left -= length;
        at = at.saturating_add(length);
    }
    // SAFETY: as in `read_by_system_call`.
    let copied = unsafe {
        libc::process_vm_readv(
            libc::getpid(),
            &raw const local,
            1,
            pieces.as_ptr(),
            MOST as libc::c_ulong,
            0,
        )
    };
    usize::try_from(copied).unwrap_or(0)
}

/// Some containers forbid the system call; the file does the same.
fn by_file(address: u64, into: &mut [u8]) -> Option<()> {
    File::open("/proc/self/mem")
        .ok()?
        .read_exact_at(into, address)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_read_what_is_there() {
        let there = *b"sixteen bytes...";
        let address = there.as_ptr().addr() as u64;
        for way in [read_by_system_call, by_file] {
            let mut copy = [0; 16];
            assert_eq!(way(address, &mut copy), Some(()));
            assert_eq!(copy, there);
        }
        assert_eq!(read_before::<4>(address + 7), Some(*b"teen"));
    }

    #[test]
    fn both_ways_survive_what_is_not_there() {
        for way in [read_by_system_call, by_file] {
            for address in [0, 8, u64::MAX - 64] {
                assert_eq!(way(address, &mut [0; 16]), None);
            }
        }
    }
}
