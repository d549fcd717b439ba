//! A thread gets stuck; another says where and why.
//!
//! `cargo run --release -p stallscope-stack --example what_is_it_doing -- sleep|lock|file|cpu|child`

use std::fs::File;
use std::io::Read as _;
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};
use std::{env, thread};

use stallscope_stack::kernel::{Cause, ThreadState};
use stallscope_stack::{CaptureError, Origin, Symbolizer, ThreadHandle, Unwinder, capture_within};

fn main() {
    let how = env::args().nth(1).unwrap_or_else(|| "sleep".to_owned());
    let (announce, thread) = mpsc::channel();
    thread::spawn(move || {
        let own =
            ThreadHandle::register_current().map(stallscope_stack::Registration::until_thread_ends);
        if announce.send(own).is_ok() {
            get_stuck(&how);
        }
    });
    match thread.recv() {
        Ok(Ok(thread)) => {
            if let Err(error) = tell(&thread) {
                eprintln!("no stack: {error}");
            }
        }
        Ok(Err(error)) => eprintln!("not registered: {error}"),
        Err(_) => eprintln!("the thread has ended"),
    }
}

fn tell(thread: &ThreadHandle) -> Result<(), CaptureError> {
    let started = Instant::now();
    let before = ThreadState::read(thread.tid());
    thread::sleep(Duration::from_millis(200));
    let after = ThreadState::read(thread.tid());
    let cause = Cause::between(&before, &after, started.elapsed());
    println!("thread {} is stuck: {cause}", thread.tid());

    let stack = capture_within(thread, Duration::from_millis(200))?;
    if let Some(io) = stack.just_left() {
        println!("  inside the kernel: {io}");
    }
    let trace = Unwinder::new().unwind(&stack);
    println!(
        "  {:?}, walk ended at {:?}, {:?}",
        stack.method, trace.ended, trace.certainty
    );
    for frame in Symbolizer::new().frames(&trace) {
        let mark = if frame.origin == Origin::App {
            "→"
        } else {
            " "
        };
        println!("{mark} {frame}");
    }
    Ok(())
}

fn get_stuck(how: &str) {
    match how {
        "lock" => {
            let lock = Mutex::new(());
            thread::scope(|scope| {
                let _held = lock.lock();
                let _ = scope.spawn(|| thread::sleep(Duration::from_secs(1))).join();
            });
        }
        "file" => loop {
            let _ = read_all("/proc/self/exe");
        },
        "cpu" => compute(),
        "child" => {
            let _ = std::process::Command::new("sleep").arg("1").status();
        }
        _ => thread::sleep(Duration::from_secs(1)),
    }
}

fn read_all(path: &str) -> std::io::Result<usize> {
    let mut buffer = vec![0; 16 << 20];
    File::open(path)?.read(&mut buffer)
}

fn compute() {
    let mut x = 1_u64;
    loop {
        x = std::hint::black_box(x.wrapping_mul(31) + 7);
    }
}
