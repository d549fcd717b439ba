//! Tests whose threads touch bytes that they have registered: at the same time, and in turns.

#![allow(unsafe_code)] // State behind `unsafe` is what this is about.

use std::cell::UnsafeCell;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use stallscope::sync::watch_memory;
use tokio::task::spawn_blocking;

use super::is_run;

/// Some rounds of the agent, which comes by four times a second.
const LONG: Duration = Duration::from_secs(3);

/// What a C library would keep.
#[derive(Default)]
struct Decoder(UnsafeCell<u64>);

// SAFETY: volatile accesses of an aligned word; that they race is what is tested.
unsafe impl Sync for Decoder {}

impl Decoder {
    #[inline(never)]
    fn decode(&self) {
        // SAFETY: alive and aligned; see above.
        // memory: written here
        unsafe { self.0.get().write_volatile(7) };
    }

    #[inline(never)]
    fn show(&self) {
        // SAFETY: as above.
        // memory: read here
        unsafe { self.0.get().read_volatile() };
    }
}

/// Two closures of the blocking pool that do this again and again.
async fn both(one: impl Fn() + Send + 'static, other: impl Fn() + Send + 'static) {
    let end = Instant::now() + LONG;
    let again = move |does: &dyn Fn()| {
        while Instant::now() < end {
            does();
            // Others use these processors, too.
            std::thread::yield_now();
        }
    };
    let threads = [
        spawn_blocking(move || again(&one)),
        spawn_blocking(move || again(&other)),
    ];
    for thread in threads {
        thread.await.expect("no panic");
    }
}

async fn badly(decoder: Arc<Decoder>) {
    let other = decoder.clone();
    both(move || decoder.decode(), move || other.show()).await;
}

#[stallscope::test]
async fn guilty() {
    if is_run() {
        let decoder = Arc::new(Decoder::default());
        let _watched = watch_memory(decoder.0.get());
        badly(decoder).await;
    }
}

#[stallscope::test(conflicts = "allow")]
async fn allowed() {
    if is_run() {
        let decoder = Arc::new(Decoder::default());
        let _watched = watch_memory(decoder.0.get());
        badly(decoder).await;
    }
}

/// The threads are the test's, but it has not registered the bytes.
#[stallscope::test]
async fn registered_by_nobody() {
    if is_run() {
        let decoder = Arc::new(Decoder::default());
        let bytes = decoder.clone();
        let outside = std::thread::spawn(move || watch_memory(bytes.0.get()));
        let _watched = outside.join().expect("no panic");
        badly(decoder).await;
    }
}

/// The same under a lock, beside the others.
#[stallscope::test]
async fn repaired() {
    if is_run() {
        let decoder = Arc::new((Mutex::new(()), Decoder::default()));
        let _watched = watch_memory(decoder.1.0.get());
        let does = |decoder: Arc<(Mutex<()>, Decoder)>| {
            move || {
                let _guard = decoder.0.lock().expect("not poisoned");
                decoder.1.show();
                decoder.1.decode();
            }
        };
        both(does(decoder.clone()), does(decoder.clone())).await;
    }
}
