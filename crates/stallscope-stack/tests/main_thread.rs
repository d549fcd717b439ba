//! The main thread, whose stack the kernel made: a runtime of one thread lives there. Without test harness, which would
//! keep that thread for itself.
#![cfg_attr(
    not(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    )),
    allow(unused)
)]

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use stallscope_stack::{
    Ended, Frame, Method, Symbolizer, ThreadHandle, Unwinder, availability, capture_within,
};

fn main() {
    if !availability().is_available() {
        assert!(ThreadHandle::register_current().is_err());
        return;
    }
    let own = ThreadHandle::register_current().expect("supported");
    let main_thread = own.handle();
    let (seen, saw) = mpsc::channel();
    let watcher = thread::spawn(move || {
        expect_main(&main_thread, "waits_in_main", |method| {
            matches!(method, Method::Untouched)
        });
        seen.send(()).expect("main waits");
        expect_main(&main_thread, "computes_in_main", |method| {
            matches!(method, Method::Interrupted { .. })
        });
    });
    waits_in_main(&saw);
    computes_in_main(&watcher);
    watcher.join().expect("nothing unexpected was seen");
    println!("test the_main_thread_waiting_and_computing ... ok");
}

#[inline(never)]
fn waits_in_main(saw: &mpsc::Receiver<()>) {
    let _ = std::hint::black_box(saw.recv());
}

#[inline(never)]
fn computes_in_main(watcher: &thread::JoinHandle<()>) {
    while !watcher.is_finished() {
        std::hint::spin_loop();
    }
}

/// Captures until the main thread is in a function, in the way that fits, to the root.
fn expect_main(main_thread: &ThreadHandle, function: &str, fits: impl Fn(&Method) -> bool) {
    let started = Instant::now();
    let mut shown = String::new();
    while started.elapsed() < Duration::from_secs(30) {
        let Ok(stack) = capture_within(main_thread, Duration::from_secs(1)) else {
            continue;
        };
        let trace = Unwinder::new().unwind(&stack);
        let frames = Symbolizer::new().frames(&trace);
        let within = |name: &str| {
            let calls = |frame: &Frame| {
                frame
                    .function
                    .as_deref()
                    .is_some_and(|found| found.contains(name))
            };
            frames.iter().any(calls)
        };
        if fits(&stack.method)
            && trace.ended == Ended::Root
            && within(function)
            && within("main_thread::main")
        {
            return;
        }
        shown = format!("{:?} {:?} {frames:#?}", stack.method, trace.ended);
    }
    panic!("not seen in {function}: {shown}");
}
