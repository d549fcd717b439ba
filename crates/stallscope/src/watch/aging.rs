//! How long has a thread of a blocking pool been in one closure, and when is that to be told? Pure: what was seen and a time in.
//!
//! A closure is told when it has reached its limit and then each time its age has doubled: one that never returns goes on being told, ever
//! more rarely.

use super::stall::Now;

/// The closure of one thread, as it ages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Aging {
    /// When it was first seen: it may have begun up to a round of looks before.
    pub(super) since: Now,
    /// Time in which the process as a whole stood still.
    forgiven: u64,
    /// Told next at this age.
    next: u64,
    is_told: bool,
}

/// Looks per limit.
const LOOKS: u64 = 4;
/// How often is looked at a closure that was told, so that its end is told in time.
const TOLD_EVERY: u64 = 1_000_000_000;

/// How long a thread is left alone in which no old closure was seen.
pub(super) fn pause(limit: u64) -> u64 {
    (limit / LOOKS).max(1)
}

impl Aging {
    /// A closure was seen that is not known to be the one seen before.
    pub(super) fn new(now: Now, limit: u64) -> Self {
        Aging {
            since: now,
            forgiven: 0,
            next: limit,
            is_told: false,
        }
    }

    pub(super) fn age(&self, now: Now) -> u64 {
        now.saturating_sub(self.since).saturating_sub(self.forgiven)
    }

    /// Whether it is now to be told; it is proven that the thread has not left it since it was first seen.
    pub(super) fn is_due(&self, now: Now) -> bool {
        self.age(now) >= self.next
    }

    pub(super) fn was_told(&mut self, now: Now) {
        self.is_told = true;
        self.next = self.age(now).saturating_mul(2);
    }

    /// Whether its end is worth telling.
    pub(super) fn is_told(&self) -> bool {
        self.is_told
    }

    /// When to look again.
    pub(super) fn look_again(&self, now: Now, limit: u64) -> Now {
        let pause = if self.is_told {
            pause(limit).min(TOLD_EVERY)
        } else {
            pause(limit)
        };
        now + self.next.saturating_sub(self.age(now)).min(pause)
    }

    /// The process stood still for so long: nothing has aged in that time.
    pub(super) fn forgive(&mut self, length: u64) {
        self.forgiven += length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const LIMIT: u64 = 4 * SECOND;

    /// Looks at a closure whenever it wants to be looked at, and at its thread first at `found`; when it was told, in seconds.
    fn told(found: u64, until: u64) -> Vec<u64> {
        let mut now = found * SECOND;
        let mut aging = Aging::new(now, LIMIT);
        let mut told = Vec::new();
        while now < until * SECOND {
            if aging.is_due(now) {
                aging.was_told(now);
                told.push(now / SECOND);
            }
            let next = aging.look_again(now, LIMIT);
            assert!(next > now, "a look must not be due at once again");
            now = next;
        }
        told
    }

    #[test]
    fn it_is_told_at_its_limit_and_each_time_it_has_doubled() {
        assert_eq!(told(0, 40), [4, 8, 16, 32]);
    }

    #[test]
    fn however_late_it_was_found_it_is_told_a_quarter_of_the_limit_after_the_limit() {
        let latest = pause(LIMIT) / SECOND;
        assert_eq!(told(latest, 9), [5]);
    }

    #[test]
    fn once_told_its_end_is_noticed_within_a_second_however_long_the_limit_is() {
        let limit = 300 * SECOND;
        let mut aging = Aging::new(0, limit);
        assert_eq!(aging.look_again(0, limit), limit / 4);
        aging.was_told(limit);
        assert_eq!(aging.look_again(limit, limit), limit + SECOND);
    }

    #[test]
    fn while_the_process_is_stopped_nothing_ages() {
        let mut aging = Aging::new(0, LIMIT);
        aging.forgive(3600 * SECOND);
        let woken = 3600 * SECOND + SECOND;
        assert_eq!((aging.age(woken), aging.is_due(woken)), (SECOND, false));
        assert!(aging.is_due(woken + LIMIT));
    }
}
