//! Do two threads touch the same bytes at the same time?

use std::io;

use crate::{RawStack, Tid, platform};

/// Up to eight bytes, watched by hardware on many threads at once, for one round.
///
/// The first thread that touches them is held at that instruction, for less than a millisecond. If another one comes to touch them
/// meanwhile, and one of the two writes, nothing keeps one from the other: a lock, or any other order of things, would have made it wait.
/// Then both stacks are kept, and the first one goes on at once. A round ends with that, or with the first hold that saw nobody.
///
/// To a thread a round costs at most two traps, each some microseconds, and to one of them the hold; none of their system calls fails for it. Uses two of
/// the processor's four or so debug registers. There is one round at a time in a process.
///
/// # Example
/// ```
/// use stallscope_stack::{Tid, Watchpoint};
///
/// let shared = 7_u64;
/// # let Some(tid) = Tid::current() else { return };
/// // Needs no privilege, but many containers forbid it: be ready to go without.
/// if let Ok(watch) = Watchpoint::lay((&raw const shared).addr() as u64, 8, [tid]) {
///     watch.begin();
///     watch.switch_on();
///     // … a while later …
///     if let Ok(round) = watch.end() {
///         println!("met: {}", round.meeting.is_some());
///     }
/// }
/// ```
#[derive(Debug)]
#[must_use = "nothing is watched any more when this is dropped"]
pub struct Watchpoint {
    watch: platform::Watch,
}

/// What came of a round.
#[derive(Debug, Default)]
pub struct Round {
    /// How long a thread was held, in nanoseconds; 0 if none was.
    pub held_ns: u64,
    /// Two accesses at the same time, if there were.
    pub meeting: Option<Meeting>,
}

/// Two accesses at the same time, at least one of them a write.
#[derive(Debug)]
pub struct Meeting {
    /// The one that was held.
    pub held: Touch,
    /// The one that came while it was.
    pub came: Touch,
}

/// An access.
#[derive(Debug)]
pub struct Touch {
    /// Whose, and where: the innermost frame is at the instruction.
    pub stack: RawStack,
    /// It wrote; it may have read as well.
    pub wrote: bool,
}

impl Watchpoint {
    /// Makes everything ready for bytes of this process and some of its threads; nothing is watched yet. Threads that have ended, that block
    /// our signal or for which there is no room are left out. Some 60 µs a thread, of which none is disturbed.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] if `length` is not 1, 2, 4 or 8, or the address no multiple of it. [`io::ErrorKind::ResourceBusy`]
    /// while another round is on. If it works for no thread, whatever `perf_event_open(2)` says, as for
    /// [`Tripwire::lay`](crate::Tripwire::lay), or that our signal handler is not in place.
    pub fn lay(
        address: u64,
        length: u64,
        threads: impl IntoIterator<Item = Tid>,
    ) -> io::Result<Self> {
        if !matches!(length, 1 | 2 | 4 | 8) || !address.is_multiple_of(length) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a watchpoint takes 1, 2, 4 or 8 bytes at a multiple of their number",
            ));
        }
        platform::Watch::lay(address, length, threads.into_iter()).map(|watch| Self { watch })
    }

    /// On how many threads.
    pub fn threads(&self) -> usize {
        self.watch.threads()
    }

    /// From now on what is touched counts, until [`Watchpoint::call_off`] or the end. One store.
    pub fn begin(&self) {
        self.watch.begin();
    }

    /// Sets the debug registers of all threads, some 15 µs for each.
    pub fn switch_on(&self) {
        self.watch.switch_on();
    }

    /// The bytes are about to become somebody else's: what touches them from now on counts no more, whoever began the round. One store.
    pub fn call_off() {
        platform::call_off();
    }

    /// Ends the round: some 20 µs a thread.
    ///
    /// # Errors
    /// Gives itself back while a thread is still on its way out: the round is over, but try again later.
    pub fn end(self) -> Result<Round, Self> {
        self.watch.end().map_err(|watch| Self { watch })
    }
}

/// An access as it was noted: when, by monotonic nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) tid: i32,
    pub(crate) wrote: bool,
    /// When it was there.
    pub(crate) from: u64,
    /// Until when it was certainly still at that instruction.
    pub(crate) until: u64,
}

/// Whether the second was there while the first was held, and either may spoil what the other does.
pub(crate) fn is_meeting(held: &Hit, came: &Hit) -> bool {
    held.tid != came.tid
        && (held.wrote || came.wrote)
        && (held.from..=held.until).contains(&came.from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hit(tid: i32, wrote: bool, from: u64, until: u64) -> Hit {
        Hit {
            tid,
            wrote,
            from,
            until,
        }
    }

    #[test]
    fn two_threads_meet_if_one_comes_during_the_hold_and_one_writes() {
        let held = hit(1, true, 100, 1100);
        assert!(is_meeting(&held, &hit(2, true, 600, 600)));
        assert!(is_meeting(&held, &hit(2, false, 600, 600)));
        assert!(is_meeting(
            &hit(1, false, 100, 1100),
            &hit(2, true, 600, 600)
        ));
        for (first, second) in [
            (hit(1, false, 100, 1100), hit(2, false, 600, 600)), // two readers
            (held, hit(1, true, 600, 600)),                      // the same thread
            (held, hit(2, true, 1101, 1101)),                    // after the hold
            (held, hit(2, true, 99, 99)),                        // before it
        ] {
            assert!(!is_meeting(&first, &second), "{first:?} {second:?}");
        }
    }

    proptest! {
        #[test]
        fn readers_never_meet_and_nobody_meets_himself(
            from: u64, until: u64, at: u64, wrote: bool, tids in (1..9_i32, 1..9_i32),
        ) {
            let readers = is_meeting(&hit(tids.0, false, from, until), &hit(tids.1, false, at, at));
            prop_assert!(!readers);
            let itself = is_meeting(&hit(tids.0, wrote, from, until), &hit(tids.0, true, at, at));
            prop_assert!(!itself);
        }
    }

    #[test]
    fn what_the_processor_cannot_watch_is_refused() {
        for (address, length) in [(0x1000, 0), (0x1000, 3), (0x1000, 16), (0x1004, 8)] {
            let refused = Watchpoint::lay(address, length, []).expect_err("refused");
            assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        }
    }
}
