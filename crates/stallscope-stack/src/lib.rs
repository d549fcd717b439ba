//! The stack and the kernel's view of another thread of this process, safely.
//!
//! Something in your program is stuck. From any other thread this crate tells what that thread does (computes, sleeps,
//! waits for a lock, reads from which file), where in the source, and by which calls it came there; without a
//! debugger, privileges, frame pointers or special compiler flags, in a release build.
//!
//! # Which function should I start with?
//!
//! | question | answer |
//! |---|---|
//! | what does that thread do, as the kernel sees it? | [`kernel::ThreadState::read`], and [`kernel::Cause`] of two readings |
//! | where is it? | [`ThreadHandle::register_current`] on that thread, later [`capture()`] from another |
//! | what are these bytes? | [`Unwinder::unwind`] makes a [`Trace`] of a [`RawStack`] |
//! | what are these addresses? | [`Symbolizer::frames`] makes [`Frame`]s, each with its [`Origin`] |
//! | is it still in the same call as before? | [`Tripwire::lay`] on the call's return address |
//! | and of a thread of another process? | [`ForeignUnwinder::unwind`], [`Symbolizer::of_program`] |
//! | do two threads touch these bytes at the same time? | [`Watchpoint::lay`] |
//! | will any of this work here? | [`availability`] |
//!
//! ```
//! use stallscope_stack::{Symbolizer, ThreadHandle, Unwinder, capture};
//! use std::{thread, time::Duration};
//!
//! # if !stallscope_stack::availability().is_available() { return }
//! let (announce, worker) = std::sync::mpsc::channel();
//! thread::spawn(move || {
//!     let _ = announce.send(ThreadHandle::register_current().map(|own| own.until_thread_ends()));
//!     thread::sleep(Duration::from_secs(60));
//! });
//! let worker = worker.recv().unwrap().unwrap();
//! # while !matches!(stallscope_stack::kernel::ThreadState::read_position(worker.tid()),
//! #     stallscope_stack::kernel::Position::InSystemCall { call, .. } if call.name() == Some("clock_nanosleep")) {}
//!
//! let stack = capture(&worker).unwrap();
//! let trace = Unwinder::new().unwind(&stack);
//! for frame in Symbolizer::new().frames(&trace) {
//!     println!("{frame}");
//! }
//! ```
//!
//! # How it works, and what it promises
//!
//! - A **waiting** thread is not touched at all: its registers are read from `/proc`, its stack is copied by the
//!   kernel, and the copy is thrown away if the thread moved meanwhile.
//! - A **running** thread is interrupted once, by a signal whose handler copies the stack and returns. The signal is
//!   sent by a timer on that thread's own processor time: it arrives only while the thread runs, never while it
//!   waits, so no system call of the program fails with `EINTR` for it (on Linux 5.10 and later by construction).
//! - Nothing is unwound, allocated or locked inside the handler. All analysis happens on the caller's thread, on the
//!   copy.
//! - Nothing here panics, and nothing here can wait for longer than a stated limit.
//!
//! # What it cannot do
//!
//! - Linux on x86-64 and aarch64 only; elsewhere it compiles and every answer is "not available here".
//! - Code that runs on a stack of its own making (stackful coroutines, generators in C) is not followed.
//! - Code without unwind tables (hand-written assembly, just-in-time compilers) ends a trace early, and the trace
//!   says so ([`Ended`]).
//! - A binary without debug information gives function names only, a stripped one modules and offsets, to be
//!   resolved later by build id.
//!
//! Invariant: this crate knows nothing of async runtimes.

// Where the platform is not supported nobody uses what only its side of `platform` needs.
#![cfg_attr(
    not(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    )),
    allow(dead_code)
)]

mod capture;
mod foreign;
mod frame;
pub mod kernel;
mod origin;
mod platform;
mod symbol;
mod tid;
mod tripwire;
mod unwind;
mod watchpoint;

pub use capture::{
    CaptureError, Method, RawStack, Registers, Registration, StackBounds, ThreadHandle, capture,
    capture_within,
};
pub use foreign::{ForeignModule, ForeignUnwinder, ImageSource, UnwindTables};
pub use frame::Frame;
pub use origin::Origin;
pub use platform::{Availability, availability};
pub use symbol::Symbolizer;
pub use tid::Tid;
pub use tripwire::Tripwire;
pub use unwind::{Certainty, Ended, Module, RawFrame, Trace, Unwinder};
pub use watchpoint::{Meeting, Round, Touch, Watchpoint};
