//! The meter of pages: in place of a library in C that counts in a static variable, where no probe can be put around each access.

#![allow(unsafe_code)] // State that the compiler does not watch is what this is about.

use std::cell::UnsafeCell;
use std::thread;
use std::time::Duration;

use stallscope::sync::blocking::{Mutex, PoisonError};
use stallscope::sync::{MemoryWatch, watch_memory};

use crate::fault::{CHOSEN, Fault};

/// The library's static variable.
struct Count(UnsafeCell<u64>);

// SAFETY: an aligned word that is read and written as a whole. Threads that meet there are the fault that is to be found.
unsafe impl Sync for Count {}

static COUNT: Count = Count(UnsafeCell::new(0));

/// Whose turn it is to call the library.
static TURN: Mutex<()> = Mutex::new(());

/// Parts of a page that are counted one by one.
const PARTS: usize = 16;

/// How long the library takes for each.
const TAKES: Duration = Duration::from_micros(50);

/// Has the library's variable watched, with `STALLSCOPE_MEMORY_WATCH=on`.
pub(crate) fn watch() -> MemoryWatch {
    watch_memory(COUNT.0.get())
}

/// Counts a page. Blocks.
pub(crate) fn count(page: &str) {
    if CHOSEN.is(Fault::SharedMeter) {
        return call(page);
    }
    // Nothing is behind the lock that a panic could leave half done.
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    call(page);
}

/// A call of the library.
fn call(page: &str) {
    for part in page.as_bytes().chunks(page.len().div_ceil(PARTS).max(1)) {
        add(part.len() as u64);
        thread::sleep(TAKES);
    }
}

#[inline(never)]
fn add(bytes: u64) {
    let count = COUNT.0.get();
    // SAFETY: a static variable, aligned; see above.
    // fault: shared-meter
    unsafe { count.write_volatile(count.read_volatile().wrapping_add(bytes)) };
}
