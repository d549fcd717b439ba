//! Bytes that the compiler does not watch and nobody brackets: two threads at them at the same time, found by hardware.
//!
//! [`regions`] knows what is registered, [`watcher`] looks at it, one word at a time, from the agent's thread.

mod regions;
mod watcher;

use std::panic::Location;

use self::regions::REGIONS;
pub(crate) use self::watcher::{ADVICE, Sight, State, Watcher, state};
use super::trial;

/// Has bytes watched by the hardware for two threads that touch them at the same time, one of them writing.
///
/// For state behind `unsafe` or a foreign interface, where even an [`AccessProbe`](super::AccessProbe) cannot be put around each access, because
/// some of them are in a library. Registered is what `bytes` points to, all of its size, until the guard is dropped. Nothing is read through the pointer.
///
/// **Off by default.** With `STALLSCOPE_MEMORY_WATCH=on` (or [`Config::memory_watch`](crate::Config::memory_watch)) one aligned word of what is
/// registered is watched at a time, on up to 32 threads. The first thread that touches it is held at that instruction for at most a
/// millisecond; whoever comes to touch it meanwhile proves that nothing keeps them apart. That is a finding of rule `memory-watch` with both lines. It is a sample, at most four
/// holds a second, so a few words in which two threads meet often are found in seconds, and a large structure takes long. Without the
/// switch, registering costs an entry in a list.
///
/// In a [`#[stallscope::test]`](crate::test) the finding fails the test in whose runtime the bytes were registered. The switch is needed there too, and where
/// the hardware cannot be had, such a test proves nothing: the line on standard error says so.
///
/// # What it is not for
///
/// Atomics, and locks themselves: threads may meet there. A lock that keeps threads apart *around* such bytes is what makes them right, and never
/// becomes a finding.
///
/// # Where it works
///
/// Linux on x86-64 and aarch64, where `perf_event_open(2)` is allowed and two debug registers are free: many containers forbid it. `stallscope doctor` says
/// whether it works, and one line on standard error when it is wanted and does not. Everywhere else this does nothing, as it does with `--cfg stallscope_off`.
///
/// # Keep the guard no longer than the bytes
///
/// Memory that is given back belongs to somebody else soon, who may touch it rightly.
///
/// ```
/// use std::cell::UnsafeCell;
/// use stallscope::sync::watch_memory;
///
/// struct Decoder {
///     state: UnsafeCell<[u32; 4]>, // a C library writes here
/// }
///
/// let decoder = Box::new(Decoder { state: UnsafeCell::new([0; 4]) });
/// let _watched = watch_memory(decoder.state.get());
/// // … hand `decoder` to the threads that use it …
/// ```
#[track_caller]
#[must_use = "the bytes are watched as long as the guard lives"]
pub fn watch_memory<T>(bytes: *const T) -> MemoryWatch {
    if cfg!(stallscope_off) {
        return MemoryWatch { region: None };
    }
    let (address, length) = (bytes.addr() as u64, size_of::<T>() as u64);
    MemoryWatch {
        region: REGIONS.add(address, length, Location::caller(), trial::current()),
    }
}

/// Keeps bytes registered: see [`watch_memory`].
#[derive(Debug)]
pub struct MemoryWatch {
    region: Option<u64>,
}

impl Drop for MemoryWatch {
    fn drop(&mut self) {
        if let Some(region) = self.region {
            REGIONS.remove(region);
        }
    }
}
