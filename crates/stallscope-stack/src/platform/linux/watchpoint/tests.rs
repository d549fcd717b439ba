//! Threads that touch the same bytes, in as many rounds as it takes. Where breakpoints are not to be had, each says so.

#![allow(unsafe_code)] // Bytes that are shared badly, on purpose.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::{Symbolizer, Unwinder};

/// There is one round at a time in a process, and tests run beside each other.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Rounds in which nothing may be seen.
const ROUNDS: usize = 100;

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Default)]
struct Bytes(UnsafeCell<u64>);

// SAFETY: volatile accesses of an aligned word; that they race is what is tested.
unsafe impl Sync for Bytes {}

impl Bytes {
    fn address(&self) -> u64 {
        self.0.get().addr() as u64
    }

    #[inline(never)]
    fn increase(&self) {
        let word = self.0.get();
        // SAFETY: aligned and alive; see above.
        unsafe { word.write_volatile(word.read_volatile() + 1) };
    }

    #[inline(never)]
    fn look(&self) -> u64 {
        // SAFETY: as in `increase`.
        unsafe { self.0.get().read_volatile() }
    }
}

/// Lets two threads do this again and again, and looks at rounds until it has seen enough; false if it cannot be tested here.
fn with_two_threads(
    bytes: &Bytes,
    does: impl Fn() + Sync,
    mut is_enough: impl FnMut(Round) -> bool,
) -> bool {
    let (ends, tids) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        let _ends = Ends(&ends);
        for _ in 0..2 {
            scope.spawn(|| {
                tids.lock()
                    .expect("not poisoned")
                    .push(Tid::current().expect("Linux"));
                while !ends.load(Ordering::Relaxed) {
                    does();
                }
            });
        }
        while tids.lock().expect("not poisoned").len() < 2 {
            thread::yield_now();
        }
        let tids = tids.lock().expect("not poisoned").clone();
        loop {
            let watch = match Watch::lay(bytes.address(), 8, tids.iter().copied()) {
                Ok(watch) => watch,
                Err(refused) => {
                    eprintln!("not tested, as breakpoints are not to be had here: {refused}");
                    break false;
                }
            };
            watch.begin();
            watch.switch_on();
            thread::sleep(Duration::from_millis(3));
            if is_enough(ended(watch)) {
                break true;
            }
        }
    })
}

/// The threads end with the test, also with one that fails.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn ended(mut watch: Watch) -> Round {
    loop {
        match watch.end() {
            Ok(round) => return round,
            Err(again) => watch = again,
        }
        thread::sleep(Duration::from_micros(100));
    }
}

#[test]
fn two_that_take_no_turns_are_seen_at_the_lines_of_both() {
    let _alone = alone();
    let (bytes, began) = (Bytes::default(), Instant::now());
    let mut met = None;
    let is_tested = with_two_threads(
        &bytes,
        || bytes.increase(),
        |round| {
            met = round.meeting;
            met.is_some() || began.elapsed() > Duration::from_secs(60)
        },
    );
    if !is_tested {
        return;
    }
    let met = met.expect("two threads that do nothing else meet");
    assert_ne!(met.held.stack.tid, met.came.stack.tid);
    assert!(met.held.wrote || met.came.wrote);
    for touch in [&met.held, &met.came] {
        let trace = Unwinder::new().unwind(&touch.stack);
        let names: Vec<_> = Symbolizer::new()
            .frames(&trace)
            .into_iter()
            .filter_map(|frame| frame.function)
            .collect();
        let is_there = names.iter().any(|name| name.contains("increase"));
        assert!(is_there || cfg!(not(feature = "symbols")), "{names:?}");
    }
}

#[test]
fn two_that_take_turns_or_only_look_are_never_seen_together() {
    let _alone = alone();
    let (bytes, lock) = (Bytes::default(), Mutex::new(()));
    let by_turns = || {
        let _guard = lock.lock().expect("not poisoned");
        bytes.increase();
    };
    let only_look = || _ = std::hint::black_box(bytes.look());
    let ways: [&(dyn Fn() + Sync); 2] = [&by_turns, &only_look];
    for does in ways {
        let (mut rounds, mut longest) = (0, 0);
        with_two_threads(&bytes, does, |round| {
            assert!(round.meeting.is_none(), "{:?}", round.meeting);
            longest = longest.max(round.held_ns);
            rounds += 1;
            rounds == ROUNDS
        });
        eprintln!("{rounds} rounds, the longest hold {longest} ns");
    }
}

/// A round for the calling thread alone; none if it cannot be tested here.
fn own_round(bytes: &Bytes) -> Option<Watch> {
    let tid = Tid::current().expect("Linux");
    let laid = Watch::lay(bytes.address(), 8, [tid].into_iter());
    let refused = |refused: &io::Error| {
        eprintln!("not tested, as breakpoints are not to be had here: {refused}");
    };
    laid.inspect_err(refused).ok()
}

#[test]
fn one_that_is_alone_is_held_once_and_not_for_long() {
    let _alone = alone();
    let bytes = Bytes::default();
    let mut shortest = u64::MAX;
    for _ in 0..20 {
        let Some(watch) = own_round(&bytes) else {
            return;
        };
        watch.begin();
        watch.switch_on();
        for _ in 0..100 {
            bytes.increase();
        }
        let round = ended(watch);
        assert!(round.meeting.is_none());
        shortest = shortest.min(round.held_ns);
    }
    // Of one that lost its processor meanwhile it is longer, so not each is.
    assert!((800_000..1_000_000).contains(&shortest), "{shortest} ns");
    assert_eq!(bytes.look(), 2000);
}

#[test]
fn what_is_called_off_holds_nobody() {
    let _alone = alone();
    let bytes = Bytes::default();
    let Some(watch) = own_round(&bytes) else {
        return;
    };
    watch.begin();
    watch.switch_on();
    call_off();
    bytes.increase();
    let round = ended(watch);
    assert!(round.meeting.is_none() && round.held_ns == 0, "{round:?}");
}

#[test]
fn there_is_one_round_at_a_time_and_dropping_it_makes_room() {
    let _alone = alone();
    let bytes = Bytes::default();
    let Some(first) = own_round(&bytes) else {
        return;
    };
    let tid = Tid::current().expect("Linux");
    let lay = || Watch::lay(bytes.address(), 8, [tid].into_iter());
    let second = lay().expect_err("one is on");
    assert_eq!(second.kind(), io::ErrorKind::ResourceBusy);
    drop(first);
    let second = ended(lay().expect("there is room again"));
    assert!(second.meeting.is_none() && second.held_ns == 0);
}
