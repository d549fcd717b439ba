//! Readings of this process (CPU time, resident memory) and the line of JSON that carries them out.

use std::fmt::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};

/// Name and value of what one run measured. The names end in their unit.
pub(crate) type Figures = Vec<(&'static str, f64)>;

pub(crate) fn to_json(figures: &Figures) -> String {
    let mut line = String::from("{");
    for (index, (name, value)) in figures.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(line, "{comma}\"{name}\":{value}");
    }
    line + "}"
}

/// CPU time of the whole process so far, all threads, also those that have ended.
pub(crate) fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// Wall and CPU time of a piece of work.
pub(crate) struct Stopwatch {
    wall: Instant,
    cpu: Duration,
}

pub(crate) struct Elapsed {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self {
            wall: Instant::now(),
            cpu: cpu_time(),
        }
    }

    pub(crate) fn stop(&self) -> Elapsed {
        Elapsed {
            wall: self.wall.elapsed(),
            cpu: cpu_time().saturating_sub(self.cpu),
        }
    }
}

/// Nanoseconds of `time` for each of `count` operations.
pub(crate) fn nanos_each(time: Duration, count: usize) -> f64 {
    time.as_nanos() as f64 / count as f64
}

pub(crate) fn micros(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e3
}

/// Resident memory in bytes, exactly: `smaps_rollup` walks the page tables, where `statm` may lag by some pages per CPU.
pub(crate) fn resident() -> Result<u64> {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup")
        .context("resident memory is read from /proc/self/smaps_rollup: run the bench on Linux")?;
    let kib = rollup
        .lines()
        .find_map(|line| {
            line.strip_prefix("Rss:")?
                .trim()
                .strip_suffix(" kB")?
                .trim()
                .parse::<u64>()
                .ok()
        })
        .context("/proc/self/smaps_rollup has no `Rss: … kB` line")?;
    Ok(kib * 1024)
}

/// Resident memory once it has stopped changing.
pub(crate) struct Settled {
    pub(crate) bytes: u64,
    /// From the call until the last change.
    pub(crate) after: Duration,
}

/// Waits until resident memory has not moved by more than 64 KiB for `quiet`, at most 10 s: long enough for whatever
/// reclaims memory in the background. The runtime sits idle meanwhile.
pub(crate) async fn settled(quiet: Duration) -> Result<Settled> {
    const DEADLINE: Duration = Duration::from_secs(10);
    const TICK: Duration = Duration::from_millis(100);
    const NOISE: u64 = 64 * 1024;

    let start = Instant::now();
    let mut level = Settled {
        bytes: resident()?,
        after: Duration::ZERO,
    };
    while start.elapsed() < DEADLINE && start.elapsed() < level.after + quiet {
        tokio::time::sleep(TICK).await;
        let bytes = resident()?;
        if bytes.abs_diff(level.bytes) > NOISE {
            level = Settled {
                bytes,
                after: start.elapsed(),
            };
        }
    }
    Ok(Settled {
        bytes: resident()?,
        ..level
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_one_json_object() {
        assert_eq!(
            to_json(&vec![("wall_ns", 63.25), ("cpu_ns", 64.0)]),
            r#"{"wall_ns":63.25,"cpu_ns":64}"#
        );
        assert_eq!(to_json(&vec![]), "{}");
    }

    #[test]
    fn memory_that_is_touched_is_resident() {
        let before = resident().unwrap();
        let block = vec![1_u8; 32 << 20];
        let grown = resident().unwrap() - before;
        assert!(
            grown >= block.len() as u64,
            "32 MiB written, {grown} bytes more resident"
        );
    }

    #[test]
    fn cpu_time_runs_while_this_thread_computes() {
        let watch = Stopwatch::start();
        while watch.stop().cpu < Duration::from_millis(1) {}
        assert!(watch.stop().wall > Duration::ZERO);
    }
}
