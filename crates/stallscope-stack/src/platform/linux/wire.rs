//! A breakpoint event of the kernel's performance counters that switches itself off after its first hit.

#![allow(unsafe_code)] // perf_event_open(2) has no wrapper in libc or std.

use std::fs::File;
use std::io::{self, Read};
use std::mem::size_of;
use std::os::fd::{AsRawFd, FromRawFd};

use crate::Tid;

#[derive(Debug)]
pub(crate) struct Wire {
    event: File,
}

impl Wire {
    pub(crate) fn lay(tid: Tid, address: u64) -> io::Result<Self> {
        if is_filtered() {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "this process runs under a seccomp filter, which may kill for perf_event_open",
            ));
        }
        let attributes = Attributes::breakpoint(address);
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
        let event = unsafe { File::from_raw_fd(descriptor) };
        // SAFETY: this request takes a plain number, how many hits until the event is off again.
        if unsafe { libc::ioctl(event.as_raw_fd(), ENABLE_FOR, 1) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { event })
    }

    pub(crate) fn is_tripped(&self) -> io::Result<bool> {
        let mut count = [0; 8];
        match (&self.event).read(&mut count)? {
            8 => Ok(u64::from_ne_bytes(count) > 0),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
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
const ON_EXECUTION: u32 = 4;
const DISABLED: u64 = 1;
const EXCLUDE_KERNEL: u64 = 1 << 5;
const EXCLUDE_HYPERVISOR: u64 = 1 << 6;
const CLOSE_ON_EXEC: u64 = 1 << 3;
/// `PERF_EVENT_IOC_REFRESH`.
const ENABLE_FOR: libc::Ioctl = 0x2402;

impl Attributes {
    fn breakpoint(address: u64) -> Self {
        Self {
            kind: KIND_BREAKPOINT,
            size: size_of::<Self>() as u32,
            sample_period: 1, // each hit is an overflow, and the first one switches the event off
            flags: DISABLED | EXCLUDE_KERNEL | EXCLUDE_HYPERVISOR,
            wakeup_events: 1,
            breakpoint_kind: ON_EXECUTION,
            breakpoint_address: address,
            // An instruction, as each processor wants it to be said.
            breakpoint_length: if cfg!(target_arch = "x86_64") { 8 } else { 4 },
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::sync::{Arc, mpsc};

    use super::*;

    #[inline(never)]
    extern "C" fn stepped_on(count: &AtomicU64) {
        count.fetch_add(1, Ordering::SeqCst);
    }

    #[test]
    fn a_wire_is_tripped_by_its_thread_alone_and_only_there() {
        let (count, walks, ends) = (
            Arc::new(AtomicU64::new(0)),
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicBool::new(false)),
        );
        let (tell, tid) = mpsc::channel();
        let walker = std::thread::spawn({
            let (count, walks, ends) = (count.clone(), walks.clone(), ends.clone());
            move || {
                tell.send(Tid::current()).expect("the test waits");
                while !ends.load(Ordering::SeqCst) {
                    if walks.load(Ordering::SeqCst) {
                        stepped_on(&count);
                    }
                    std::hint::spin_loop();
                }
            }
        });
        let tid = tid.recv().expect("it sends").expect("Linux");
        let here = stepped_on as extern "C" fn(&AtomicU64) as usize as u64;
        let wire = match Wire::lay(tid, here) {
            Ok(wire) => wire,
            Err(refused) => {
                eprintln!("not tested, as breakpoints are not to be had here: {refused}");
                ends.store(true, Ordering::SeqCst);
                walker.join().expect("it ends");
                return;
            }
        };
        stepped_on(&count); // by another thread than the one it was laid for
        assert!(!wire.is_tripped().expect("readable"));
        walks.store(true, Ordering::SeqCst);
        let before = count.load(Ordering::SeqCst);
        while count.load(Ordering::SeqCst) < before + 1000 {
            std::thread::yield_now();
        }
        assert!(wire.is_tripped().expect("readable"));
        let mut hits = [0; 8];
        (&wire.event).read_exact(&mut hits).expect("readable");
        assert_eq!(u64::from_ne_bytes(hits), 1, "after the first hit it is off");
        ends.store(true, Ordering::SeqCst);
        walker.join().expect("it ends");
    }

    #[test]
    fn a_thread_that_does_not_exist_cannot_be_wired() {
        let nobody = Tid::new(i32::MAX >> 4).expect("positive");
        assert!(Wire::lay(nobody, 0x1000).is_err());
    }
}
