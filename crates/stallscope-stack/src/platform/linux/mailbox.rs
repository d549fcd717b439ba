//! Where an interrupted thread leaves its stack: who owns the buffer at every moment, also when the answer comes late.
//!
//! A mailbox is one word of state and one buffer. The word is `sequence << 3 | phase`; every claim takes a new
//! sequence number, so a word never returns, and a handler that comes late finds another word than the one its signal
//! names.
//!
//! ```text
//!           claim            arm             answer          deliver            release
//!   Free ──────────▶ Claimed ──────▶ Armed ──────────▶ Writing ──────▶ Full ──────────▶ Free
//!    ▲                                 │ withdraw         │ abandon
//!    ├─────────────────────────────────┘                  ▼
//!    └──────────────────────────────────────────────── Orphaned      (freed by the late handler)
//! ```
//!
//! The requester owns the buffer in `Claimed` and `Full`, the handler in `Writing` and `Orphaned`, nobody in `Free`
//! and `Armed`. Every change of owner is one compare-and-swap: exactly one side can win it.

#![allow(unsafe_code)] // A buffer that a signal handler fills is shared by protocol, not by a lock.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use super::MOST_COPIED;
use super::signal_safe::{FileNote, SignalSafe};
use crate::capture::{Registers, StackBounds};
use crate::kernel::SystemCall;

/// Captures of running threads that can be under way at once. Untouched buffers cost no memory.
const COUNT: usize = 4;

static MAILBOXES: [Mailbox; COUNT] = [const { Mailbox::new() }; COUNT];
static SEQUENCE: AtomicU64 = AtomicU64::new(1);

const PHASE_BITS: u32 = 3;
const FREE: u64 = 0;
const CLAIMED: u64 = 1;
const ARMED: u64 = 2;
const WRITING: u64 = 3;
const FULL: u64 = 4;
const ORPHANED: u64 = 5;

/// Marks a signal as one of ours: the upper 16 bits of its value.
const MARK: u64 = 0x57ac << 48;
const SEQUENCE_MASK: u64 = (1 << 44) - 1;
const INDEX_BITS: u32 = 4;

struct Mailbox {
    state: AtomicU64,
    /// Who shall answer.
    tid: AtomicI32,
    low: AtomicU64,
    high: AtomicU64,
    contents: UnsafeCell<Contents>,
}

// SAFETY: `contents` is only touched by the side that owns it by the protocol above; the rest is atomic.
unsafe impl Sync for Mailbox {}

struct Contents {
    facts: Facts,
    length: usize,
    bytes: [u8; MOST_COPIED],
}

/// What a handler did with a request.
pub(super) enum Answered {
    /// The stack was delivered, or nobody wanted it any more.
    Done,
    /// The signal was not one of ours.
    NotOurs,
}

/// A mailbox in phase `Claimed` or `Armed`, held by the thread that wants a stack.
pub(super) struct Request {
    mailbox: &'static Mailbox,
    index: usize,
    sequence: u64,
}

/// What became of a request so far.
pub(super) enum Reply {
    /// Nothing yet.
    NotYet,
    /// The stack is there.
    Here(Box<Letter>),
    /// The thread was in a place where its stack could not be copied.
    Foreign,
}

/// What a handler found besides the stack.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    pub(super) registers: Registers,
    /// The system call the thread had just come out of.
    pub(super) left: Option<SystemCall>,
    /// What its descriptor is.
    pub(super) file: Option<FileNote>,
    /// When the handler began, monotonic nanoseconds.
    pub(super) began: u64,
    /// How long the handler held the thread, in nanoseconds.
    pub(super) pause: u64,
}

/// A delivered stack.
pub(super) struct Letter {
    pub(super) facts: Facts,
    pub(super) bytes: Vec<u8>,
}

impl Request {
    /// Takes a free mailbox; `None` if all are in use.
    pub(super) fn claim(tid: i32, bounds: StackBounds) -> Option<Self> {
        let sequence = SEQUENCE.fetch_add(1, Ordering::Relaxed) & SEQUENCE_MASK;
        let (index, mailbox) = MAILBOXES
            .iter()
            .enumerate()
            .find(|(_, mailbox)| mailbox.claim(sequence))?;
        mailbox.tid.store(tid, Ordering::Relaxed);
        mailbox.low.store(bounds.low, Ordering::Relaxed);
        mailbox.high.store(bounds.high, Ordering::Relaxed);
        // Release: a handler that sees `Armed` sees whom and what it is about.
        mailbox
            .state
            .store(word(sequence, ARMED), Ordering::Release);
        Some(Self {
            mailbox,
            index,
            sequence,
        })
    }

    /// What the signal has to carry for the handler to find this request.
    pub(super) fn cookie(&self) -> u64 {
        MARK | self.sequence << INDEX_BITS | self.index as u64
    }

    /// Looks for the answer. After `Here` or `Foreign` the mailbox is free and this request is spent.
    pub(super) fn look(&self) -> Reply {
        if self.mailbox.state.load(Ordering::Acquire) != word(self.sequence, FULL) {
            return Reply::NotYet;
        }
        // SAFETY: the phase is `Full`, which only the handler of this very sequence sets, as its last act on the
        // buffer; the Acquire load above pairs with that Release. It is ours until we store `Free`.
        let contents = unsafe { &*self.mailbox.contents.get() };
        let reply = if contents.length == 0 {
            Reply::Foreign
        } else {
            let bytes = contents
                .bytes
                .get(..contents.length)
                .unwrap_or(&[])
                .to_vec();
            Reply::Here(Box::new(Letter {
                facts: contents.facts,
                bytes,
            }))
        };
        self.mailbox
            .state
            .store(word(self.sequence, FREE), Ordering::Release);
        reply
    }

    /// Takes the request back before anybody answered; false if a handler is at work on it or has delivered.
    pub(super) fn withdraw(&self) -> bool {
        self.exchange(ARMED, FREE)
    }

    /// Leaves the mailbox to a handler that is at work on it and does not come to an end (a stopped or starved thread);
    /// false if it has delivered by now, or never began.
    pub(super) fn abandon(&self) -> bool {
        self.exchange(WRITING, ORPHANED)
    }

    fn exchange(&self, from: u64, to: u64) -> bool {
        self.mailbox.exchange(self.sequence, from, to)
    }
}

impl Drop for Request {
    /// On every way out the buffer has an owner that will free it.
    fn drop(&mut self) {
        // Each fails unless the phase is the one it leaves. A handler may move `Armed` to `Writing` between the first
        // and the second, and `Writing` to `Full` between the second and the third; then the next one catches it.
        if !self.withdraw() && !self.abandon() {
            self.exchange(FULL, FREE);
        }
    }
}

/// The handler's side: finds the request a signal names and delivers the interrupted thread's stack to it.
pub(super) fn answer(safe: &SignalSafe<'_>) -> Answered {
    let Some(cookie) = safe
        .cookie()
        .filter(|cookie| cookie & !((1 << 48) - 1) == MARK)
    else {
        return Answered::NotOurs;
    };
    let index = (cookie & ((1 << INDEX_BITS) - 1)) as usize;
    let sequence = cookie >> INDEX_BITS & SEQUENCE_MASK;
    if let Some(mailbox) = MAILBOXES.get(index) {
        mailbox.answer(sequence, safe);
    }
    Answered::Done
}

impl Facts {
    const NONE: Self = Self {
        registers: Registers {
            pc: 0,
            sp: 0,
            fp: None,
            lr: None,
        },
        left: None,
        file: None,
        began: 0,
        pause: 0,
    };
}

impl Mailbox {
    #[expect(
        clippy::large_stack_arrays,
        reason = "evaluated by the compiler only, into a static"
    )]
    const fn new() -> Self {
        Self {
            state: AtomicU64::new(FREE),
            tid: AtomicI32::new(0),
            low: AtomicU64::new(0),
            high: AtomicU64::new(0),
            contents: UnsafeCell::new(Contents {
                facts: Facts::NONE,
                length: 0,
                bytes: [0; MOST_COPIED],
            }),
        }
    }

    fn claim(&self, sequence: u64) -> bool {
        let current = self.state.load(Ordering::Relaxed);
        // Acquire: the former owner is done with the buffer.
        current & ((1 << PHASE_BITS) - 1) == FREE
            && self
                .state
                .compare_exchange(
                    current,
                    word(sequence, CLAIMED),
                    Ordering::Acquire,
                    Ordering::Relaxed,
                )
                .is_ok()
    }

    fn exchange(&self, sequence: u64, from: u64, to: u64) -> bool {
        self.state
            .compare_exchange(
                word(sequence, from),
                word(sequence, to),
                Ordering::AcqRel,
                Ordering::Acquire,
            )
            .is_ok()
    }

    fn answer(&self, sequence: u64, safe: &SignalSafe<'_>) {
        // A late signal: its request was withdrawn, and the word has moved on for ever.
        if !self.exchange(sequence, ARMED, WRITING) {
            return;
        }
        let bounds = StackBounds {
            low: self.low.load(Ordering::Relaxed),
            high: self.high.load(Ordering::Relaxed),
        };
        let expected = self.tid.load(Ordering::Relaxed);
        // SAFETY: this handler moved the phase from `Armed` to `Writing`, which no other can have done for this
        // sequence; until it leaves `Writing` (or `Orphaned`) nobody else touches the contents.
        let contents = unsafe { &mut *self.contents.get() };
        contents.length = if safe.tid() == expected {
            safe.copy_stack(bounds, &mut contents.bytes)
        } else {
            0
        };
        let left = safe.just_left();
        let file = left.and_then(|call| safe.file(call.descriptor()?));
        // The pause last, so that it includes all of the above.
        contents.facts = Facts {
            registers: safe.registers(),
            left,
            file,
            began: safe.began(),
            pause: safe.pause(),
        };
        if !self.exchange(sequence, WRITING, FULL) {
            // Orphaned meanwhile: nobody waits. Free it for the next.
            self.state.store(word(sequence, FREE), Ordering::Release);
        }
    }
}

const fn word(sequence: u64, phase: u64) -> u64 {
    sequence << PHASE_BITS | phase
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: StackBounds = StackBounds {
        low: 0x1000,
        high: 0x2000,
    };

    /// A handler of `request` that stops halfway, at the moment it owns the buffer.
    fn begins_to_write(request: &Request) -> bool {
        request.exchange(ARMED, WRITING)
    }

    #[test]
    fn a_withdrawn_request_can_never_be_answered() {
        let request = Request::claim(1, BOUNDS).expect("free");
        assert!(matches!(request.look(), Reply::NotYet));
        assert!(request.withdraw());
        assert!(!begins_to_write(&request), "its handler comes too late");
    }

    #[test]
    fn a_late_answer_cannot_reach_the_next_request_in_the_same_mailbox() {
        let first = Request::claim(1, BOUNDS).expect("free");
        assert!(first.withdraw());
        let second = Request {
            mailbox: first.mailbox,
            index: first.index,
            sequence: first.sequence + 1000,
        };
        assert!(second.mailbox.claim(second.sequence));
        second
            .mailbox
            .state
            .store(word(second.sequence, ARMED), Ordering::Release);
        assert!(!begins_to_write(&first));
        assert!(begins_to_write(&second));
        assert!(second.exchange(WRITING, FREE));
    }

    #[test]
    fn an_abandoned_mailbox_is_not_given_out_until_its_handler_is_done() {
        let request = Request::claim(1, BOUNDS).expect("free");
        assert!(begins_to_write(&request));
        assert!(!request.withdraw());
        assert!(request.abandon());
        assert!(
            !request.mailbox.claim(request.sequence + 1),
            "still the handler's"
        );
        assert!(
            !request.exchange(WRITING, FULL),
            "the handler sees that nobody waits"
        );
        request
            .mailbox
            .state
            .store(word(request.sequence, FREE), Ordering::Release);
        assert!(request.mailbox.claim(request.sequence + 1));
        request.mailbox.state.store(FREE, Ordering::Release);
    }

    #[test]
    fn dropping_a_request_frees_its_mailbox_in_every_phase() {
        for phase in [ARMED, FULL] {
            let request = Request::claim(1, BOUNDS).expect("free");
            let mailbox = request.mailbox;
            request
                .mailbox
                .state
                .store(word(request.sequence, phase), Ordering::Release);
            drop(request);
            assert_eq!(mailbox.state.load(Ordering::Relaxed) & 7, FREE);
        }
    }

    #[test]
    fn a_cookie_leads_back_to_its_request() {
        let request = Request::claim(1, BOUNDS).expect("free");
        let cookie = request.cookie();
        assert_eq!(cookie & !((1 << 48) - 1), MARK);
        assert_eq!((cookie & 15) as usize, request.index);
        assert_eq!(cookie >> INDEX_BITS & SEQUENCE_MASK, request.sequence);
    }
}
