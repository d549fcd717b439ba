//! Bytes that two threads touch: once without agreeing on an order, and once under a lock.

#![allow(unsafe_code)] // State behind `unsafe` is what this is about.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use stallscope::sync::watch_memory;
use tokio::task::{JoinHandle, spawn_blocking};

use super::Steps;

/// What a C library would keep.
#[derive(Default)]
struct Decoder {
    frames: UnsafeCell<u64>,
}

// SAFETY: volatile accesses of an aligned word; that they race is what is tested.
unsafe impl Sync for Decoder {}

impl Decoder {
    #[inline(never)]
    fn decode(&self, number: u64) {
        // SAFETY: alive and aligned; see above.
        // memory: written here
        unsafe { self.frames.get().write_volatile(number) };
    }

    #[inline(never)]
    fn show(&self) -> u64 {
        // SAFETY: as above.
        // memory: read here
        unsafe { self.frames.get().read_volatile() }
    }
}

/// Two closures of the blocking pool, in which this is done again and again.
struct Both {
    ends: Arc<AtomicBool>,
    threads: [JoinHandle<()>; 2],
}

impl Both {
    fn start(one: impl Fn() + Send + 'static, other: impl Fn() + Send + 'static) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let over = [ends.clone(), ends.clone()];
        let [first, second] = over.map(|over| move || over.load(Ordering::Relaxed));
        let again = |over: &dyn Fn() -> bool, does: &dyn Fn()| {
            while !over() {
                does();
                // Others use these processors, too.
                std::thread::yield_now();
            }
        };
        Both {
            ends,
            threads: [
                spawn_blocking(move || again(&first, &one)),
                spawn_blocking(move || again(&second, &other)),
            ],
        }
    }

    async fn end(self) {
        self.ends.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.await.expect("no panic");
        }
    }
}

#[stallscope::main(worker_threads = 2)]
pub(super) async fn badly() {
    let mut steps = Steps::ready();
    let decoder = Arc::new(Decoder::default());
    // memory: registered here
    let watched = watch_memory(decoder.frames.get());
    let other = decoder.clone();
    let both = Both::start(move || decoder.decode(7), move || _ = other.show());
    println!("it goes on");
    steps.next().await;
    both.end().await;
    drop(watched);
    println!("all is done");
    steps.next().await;
}

/// The same under a lock; and, at the same time, bytes that are only read.
#[stallscope::main(worker_threads = 2)]
pub(super) async fn well() {
    let mut steps = Steps::ready();
    let decoder = Arc::new(Decoder::default());
    let settings = Arc::new(Decoder::default());
    let _watched = [
        watch_memory(decoder.frames.get()),
        watch_memory(settings.frames.get()),
    ];
    let lock = Arc::new(Mutex::new(()));
    let does = |decoder: Arc<Decoder>, settings: Arc<Decoder>, lock: Arc<Mutex<()>>| {
        move || {
            settings.show();
            let _guard = lock.lock().expect("not poisoned");
            let seen = decoder.show();
            decoder.decode(seen + 1);
        }
    };
    let both = Both::start(
        does(decoder.clone(), settings.clone(), lock.clone()),
        does(decoder.clone(), settings.clone(), lock.clone()),
    );
    println!("it goes on");
    steps.next().await;
    both.end().await;
}

/// As [`badly`], under a seccomp filter, as containers have one.
#[cfg(target_os = "linux")]
pub(super) fn filtered() {
    let allow = libc::sock_filter {
        code: 0x06, // return …
        jt: 0,
        jf: 0,
        k: libc::SECCOMP_RET_ALLOW,
    };
    let program = libc::sock_fprog {
        len: 1,
        filter: (&raw const allow).cast_mut(),
    };
    // SAFETY: plain numbers, and a program of one instruction that outlives the call, which only reads it.
    let done = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(
                libc::PR_SET_SECCOMP,
                libc::SECCOMP_MODE_FILTER,
                &raw const program,
            ) == 0
    };
    println!("filtered: {done}");
    badly();
}
