//! Has a thread come past an instruction since?

use std::io;

use crate::{Tid, platform};

/// A hardware breakpoint on one instruction of one thread, good for one report: whether the thread has executed it
/// since the wire was laid.
///
/// Laid on a return address that stands on a thread's stack, it proves that a call has not returned: no sampling can
/// tell a call that lasts from one that ends and is made again. The thread is not stopped and gets no signal; the one
/// time it comes past costs it a trap, some microseconds, and none after that. Uses one of the processor's four or so
/// debug registers while it lives. Dropping it takes the wire away.
///
/// # Example
/// ```
/// use stallscope_stack::{Tid, Tripwire};
///
/// fn step() {
///     std::hint::black_box(());
/// }
/// # let Some(tid) = Tid::current() else { return };
/// // Needs no privilege, but many containers forbid it: be ready to go without.
/// if let Ok(wire) = Tripwire::lay(tid, step as fn() as usize as u64) {
///     let before = wire.is_tripped();
///     step();
///     println!("before: {before:?}, after: {:?}", wire.is_tripped());
/// }
/// ```
#[derive(Debug)]
pub struct Tripwire {
    wire: platform::Wire,
}

impl Tripwire {
    /// Lays a wire on the instruction at an address, for a thread of this process. Some 60 µs; the thread is not disturbed.
    ///
    /// # Errors
    /// Whatever `perf_event_open(2)` says: no permission (`kernel.perf_event_paranoid` above 2, a container's profile),
    /// no debug register free, no such thread. [`io::ErrorKind::Unsupported`] elsewhere than on Linux, and in a process
    /// under a seccomp filter: the call is not even tried there, as a filter may kill for it.
    pub fn lay(tid: Tid, address: u64) -> io::Result<Self> {
        platform::Wire::lay(tid, address).map(|wire| Self { wire })
    }

    /// Whether the thread has come past.
    ///
    /// # Errors
    /// If the kernel does not tell, for instance because the debug register was taken away.
    pub fn is_tripped(&self) -> io::Result<bool> {
        self.wire.is_tripped()
    }
}
