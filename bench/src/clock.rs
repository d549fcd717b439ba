//! What this machine takes to tell the time: the floor under any instrumentation that times polls.
#![allow(unsafe_code)] // reads the time stamp counter

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::arguments::Arguments;
use crate::measure::{Figures, Stopwatch, nanos_each};

/// `counter_ns`, `system_ns`: one reading of the processor's counter and of the system's monotonic clock. CPU time.
pub(crate) fn run(arguments: &Arguments) -> Result<Figures> {
    let readings = arguments.count("readings")?;
    let counter = cpu_time_of(readings, || {
        black_box(counter());
    });
    let system = cpu_time_of(readings, || {
        black_box(Instant::now());
    });
    Ok(vec![
        ("counter_ns", nanos_each(counter, readings)),
        ("system_ns", nanos_each(system, readings)),
    ])
}

fn cpu_time_of(times: usize, body: impl Fn()) -> Duration {
    let watch = Stopwatch::start();
    for _ in 0..times {
        body();
    }
    watch.stop().cpu
}

#[cfg(target_arch = "x86_64")]
fn counter() -> u64 {
    // SAFETY: RDTSC exists on every x86-64 processor and writes nothing but its result registers.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Where there is no such counter, stallscope asks the system instead.
#[cfg(not(target_arch = "x86_64"))]
fn counter() -> Instant {
    Instant::now()
}
