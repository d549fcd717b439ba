//! Thousands of captures of threads that do what makes captures dangerous: allocate, panic, take backtraces, load and
//! unload libraries, fork, end. `STALLSCOPE_SOAK_SECONDS` says for how long (3 if unset).
#![cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
#![allow(unsafe_code)] // fork, dlopen and slow system calls without std's retry.

use std::collections::BTreeMap;
use std::os::fd::AsRawFd as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use stallscope_stack::{CaptureError, Ended, Method, ThreadHandle, Unwinder, capture_within};

/// A signal that is not answered within this, on however busy a machine, is lost.
const LOST: Duration = Duration::from_secs(20);

/// The test is over so soon after its time even where nothing but a lost signal is waited for.
const STUCK: Duration = Duration::from_secs(120);

static STOP: AtomicBool = AtomicBool::new(false);
static INTERRUPTED: AtomicU64 = AtomicU64::new(0);
static ROUNDS: AtomicU64 = AtomicU64::new(0);
static THREADS: Mutex<Vec<(&str, ThreadHandle)>> = Mutex::new(Vec::new());

#[test]
fn captures_harm_nobody() {
    let lasts = std::env::var("STALLSCOPE_SOAK_SECONDS").map_or(3, |text| {
        text.parse()
            .expect("STALLSCOPE_SOAK_SECONDS is a whole number of seconds")
    });
    fail_if_stuck(Duration::from_secs(lasts) + STUCK);
    let ends = Instant::now() + Duration::from_secs(lasts);
    let victims: [(&'static str, fn()); 8] = [
        ("computes", compute),
        ("allocates", allocate),
        ("panics", panic_and_catch),
        ("takes backtraces", take_backtrace),
        ("loads libraries", load_and_unload),
        ("forks", fork_and_wait),
        ("waits", wait_in_slow_calls),
        ("ends", || thread::sleep(Duration::from_micros(300))),
    ];
    let tally = thread::scope(|scope| {
        for (name, body) in victims {
            scope.spawn(move || be_a_victim(name, body));
        }
        let captors = [(); 4].map(|()| scope.spawn(move || capture_until(ends)));
        let tallies = captors.map(|captor| captor.join().expect("a captor never panics"));
        STOP.store(true, Ordering::Relaxed);
        tallies.into_iter().fold(Tally::default(), Tally::plus)
    });
    let eintr = INTERRUPTED.load(Ordering::Relaxed);
    println!(
        "soak of {lasts} s: {} captures ({} of waiting threads, {} of running ones), {} lost, {eintr} EINTR",
        tally.untouched + tally.interrupted,
        tally.untouched,
        tally.interrupted,
        tally.lost,
    );
    println!(
        "rounds of the victims: {}, walks that did not reach the root: {:?}, captures refused: {:#?}",
        ROUNDS.load(Ordering::Relaxed),
        tally.not_to_root,
        tally.errors
    );
    assert_eq!(eintr, 0, "a system call of the program failed with EINTR");
    assert_eq!(tally.lost, 0, "a signal was not answered");
    assert!(
        tally.untouched > 0 && tally.interrupted > 0,
        "both ways were taken"
    );
    assert!(
        tally.to_root * 100 >= (tally.untouched + tally.interrupted) * 95,
        "walks are complete"
    );
}

/// A deadlock fails the test rather than hang it.
fn fail_if_stuck(limit: Duration) {
    thread::spawn(move || {
        thread::sleep(limit);
        eprintln!(
            "the soak has not ended within {} s: a capture or a victim is stuck",
            limit.as_secs()
        );
        std::process::abort();
    });
}

#[derive(Default)]
struct Tally {
    untouched: u64,
    interrupted: u64,
    to_root: u64,
    lost: u64,
    errors: BTreeMap<String, u64>,
    not_to_root: BTreeMap<&'static str, u64>,
}

impl Tally {
    fn plus(mut self, other: Self) -> Self {
        self.untouched += other.untouched;
        self.interrupted += other.interrupted;
        self.to_root += other.to_root;
        self.lost += other.lost;
        for (error, count) in other.errors {
            *self.errors.entry(error).or_default() += count;
        }
        for (name, count) in other.not_to_root {
            *self.not_to_root.entry(name).or_default() += count;
        }
        self
    }
}

fn capture_until(ends: Instant) -> Tally {
    let mut tally = Tally::default();
    let mut unwinder = Unwinder::new();
    while Instant::now() < ends {
        let threads = THREADS
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for (name, thread) in threads {
            match capture_within(&thread, LOST) {
                Ok(stack) => {
                    match stack.method {
                        Method::Untouched => tally.untouched += 1,
                        Method::Interrupted { .. } => tally.interrupted += 1,
                    }
                    if unwinder.unwind(&stack).ended == Ended::Root {
                        tally.to_root += 1;
                    } else {
                        *tally.not_to_root.entry(name).or_default() += 1;
                    }
                }
                Err(CaptureError::NoAnswer { .. }) => tally.lost += 1,
                Err(error) => *tally.errors.entry(format!("{name}: {error}")).or_default() += 1,
            }
        }
    }
    tally
}

/// Does one thing over and over, on one thread after the other: each lives for 50 ms.
fn be_a_victim(name: &'static str, body: fn()) {
    while !STOP.load(Ordering::Relaxed) {
        let life = move || {
            let born = Instant::now();
            let handle = ThreadHandle::register_current()
                .expect("supported")
                .until_thread_ends();
            let mut threads = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
            threads.retain(|(other, _)| *other != name);
            threads.push((name, handle));
            drop(threads);
            while born.elapsed() < Duration::from_millis(50) {
                body();
                ROUNDS.fetch_add(1, Ordering::Relaxed);
            }
        };
        thread::spawn(life).join().expect("a victim survives");
    }
}

fn compute() {
    let mut x = 1_u64;
    for _ in 0..1_000_000 {
        x = std::hint::black_box(x.wrapping_mul(31) + 7);
    }
}

fn allocate() {
    let blocks: Vec<Vec<u8>> = (1..200).map(|size| vec![1; size * 37]).collect();
    std::hint::black_box(blocks);
}

fn panic_and_catch() {
    fn deeper(levels: u32) {
        let guard = vec![levels];
        if levels == 0 {
            // Unwinds like a panic, without the hook's message.
            std::panic::resume_unwind(Box::new(()));
        }
        deeper(levels - 1);
        drop(guard);
    }
    let _ = std::panic::catch_unwind(|| deeper(20));
}

fn take_backtrace() {
    drop(std::hint::black_box(
        std::backtrace::Backtrace::force_capture(),
    ));
}

fn load_and_unload() {
    for name in [c"libz.so.1", c"libresolv.so.2", c"libanl.so.1"] {
        // SAFETY: a string that ends in zero; these libraries do nothing when loaded, and nobody calls into them.
        unsafe {
            let library = libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
            if !library.is_null() {
                libc::dlclose(library);
            }
        }
    }
}

fn fork_and_wait() {
    // SAFETY: the child does nothing but end.
    unsafe {
        let child = libc::fork();
        if child == 0 {
            libc::_exit(0);
        }
        count_if_interrupted(libc::waitpid(child, std::ptr::null_mut(), 0));
    }
    thread::sleep(Duration::from_millis(1));
}

/// The calls that `SA_RESTART` does not restart, alternating with computing.
fn wait_in_slow_calls() {
    let (reader, _writer) = std::io::pipe().expect("a pipe");
    let mut set = libc::pollfd {
        fd: reader.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    let time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 300_000,
    };
    for round in 0..20_u32 {
        let until = Instant::now() + Duration::from_micros(u64::from(round) * 40);
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        // SAFETY: pointers to locals; no descriptor but our own.
        unsafe {
            count_if_interrupted(libc::poll(&raw mut set, 1, 1));
            count_if_interrupted(libc::nanosleep(&raw const time, std::ptr::null_mut()));
            let queue = libc::epoll_create1(0);
            let mut event = libc::epoll_event { events: 0, u64: 0 };
            count_if_interrupted(libc::epoll_wait(queue, &raw mut event, 1, 1));
            libc::close(queue);
        }
    }
}

fn count_if_interrupted(result: i32) {
    if result < 0 && std::io::Error::last_os_error().raw_os_error() == Some(libc::EINTR) {
        INTERRUPTED.fetch_add(1, Ordering::Relaxed);
    }
}
