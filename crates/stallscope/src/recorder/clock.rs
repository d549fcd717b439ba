//! What time is it, as cheaply as the machine allows?
//!
//! The poll path reads the time twice per poll, so a read has to cost a few nanoseconds. Where the
//! processor's counter runs at one rate in every power state and the kernel itself trusts it,
//! [`Clock::now`] reads that counter; everywhere else it asks the operating system. Ticks become
//! nanoseconds only on the agent's side, by comparing how far both clocks have come since the start
//! of recording: no calibration delays the application's start.
#![allow(unsafe_code)] // reads the time stamp counter

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// A reading of the recorder's clock. Its unit is known to [`Clock`] alone; only differences mean
/// something.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) struct Ticks(pub(crate) u64);

impl Ticks {
    /// Ticks since `earlier`; zero if the counters of two cores disagree about the order.
    #[inline]
    pub(crate) fn since(self, earlier: Ticks) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// The recorder's clock and the moment recording began.
pub(crate) struct Clock {
    counter: AtomicBool,
    origin: OnceLock<Origin>,
}

#[derive(Clone, Copy)]
struct Origin {
    instant: Instant,
    ticks: Ticks,
    unix: Duration,
}

impl Clock {
    pub(super) const fn new() -> Self {
        Clock {
            counter: AtomicBool::new(false),
            origin: OnceLock::new(),
        }
    }

    /// Fixes the start of recording. Later calls change nothing.
    pub(super) fn start(&self) {
        self.origin.get_or_init(|| {
            let counter = counter_is_trustworthy();
            self.counter.store(counter, Ordering::Relaxed);
            Origin::now(if counter { read_counter() } else { Ticks(0) })
        });
    }

    #[inline]
    pub(crate) fn now(&self) -> Ticks {
        if self.counter.load(Ordering::Relaxed) {
            read_counter()
        } else {
            self.os_ticks()
        }
    }

    /// Time since the start of recording.
    pub(crate) fn uptime(&self) -> Duration {
        self.origin().instant.elapsed()
    }

    /// The start of recording on the wall clock, as time since 1970.
    pub(crate) fn started_unix(&self) -> Duration {
        self.origin().unix
    }

    /// The rate between ticks and nanoseconds as seen over the whole time of recording.
    pub(crate) fn rate(&self) -> Rate {
        let origin = self.origin();
        if !self.counter.load(Ordering::Relaxed) {
            return Rate {
                now: self.now(),
                nanos_per_tick: 1.0,
            };
        }
        let nanos = origin.instant.elapsed().as_nanos() as f64;
        let now = self.now();
        Rate {
            now,
            nanos_per_tick: nanos / now.since(origin.ticks).max(1) as f64,
        }
    }

    /// Where the time comes from, for `doctor`.
    pub(crate) fn source(&self) -> &'static str {
        if self.counter.load(Ordering::Relaxed) {
            "the processor's time stamp counter"
        } else {
            "clock_gettime"
        }
    }

    #[cold]
    #[inline(never)]
    fn os_ticks(&self) -> Ticks {
        // One more than elapsed: in a slot, a time of 0 means "never".
        Ticks(
            u64::try_from(self.origin().instant.elapsed().as_nanos())
                .unwrap_or(u64::MAX)
                .saturating_add(1),
        )
    }

    fn origin(&self) -> Origin {
        *self.origin.get_or_init(|| Origin::now(Ticks(0)))
    }
}

impl Origin {
    fn now(ticks: Ticks) -> Self {
        let unix = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Origin {
            instant: Instant::now(),
            ticks,
            unix,
        }
    }
}

/// Converts ticks to nanoseconds; taken once per answer so that all its figures agree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    /// The moment the answer is about.
    pub(crate) now: Ticks,
    nanos_per_tick: f64,
}

impl Rate {
    #[allow(clippy::cast_sign_loss)] // both factors are positive
    pub(crate) fn nanos(&self, ticks: u64) -> u64 {
        (ticks as f64 * self.nanos_per_tick) as u64
    }

    /// How many ticks a duration has.
    #[allow(clippy::cast_sign_loss)] // as above
    pub(crate) fn ticks(&self, duration: Duration) -> u64 {
        (duration.as_nanos() as f64 / self.nanos_per_tick) as u64
    }

    pub(crate) fn nanos_since(&self, earlier: Ticks) -> u64 {
        self.nanos(self.now.since(earlier))
    }

    #[cfg(test)]
    pub(crate) fn for_test(now: u64) -> Self {
        Rate {
            now: Ticks(now),
            nanos_per_tick: 1.0,
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn read_counter() -> Ticks {
    // SAFETY: RDTSC exists on every x86-64 processor and touches nothing but its result registers.
    // (An operating system may forbid it to user code; `counter_is_trustworthy` has seen the kernel
    // use it for its own vDSO then.)
    Ticks(unsafe { core::arch::x86_64::_rdtsc() })
}

#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn read_counter() -> Ticks {
    Ticks(0) // never asked: `counter_is_trustworthy` says no
}

/// The kernel measures the counter at boot and leaves it as its clock source only while it is
/// constant, unstopped and in step on all cores. Virtual machines that keep time by it under
/// another name pass as well.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn counter_is_trustworthy() -> bool {
    std::fs::read_to_string("/sys/devices/system/clocksource/clocksource0/current_clocksource")
        .is_ok_and(|name| {
            matches!(
                name.trim(),
                "tsc" | "kvm-clock" | "hyperv_clocksource_tsc_page"
            )
        })
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
fn counter_is_trustworthy() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_millisecond_of_the_systems_clock_is_one_of_ours() {
        let clock = Clock::new();
        clock.start();
        let (began, ticks) = (Instant::now(), clock.now());
        while began.elapsed() < Duration::from_millis(20) {}
        let ours = clock.rate().nanos(clock.now().since(ticks));
        let theirs = u64::try_from(began.elapsed().as_nanos()).expect("20 ms");
        assert!(
            ours.abs_diff(theirs) < theirs / 20,
            "ours {ours} ns, the system's {theirs} ns"
        );
    }

    #[test]
    fn a_counter_that_runs_backwards_between_cores_gives_zero() {
        assert_eq!(Ticks(5).since(Ticks(9)), 0);
    }
}
