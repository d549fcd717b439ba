//! What each step costs on this machine: median and 99th percentile.
//!
//! `cargo run --release -p stallscope-stack --example measure`

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use stallscope_stack::kernel::ThreadState;
use stallscope_stack::{
    CaptureError, Ended, Method, RawStack, Symbolizer, ThreadHandle, Trace, Unwinder,
    capture_within,
};

const PATIENCE: Duration = Duration::from_secs(5);

fn main() {
    if let Err(error) = measure() {
        eprintln!("cannot measure: {error}");
    }
}

fn measure() -> Result<(), CaptureError> {
    let waiting = stuck(|| thread::sleep(Duration::from_secs(600)))?;
    let running = stuck(compute)?;
    // Both are where they shall be, and every file has been opened once.
    while !matches!(captured(&waiting)?.method, Method::Untouched) {}
    while matches!(captured(&running)?.method, Method::Untouched) {}

    row("read the kernel's view, waiting thread", 1000, || {
        drop(ThreadState::read(waiting.tid()));
    });
    row("read the kernel's view, running thread", 1000, || {
        drop(ThreadState::read(running.tid()));
    });
    row("capture a waiting thread", 1000, || {
        drop(captured(&waiting));
    });
    row("capture a running thread", 300, || drop(captured(&running)));
    let mut pauses: Vec<Duration> = (0..300)
        .filter_map(|_| pause(&captured(&running).ok()?))
        .collect();
    print_row("  of this, pause of the running thread", &mut pauses);

    let (waits, runs) = (captured(&waiting)?, captured(&running)?);
    let once = Instant::now();
    let mut unwinder = Unwinder::new();
    println!("{:<44} {:>9.1?}", "make an unwinder", once.elapsed());
    for (name, stack) in [("waiting", &waits), ("running", &runs)] {
        let once = Instant::now();
        let trace = unwinder.unwind(stack);
        println!(
            "{:<44} {:>9.1?}",
            format!("unwind, first ({name})"),
            once.elapsed()
        );
        complain(name, &trace);
        row(
            &format!("unwind, later ({name}, {} frames)", trace.frames.len()),
            1000,
            || {
                drop(unwinder.unwind(stack));
            },
        );
    }

    let mut symbolizer = Symbolizer::new();
    let trace = unwinder.unwind(&waits);
    let once = Instant::now();
    let frames = symbolizer.frames(&trace);
    println!("{:<44} {:>9.1?}", "symbolize, first", once.elapsed());
    row("symbolize, known addresses", 1000, || {
        drop(symbolizer.frames(&trace));
    });
    let other = unwinder.unwind(&runs);
    let once = Instant::now();
    drop(symbolizer.frames(&other));
    println!(
        "{:<44} {:>9.1?}",
        "symbolize, other stack, file open",
        once.elapsed()
    );
    let named = frames
        .iter()
        .filter(|frame| frame.function.is_some())
        .count();
    let placed = frames.iter().filter(|frame| frame.line.is_some()).count();
    println!(
        "{} frames, {named} with a name, {placed} with a line",
        frames.len()
    );
    if let Some(frame) = frames
        .iter()
        .find(|frame| frame.is_app())
        .or(frames.first())
    {
        println!("the user's line: {frame}");
    }
    Ok(())
}

fn stuck(body: fn()) -> Result<ThreadHandle, CaptureError> {
    let (announce, thread) = mpsc::channel();
    thread::spawn(move || {
        let own =
            ThreadHandle::register_current().map(stallscope_stack::Registration::until_thread_ends);
        if announce.send(own).is_ok() {
            body();
        }
    });
    thread.recv().unwrap_or(Err(CaptureError::ThreadEnded))
}

fn compute() {
    let mut x = 1_u64;
    loop {
        x = std::hint::black_box(x.wrapping_mul(31) + 7);
    }
}

fn captured(thread: &ThreadHandle) -> Result<RawStack, CaptureError> {
    capture_within(thread, PATIENCE)
}

fn pause(stack: &RawStack) -> Option<Duration> {
    match stack.method {
        Method::Interrupted { pause, .. } => Some(pause),
        Method::Untouched => None,
    }
}

fn complain(name: &str, trace: &Trace) {
    if trace.ended != Ended::Root {
        println!(
            "the walk of the {name} thread is not complete: {:?}",
            trace.ended
        );
    }
}

fn row(name: &str, times: usize, mut step: impl FnMut()) {
    let mut took: Vec<Duration> = (0..times)
        .map(|_| {
            let began = Instant::now();
            step();
            began.elapsed()
        })
        .collect();
    print_row(name, &mut took);
}

fn print_row(name: &str, took: &mut [Duration]) {
    took.sort_unstable();
    let at = |percent: usize| {
        took.get(took.len() * percent / 100)
            .copied()
            .unwrap_or_default()
    };
    println!("{name:<44} {:>9.1?}  p99 {:>9.1?}", at(50), at(99));
}
