//! How often may threads that run be stopped for their stacks, and what did that take?

use std::time::Duration;

/// So many stops in a second at most, each of some 100 µs.
const MOST: u64 = 5;

const SECOND: Duration = Duration::from_secs(1);

/// Keeps stops rare, and counts them. Times are since the watch began.
#[derive(Debug, Default)]
pub(super) struct Stops {
    /// When the second is over that began with a stop, and how many there were in it.
    until: Duration,
    lately: u64,
    made: Stopped,
}

/// Stops that were made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Stopped {
    pub(crate) count: u64,
    /// The longest that it is known of.
    pub(crate) longest: Duration,
}

impl Stops {
    pub(super) fn is_due(&self, now: Duration) -> bool {
        now >= self.until || self.lately < MOST
    }

    /// One was made, or tried, at that time. `took`: if it brought a stack.
    pub(super) fn note(&mut self, at: Duration, took: Option<Duration>) {
        if at >= self.until {
            self.until = at + SECOND;
            self.lately = 0;
        }
        self.lately += 1;
        self.made.count += 1;
        self.made.longest = self.made.longest.max(took.unwrap_or_default());
    }

    pub(super) fn made(&self) -> Stopped {
        self.made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_a_few_in_a_second_and_then_none_for_the_rest_of_it() {
        let (ms, us) = (Duration::from_millis, Duration::from_micros);
        let mut stops = Stops::default();
        for at in [10, 10, 10, 20, 30] {
            assert!(stops.is_due(ms(at)));
            stops.note(ms(at), (at == 10).then_some(us(80)));
        }
        assert!(!stops.is_due(ms(30)) && !stops.is_due(ms(1009)));
        assert!(stops.is_due(ms(1010)));
        stops.note(ms(1500), Some(us(40)));
        assert!(stops.is_due(ms(1500)));
        let made = stops.made();
        assert_eq!((made.count, made.longest), (6, us(80)));
    }
}
