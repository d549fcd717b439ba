//! Who is held, who met it, and where do both leave their stacks?
//!
//! ```text
//!        claim           begin         first touch               second touch
//!   Free ─────▶ Off ───────────▶ Armed ───────────▶ Held ──────────────────▶ Met
//!                ▲                 │ call_off        │  its time is over      │
//!                └─────────────────┴─────────────────┴──────▶ Spent ─────────┘ call_off
//! ```
//!
//! Exactly one thread wins the step to `Held` and owns the first seat, exactly one the step to `Met` and owns the second. Seats are read when all
//! handlers have left their slots.

#![allow(unsafe_code)] // Buffers that signal handlers fill are shared by protocol, not by a lock.

use core::cell::UnsafeCell;
use core::hint;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::super::signal_safe::{self, SignalSafe};
use super::super::{arch, running};
use super::slot::Access;
use crate::Tid;
use crate::capture::{Method, RawStack, Registers};
use crate::watchpoint::{Hit, Meeting, Round as Outcome, Touch, is_meeting};

pub(super) static ROUND: Round = Round::new();

/// A thread is held for no longer, in nanoseconds: with traps and signals it is less than a millisecond.
const HOLD: u64 = 900_000;
/// Of a stack, the innermost frames are wanted.
const COPIED: usize = 32 * 1024;

const FREE: u32 = 0;
const OFF: u32 = 1;
const ARMED: u32 = 2;
const HELD_READING: u32 = 3;
const HELD_WRITING: u32 = 4;
const MET: u32 = 5;
const SPENT: u32 = 6;

pub(super) struct Round {
    phase: AtomicU32,
    held: Seat,
    came: Seat,
}

struct Seat {
    is_full: AtomicBool,
    contents: UnsafeCell<Contents>,
}

// SAFETY: `contents` is written by the one handler that won the seat, and read after all handlers have left; see the module.
unsafe impl Sync for Seat {}

struct Contents {
    hit: Hit,
    registers: Registers,
    began: u64,
    length: usize,
    bytes: [u8; COPIED],
}

impl Round {
    const fn new() -> Self {
        Self {
            phase: AtomicU32::new(FREE),
            held: Seat::new(),
            came: Seat::new(),
        }
    }

    /// Whether nobody else has it.
    pub(super) fn claim(&self) -> bool {
        let is_ours = self.exchange(FREE, OFF);
        if is_ours {
            self.held.is_full.store(false, Ordering::Relaxed);
            self.came.is_full.store(false, Ordering::Relaxed);
        }
        is_ours
    }

    pub(super) fn begin(&self) {
        self.exchange(OFF, ARMED);
    }

    /// Nothing counts from now on, and who is held goes on.
    pub(super) fn call_off(&self) {
        for phase in [ARMED, HELD_READING, HELD_WRITING, SPENT] {
            self.exchange(phase, OFF);
        }
    }

    pub(super) fn give_back(&self) {
        self.phase.store(FREE, Ordering::Release);
    }

    /// What was seen. Only when all handlers have left.
    pub(super) fn result(&self) -> Outcome {
        let (held, came) = (self.held.take(), self.came.take());
        let held_ns = held
            .as_ref()
            .map_or(0, |(hit, _)| hit.until.saturating_sub(hit.from));
        let meeting = held.zip(came).and_then(|((held, first), (came, second))| {
            is_meeting(&held, &came).then_some(Meeting {
                held: first,
                came: second,
            })
        });
        Outcome { held_ns, meeting }
    }

    /// The handler's side: the calling thread stands at an access.
    pub(super) fn touched(&self, access: Access, safe: &SignalSafe<'_>) {
        let wrote = access == Access::Write;
        let held = if wrote { HELD_WRITING } else { HELD_READING };
        let from = signal_safe::now();
        if self.exchange(ARMED, held) {
            self.held.fill(safe, wrote, from);
            while self.phase.load(Ordering::Acquire) == held && safe.pause() < HOLD {
                hint::spin_loop();
            }
            let until = signal_safe::now();
            self.exchange(held, SPENT);
            self.held.close(until);
        } else if let Some(at) = self.meets(wrote) {
            self.came.fill(safe, wrote, at);
            self.came.close(at);
        }
    }

    /// When this came, if one is held whom it spoils, or who spoils it.
    fn meets(&self, wrote: bool) -> Option<u64> {
        let held = self.phase.load(Ordering::Acquire);
        let is_held = held == HELD_WRITING || held == HELD_READING && wrote;
        // A round holds once, so if the step succeeds it was held at this moment, too.
        let at = signal_safe::now();
        (is_held && self.exchange(held, MET)).then_some(at)
    }

    fn exchange(&self, from: u32, to: u32) -> bool {
        self.phase
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

impl Seat {
    #[expect(
        clippy::large_stack_arrays,
        reason = "evaluated by the compiler only, into a static"
    )]
    const fn new() -> Self {
        Self {
            is_full: AtomicBool::new(false),
            contents: UnsafeCell::new(Contents {
                hit: Hit {
                    tid: 0,
                    wrote: false,
                    from: 0,
                    until: 0,
                },
                registers: Registers {
                    pc: 0,
                    sp: 0,
                    fp: None,
                    lr: None,
                },
                began: 0,
                length: 0,
                bytes: [0; COPIED],
            }),
        }
    }

    /// Only by the handler that has won the seat.
    fn fill(&self, safe: &SignalSafe<'_>, wrote: bool, from: u64) {
        // SAFETY: one handler wins a seat in a round, and a round begins when those of the last have left.
        let contents = unsafe { &mut *self.contents.get() };
        contents.hit = Hit {
            tid: safe.tid(),
            wrote,
            from,
            until: from,
        };
        contents.registers = safe.registers();
        contents.began = safe.began();
        contents.length = safe.copy_top(&mut contents.bytes);
    }

    /// As [`Seat::fill`]; the seat may be read after it.
    fn close(&self, until: u64) {
        // SAFETY: as in `fill`.
        unsafe { &mut *self.contents.get() }.hit.until = until;
        self.is_full.store(true, Ordering::Release);
    }

    fn take(&self) -> Option<(Hit, Touch)> {
        if !self.is_full.swap(false, Ordering::AcqRel) {
            return None;
        }
        // SAFETY: it is full, so its handler is done with it, and no other wins it before the next round.
        let contents = unsafe { &*self.contents.get() };
        let stack = RawStack {
            tid: Tid::new(contents.hit.tid)?,
            registers: arch::at_access(contents.registers),
            bytes: contents.bytes.get(..contents.length)?.to_vec(),
            truncated: true,
            method: Method::Interrupted {
                at: running::earlier(contents.began),
                pause: std::time::Duration::from_nanos(
                    contents.hit.until.saturating_sub(contents.hit.from),
                ),
                behind: None,
            },
        };
        let wrote = contents.hit.wrote;
        Some((contents.hit, Touch { stack, wrote }))
    }
}
