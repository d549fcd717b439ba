//! The signal handler's manners: it allocates nothing, passes foreign signals on, keeps `errno`, and is not sent where
//! somebody else handles the signal.
//!
//! One test: handlers belong to the whole process.
#![cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
#![allow(unsafe_code)] // Handlers of our own, and an allocator that counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use stallscope_stack::{CaptureError, Method, ThreadHandle, capture_within};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: passes everything to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

static FOREIGN: AtomicU64 = AtomicU64::new(0);

extern "C" fn foreign_handler(
    _signal: i32,
    _info: *mut libc::siginfo_t,
    _context: *mut libc::c_void,
) {
    FOREIGN.fetch_add(1, Ordering::Relaxed);
}

#[test]
fn the_handler_keeps_its_promises() {
    install_foreign_handler();
    let busy = Busy::start();

    let mut interrupted = 0;
    while interrupted < 20 {
        let stack = capture_within(&busy.thread, Duration::from_secs(20))
            .expect("a thread that computes answers");
        interrupted += u32::from(matches!(stack.method, Method::Interrupted { .. }));
    }
    assert_eq!(
        busy.allocations.load(Ordering::Relaxed),
        0,
        "the handler allocated"
    );
    assert!(
        !busy.errno_changed.load(Ordering::Relaxed),
        "the handler changed errno"
    );
    assert_eq!(
        FOREIGN.load(Ordering::Relaxed),
        0,
        "our signals are not passed on"
    );

    // SAFETY: a signal that is handled.
    unsafe { libc::raise(libc::SIGURG) };
    assert_eq!(
        FOREIGN.load(Ordering::Relaxed),
        1,
        "foreign signals are passed on"
    );

    install_foreign_handler();
    let refused = capture_within(&busy.thread, Duration::from_secs(20));
    assert_eq!(refused.err(), Some(CaptureError::HandlerReplaced));
    assert_eq!(
        FOREIGN.load(Ordering::Relaxed),
        1,
        "no signal is sent that we do not handle"
    );
    busy.stop.store(true, Ordering::Relaxed);
}

fn install_foreign_handler() {
    let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) = foreign_handler;
    // SAFETY: all zero is a valid action; the handler only counts.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as usize;
        action.sa_flags = libc::SA_SIGINFO;
        assert_eq!(
            libc::sigaction(libc::SIGURG, &raw const action, std::ptr::null_mut()),
            0
        );
    }
}

/// A thread that computes, and watches its own allocations and `errno`.
struct Busy {
    thread: ThreadHandle,
    stop: Arc<AtomicBool>,
    allocations: Arc<AtomicU64>,
    errno_changed: Arc<AtomicBool>,
}

impl Busy {
    fn start() -> Self {
        let (announce, thread) = mpsc::channel();
        let (stop, allocations, errno_changed) =
            (Arc::<AtomicBool>::default(), Arc::default(), Arc::default());
        thread::spawn({
            let (stop, allocations, changed): (_, Arc<AtomicU64>, Arc<AtomicBool>) = (
                stop.clone(),
                Arc::clone(&allocations),
                Arc::clone(&errno_changed),
            );
            move || {
                let handle = ThreadHandle::register_current()
                    .expect("supported")
                    .until_thread_ends();
                announce.send(handle).expect("the test waits");
                // SAFETY: the address of this thread's errno.
                let errno = unsafe { libc::__errno_location() };
                // SAFETY: as above.
                unsafe { errno.write_volatile(42) };
                let before = ALLOCATIONS.get();
                while !stop.load(Ordering::Relaxed) {
                    allocations.store(ALLOCATIONS.get() - before, Ordering::Relaxed);
                    // SAFETY: as above.
                    if unsafe { errno.read_volatile() } != 42 {
                        changed.store(true, Ordering::Relaxed);
                    }
                }
            }
        });
        Self {
            thread: thread.recv().expect("announced"),
            stop,
            allocations,
            errno_changed,
        }
    }
}
