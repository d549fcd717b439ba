//! What a descriptor is connected to, and which descriptors a `poll` waits on.

#![allow(unsafe_code)] // getpeername on a descriptor that std does not own.

use std::ffi::OsStr;
use std::mem::{self, MaybeUninit};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::memory;

/// The peer's address as text; `None` if the socket is not connected or its kind is none of ours.
pub(crate) fn peer_of(descriptor: i32) -> Option<String> {
    let mut address = MaybeUninit::<libc::sockaddr_storage>::zeroed();
    let mut length = mem::size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    // SAFETY: address and length describe a buffer of ours. The descriptor may be anything: the kernel checks it.
    if unsafe { libc::getpeername(descriptor, address.as_mut_ptr().cast(), &raw mut length) } != 0 {
        return None;
    }
    // SAFETY: zeroed, then partly overwritten by the kernel: initialised, and any bits are valid for its integers.
    let storage = unsafe { address.assume_init() };
    match i32::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that this is what the kernel wrote; storage is larger and aligned for it.
            let inet = unsafe { *(&raw const storage).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from_bits(u32::from_be(inet.sin_addr.s_addr));
            Some(SocketAddr::new(ip.into(), u16::from_be(inet.sin_port)).to_string())
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let inet = unsafe { *(&raw const storage).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(inet.sin6_addr.s6_addr);
            Some(SocketAddr::new(ip.into(), u16::from_be(inet.sin6_port)).to_string())
        }
        libc::AF_UNIX => {
            // SAFETY: as above.
            let unix = unsafe { *(&raw const storage).cast::<libc::sockaddr_un>() };
            let path: Vec<u8> = unix
                .sun_path
                .iter()
                // Signed here, unsigned on aarch64.
                .map(|byte| byte.to_ne_bytes()[0])
                .take_while(|&byte| byte != 0)
                .collect();
            Some(format!(
                "unix:{}",
                Path::new(OsStr::from_bytes(&path)).display()
            ))
        }
        _ => None,
    }
}

/// The descriptors in an array of `struct pollfd`; those that cannot be read are left out.
pub(crate) fn read_poll_set(address: u64, length: u64) -> Vec<i32> {
    const ENTRY: u64 = mem::size_of::<libc::pollfd>() as u64;
    (0..length)
        .filter_map(|index| {
            let mut descriptor = [0; 4];
            memory::read(
                address.checked_add(index.checked_mul(ENTRY)?)?,
                &mut descriptor,
            )?;
            Some(i32::from_le_bytes(descriptor))
        })
        .filter(|descriptor| *descriptor >= 0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd as _;
    use std::os::unix::net::{UnixListener, UnixStream};

    #[test]
    fn a_poll_set_is_read_from_memory() {
        let set = [3, -1, 5].map(|fd| libc::pollfd {
            fd,
            events: 0,
            revents: 0,
        });
        assert_eq!(read_poll_set(set.as_ptr().addr() as u64, 3), [3, 5]);
        assert_eq!(read_poll_set(8, 3), [0; 0]);
    }

    #[test]
    fn a_unix_peer_is_named_by_its_path() {
        let path =
            std::env::temp_dir().join(format!("stallscope-stack-peer-{}", std::process::id()));
        let listener = UnixListener::bind(&path).expect("a new path");
        let stream = UnixStream::connect(&path).expect("somebody listens");
        assert_eq!(
            peer_of(stream.as_raw_fd()),
            Some(format!("unix:{}", path.display()))
        );
        drop(listener);
        let _ = std::fs::remove_file(path);
    }
}
