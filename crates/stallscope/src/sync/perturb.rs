//! What happens at tracked points in tests. Each says whose test it is in; and where a test asks for it, seeded delays widen the windows in which
//! things go wrong.
//!
//! A thread is held up by sleeping. That interleaves nothing on a runtime of one thread, so tasks also let others go first, at the points
//! where they could have had to wait anyway.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::Context;
use std::thread;
use std::time::Duration;

use super::trial;
use crate::entry::allow::allow_blocking;

/// Tests that run now.
static TESTS: AtomicUsize = AtomicUsize::new(0);
/// Those of them that are perturbed.
static PERTURBED: AtomicUsize = AtomicUsize::new(0);

/// The longest delay of a thread, microseconds: enough for others to run, too short to be a long poll.
const LONGEST: u64 = 1000;
/// The most turns a task gives to others before it takes a lock.
const MOST_TURNS: u64 = 4;
/// The most polls in a row that a task gives to others.
const MOST_POLLS: u8 = 3;

/// The delays of one test.
#[derive(Debug)]
pub(super) struct Delays {
    seed: u64,
    /// Points that were passed.
    passed: AtomicU64,
}

impl Delays {
    pub(super) fn new(seed: u64) -> Self {
        Delays {
            seed: scramble(seed),
            passed: AtomicU64::new(0),
        }
    }

    fn next(&self) -> u64 {
        scramble(self.seed ^ self.passed.fetch_add(1, Ordering::Relaxed))
    }
}

/// A tracked point in plain code.
#[inline]
pub(crate) fn here() {
    if in_test() {
        passes();
    }
}

/// A tracked point in a task: so many turns it lets others go first.
#[inline]
pub(crate) fn turns() -> u64 {
    if in_test() { passes_and_turns() } else { 0 }
}

/// The beginning of a poll of a task: whether this one is given to others. If so the task is woken, and is to return. `in_a_row` is kept by the caller
/// and begins with 0.
#[inline]
pub(crate) fn gives_way(in_a_row: &mut u8, context: &mut Context<'_>) -> bool {
    is_on() && gives_this_poll(in_a_row, context)
}

/// One more test runs, perturbed or not.
pub(super) fn one_more(is_perturbed: bool) {
    TESTS.fetch_add(1, Ordering::Relaxed);
    PERTURBED.fetch_add(is_perturbed.into(), Ordering::Relaxed);
}

/// One has ended.
pub(super) fn one_less(was_perturbed: bool) {
    TESTS.fetch_sub(1, Ordering::Relaxed);
    PERTURBED.fetch_sub(was_perturbed.into(), Ordering::Relaxed);
}

#[inline]
fn in_test() -> bool {
    TESTS.load(Ordering::Relaxed) != 0
}

#[inline]
fn is_on() -> bool {
    PERTURBED.load(Ordering::Relaxed) != 0
}

#[cold]
fn passes() {
    trial::passes();
    // One point in two: where all are late, none is.
    if let Some(number) = next()
        && number & 1 == 1
    {
        let delay = Duration::from_micros((number >> 1) % LONGEST);
        // A poll is not too long for what it was made to wait.
        allow_blocking("a delay that a test has asked for", || thread::sleep(delay));
    }
}

#[cold]
fn passes_and_turns() -> u64 {
    trial::passes();
    next().map_or(0, |number| number % (MOST_TURNS + 1))
}

#[cold]
fn gives_this_poll(in_a_row: &mut u8, context: &mut Context<'_>) -> bool {
    let gives = *in_a_row < MOST_POLLS && next().is_some_and(|number| number & 1 == 1);
    if gives {
        *in_a_row += 1;
        context.waker().wake_by_ref();
    } else {
        *in_a_row = 0;
    }
    gives
}

/// By the seed of the test that runs here; none if it has none.
fn next() -> Option<u64> {
    if !is_on() {
        return None;
    }
    Some(trial::current()?.delays.as_ref()?.next())
}

/// One number in, one out, in which every bit of the first has a say (the finalizer of `SplitMix64`).
fn scramble(number: u64) -> u64 {
    let number = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::super::trial::Trial;
    use super::*;

    #[test]
    fn neighbouring_points_and_seeds_have_nothing_in_common() {
        let numbers = |seed| {
            let delays = Delays::new(seed);
            (0..1000).map(|_| delays.next()).collect::<Vec<_>>()
        };
        for seed in [0, 1, 42, u64::MAX] {
            let odd = numbers(seed)
                .iter()
                .filter(|number| *number & 1 == 1)
                .count();
            assert!((400..600).contains(&odd), "{odd}");
        }
        assert_eq!(numbers(7), numbers(7), "a seed says it all");
        let others = numbers(1);
        assert!(numbers(0).iter().all(|number| !others.contains(number)));
    }

    #[tokio::test]
    async fn a_task_gives_way_now_and_then_and_not_for_ever() {
        let trial = Trial::new("tests::sells", Some(42), false);
        let _running = trial.runs_here();
        let (mut in_a_row, mut polls, mut longest) = (0, 0, 0);
        for _ in 0..1000 {
            let gives = gives_way(&mut in_a_row, &mut Context::from_waker(Waker::noop()));
            polls += u32::from(gives);
            longest = longest.max(in_a_row);
        }
        assert!((300..600).contains(&polls), "{polls}");
        assert_eq!(longest, MOST_POLLS);
    }

    #[tokio::test]
    async fn a_test_without_a_seed_is_left_alone_beside_one_that_has_one() {
        let other = std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            runtime
                .expect("built")
                .block_on(async { Trial::new("tests::sells", Some(1), false).runs_here() })
        });
        let _other = other.join().expect("no panic");
        let trial = Trial::new("tests::buys", None, false);
        let _running = trial.runs_here();
        assert!((0..100).all(|_| turns() == 0 && next().is_none()));
    }
}
