//! When the view looks at the threads of a process again: often enough to see a stall, and cheap enough to be left open for hours.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Between two looks. Of a poll that is too long for certain the third one shows that.
const INTERVAL: Duration = Duration::from_millis(10);

/// Of one processor, one part in so many may be spent on looks, where there are many threads to look at.
const SHARE: u32 = 32;

/// So much time without looks can be made up for: one look that takes longer, since a stack is read, puts off none.
const CREDIT: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Since the watch began.
    due: Duration,
    /// By when what was spent is within the share.
    paid: Duration,
}

impl Pace {
    /// When to look next.
    pub(super) fn due(&self) -> Duration {
        self.due
    }

    /// There was a look, and it has taken so much of a processor: on a machine that is full it lasts longer, which is no reason to look less.
    pub(super) fn looked(&mut self, now: Duration, spent: Duration) {
        self.paid = self.paid.max(now.saturating_sub(CREDIT)) + spent * SHARE;
        self.due = self.paid.max(now + INTERVAL);
    }
}

/// What the calling thread has had of a processor up to now.
pub(super) fn spent() -> Duration {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(spent).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// How many looks there are within ten seconds, if each takes that long.
    fn looks(took: Duration) -> u32 {
        let mut pace = Pace::default();
        let mut looks = 0;
        while pace.due() < MS(10_000) {
            let from = pace.due();
            pace.looked(from + took, took);
            looks += 1;
        }
        looks
    }

    #[test]
    fn looks_are_ten_milliseconds_apart_while_they_are_cheap() {
        assert_eq!(looks(Duration::ZERO), 1000);
        assert_eq!(looks(Duration::from_micros(250)), 976);
    }

    #[test]
    fn looks_at_very_many_threads_are_rare() {
        let took = MS(10);
        let share = took * looks(took) * 100 / 10_000;
        assert!(share < MS(4), "{share:?} of 100 ms");
    }

    #[test]
    fn one_look_that_takes_longer_puts_off_none() {
        let mut pace = Pace::default();
        pace.looked(MS(5005), MS(5));
        assert_eq!(pace.due(), MS(5015));
    }
}
