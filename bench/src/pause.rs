//! For how long does one capture of its stack hold a thread?

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use stallscope_stack::{Method, Registration, ThreadHandle, capture_within};

use crate::arguments::Arguments;
use crate::measure::{Figures, micros};
use crate::percentile::at_percent;

/// A running thread answers when it has a processor.
const PATIENCE: Duration = Duration::from_secs(5);

/// `running_median_us`, `running_p99_us` of a thread that computes, `asleep_us` the longest of one that sleeps. What the kernel takes to deliver a
/// signal, about 1 µs, is not part of it.
pub(crate) fn run(arguments: &Arguments) -> Result<Figures> {
    let captures = arguments.count("captures")?;
    let mut running = pauses(compute, captures)?;
    let mut asleep = pauses(|| thread::sleep(Duration::MAX), captures)?;
    Ok(vec![
        ("running_median_us", micros(at_percent(&mut running, 50))),
        ("running_p99_us", micros(at_percent(&mut running, 99))),
        ("asleep_us", micros(at_percent(&mut asleep, 100))),
    ])
}

/// The pauses of a thread that does this, and never ends.
fn pauses(body: fn(), captures: usize) -> Result<Vec<Duration>> {
    let (announce, registered) = channel();
    thread::spawn(move || {
        let own = ThreadHandle::register_current().map(Registration::until_thread_ends);
        if announce.send(own).is_ok() {
            body();
        }
    });
    let thread = registered
        .recv()?
        .map_err(|error| anyhow!("the thread cannot be captured: {error}"))?;
    // By then it does what it shall.
    thread::sleep(Duration::from_millis(50));
    let pauses = (0..captures).map(|_| {
        let stack = capture_within(&thread, PATIENCE)?;
        ensure!(!stack.bytes.is_empty(), "a capture came back empty");
        Ok(match stack.method {
            Method::Interrupted { pause, .. } => pause,
            Method::Untouched => Duration::ZERO,
        })
    });
    pauses.collect()
}

fn compute() {
    let mut x = 1_u64;
    loop {
        x = std::hint::black_box(x.wrapping_mul(31) + 7);
    }
}
