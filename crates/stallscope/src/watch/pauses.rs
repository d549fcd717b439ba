//! When did the process as a whole stand still? Stopped by a signal or a debugger, or together with its machine; told apart from a
//! machine that is busy with something else.
//!
//! The watchdog's own sleep is the clock: it takes as long as was asked for, and then as long as the kernel says it has waited for a
//! processor. What is beyond that is a pause. The watchdog forgives polls all of its lateness, which is cheaper and enough where a stall comes
//! again; a test has only one, and asks here.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use stallscope_stack::Tid;
use stallscope_stack::kernel::ThreadState;

/// The last pauses: end and length.
static PAUSES: Mutex<Vec<(Instant, Duration)>> = Mutex::new(Vec::new());

/// Those before are forgotten.
const KEPT: usize = 64;
/// What is shorter is how timers are.
const SHORTEST: Duration = Duration::from_millis(2);

/// Sleeps, and notes whether the process stood still meanwhile.
pub(super) fn sleep(pause: Duration) {
    let (began, before) = (Instant::now(), waited());
    std::thread::sleep(pause);
    let late = began.elapsed().saturating_sub(pause);
    // Where the kernel does not say, nobody can tell a pause from a busy machine: then all of it is one.
    let waited = before
        .zip(waited())
        .map_or(Duration::ZERO, |(before, after)| {
            after.saturating_sub(before)
        });
    let stood_still = late.saturating_sub(waited);
    if stood_still >= SHORTEST {
        let mut pauses = PAUSES.lock().unwrap_or_else(PoisonError::into_inner);
        if pauses.len() >= KEPT {
            pauses.remove(0);
        }
        pauses.push((Instant::now(), stood_still));
    }
}

/// How much of this time the process stood still, at most.
pub(crate) fn between(began: Instant, ended: Instant) -> Duration {
    let pauses = PAUSES.lock().unwrap_or_else(PoisonError::into_inner);
    overlap(&pauses, began, ended)
}

fn overlap(pauses: &[(Instant, Duration)], began: Instant, ended: Instant) -> Duration {
    // Where between the beginning of the sleep and its end the pause was is not known: it counts if it can have been within.
    let within = pauses.iter().filter(|(end, _)| *end > began);
    within
        .filter(|(end, length)| end.checked_sub(*length).is_none_or(|begin| begin < ended))
        .map(|(_, length)| *length)
        .sum()
}

fn waited() -> Option<Duration> {
    Some(ThreadState::read_times(Tid::current()?)?.waiting_for_cpu)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_before_and_after_do_not_count() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let second = Duration::from_secs(1);
        let pauses = [(at(10), second), (at(20), second * 3), (at(30), second)];
        assert_eq!(overlap(&pauses, at(11), at(25)), second * 3);
        assert_eq!(overlap(&pauses, at(18), at(19)), second * 3);
        assert_eq!(overlap(&pauses, at(11), at(16)), Duration::ZERO);
        assert_eq!(overlap(&pauses, at(0), at(40)), second * 5);
    }
}
