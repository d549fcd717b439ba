//! What does it cost to take a free lock and let go of it, tracked and plain?
//!
//! Both in one process, in turns, by one task: what the machine does to one it does to the other.

use std::hint::black_box;
use std::sync as std_sync;
use std::time::{Duration, Instant};

use anyhow::Result;
use stallscope::sync as tracked;
use tokio::sync as plain;

use crate::arguments::Arguments;
use crate::instrumented;
use crate::measure::{Figures, nanos_each};
use crate::percentile::at_percent;

/// Locks and unlocks so often, and says how long that took.
macro_rules! time {
    ($lock:expr, $times:expr, |$held:ident| $take:expr) => {{
        let $held = black_box(&$lock);
        let start = Instant::now();
        for _ in 0..$times {
            $take;
        }
        start.elapsed()
    }};
}

/// The medians of both ways, in turns.
macro_rules! compare {
    ($figures:ident, $arguments:ident, $ours:expr, $plain:expr, $names:expr, |$held:ident| $take:expr) => {{
        let (rounds, times) = $arguments;
        let (ours, plain) = ($ours, $plain);
        let mut all = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            all.0.push(time!(ours, times, |$held| $take));
            all.1.push(time!(plain, times, |$held| $take));
        }
        $figures.extend(figures($names, &mut all.0, &mut all.1, times));
    }};
}

/// For each lock `…_ns`, `…_plain_ns` and `…_ratio`.
pub(crate) fn run(arguments: &Arguments) -> Result<Figures> {
    let arguments = (arguments.count("rounds")?, arguments.count("times")?);
    instrumented::run(1, async move {
        let mut figures = Figures::new();
        compare!(
            figures,
            arguments,
            tracked::Mutex::new(0_u64),
            plain::Mutex::new(0_u64),
            ["mutex_ns", "mutex_plain_ns", "mutex_ratio"],
            |lock| *lock.lock().await += 1
        );
        compare!(
            figures,
            arguments,
            tracked::RwLock::new(0_u64),
            plain::RwLock::new(0_u64),
            ["read_ns", "read_plain_ns", "read_ratio"],
            |lock| black_box(*lock.read().await)
        );
        compare!(
            figures,
            arguments,
            tracked::RwLock::new(0_u64),
            plain::RwLock::new(0_u64),
            ["write_ns", "write_plain_ns", "write_ratio"],
            |lock| *lock.write().await += 1
        );
        compare!(
            figures,
            arguments,
            tracked::blocking::Mutex::new(0_u64),
            std_sync::Mutex::new(0_u64),
            [
                "blocking_mutex_ns",
                "blocking_mutex_plain_ns",
                "blocking_mutex_ratio"
            ],
            |lock| if let Ok(mut value) = lock.lock() {
                *value += 1;
            }
        );
        compare!(
            figures,
            arguments,
            tracked::blocking::RwLock::new(0_u64),
            std_sync::RwLock::new(0_u64),
            [
                "blocking_read_ns",
                "blocking_read_plain_ns",
                "blocking_read_ratio"
            ],
            |lock| if let Ok(value) = lock.read() {
                black_box(*value);
            }
        );
        compare!(
            figures,
            arguments,
            tracked::blocking::RwLock::new(0_u64),
            std_sync::RwLock::new(0_u64),
            [
                "blocking_write_ns",
                "blocking_write_plain_ns",
                "blocking_write_ratio"
            ],
            |lock| if let Ok(mut value) = lock.write() {
                *value += 1;
            }
        );
        figures
    })
}

fn figures(
    names: [&'static str; 3],
    ours: &mut [Duration],
    plain: &mut [Duration],
    times: usize,
) -> Figures {
    let median = |times: &mut [Duration]| at_percent(times, 50);
    let (ours, plain) = (median(ours), median(plain));
    let ratio = ours.as_secs_f64() / plain.as_secs_f64();
    vec![
        (names[0], nanos_each(ours, times)),
        (names[1], nanos_each(plain, times)),
        (names[2], ratio),
    ]
}
