//! One round of a watchpoint: its events are made, switched on, and taken away when no handler is at work on them.
//!
//! Each thread has two breakpoints on the bytes, one for any access and one for writes only, since the processor does not tell which it was. Each is
//! good for one hit, and sends its thread `SIGURG` for it. The kernel notes at which instruction that was; if the handler finds its thread there,
//! the thread has executed nothing since. If not (the signal was blocked, or came late) it is not held and nothing is said of it.

mod event;
mod round;
mod slot;

use std::io;

use self::event::Event;
use self::round::ROUND;
use self::slot::{SLOTS, Slot};
use super::breakpoint::On;
use super::handler;
use super::mailbox::Answered;
use super::signal_safe::SignalSafe;
use crate::capture::CaptureError;
use crate::watchpoint::Round;
use crate::{Tid, kernel};

#[derive(Debug)]
pub(crate) struct Watch {
    threads: Vec<Watched>,
}

/// Dropped, its slot is given back first; see [`Watched::drop`].
#[derive(Debug)]
struct Watched {
    slot: &'static Slot,
    events: Option<Events>,
}

#[derive(Debug)]
struct Events {
    access: Event,
    write: Event,
}

impl Watch {
    pub(crate) fn lay(
        address: u64,
        length: u64,
        threads: impl Iterator<Item = Tid>,
    ) -> io::Result<Self> {
        handler::ensure_installed().map_err(|error| not_installed(&error))?;
        if !ROUND.claim() {
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        // From here on dropping it gives the round back.
        let mut watch = Self {
            threads: Vec::new(),
        };
        let mut refused = io::Error::new(
            io::ErrorKind::NotFound,
            "none of the threads can be watched",
        );
        for tid in threads.take(SLOTS.len()) {
            if kernel::blocks_signal(tid, handler::SIGNAL) == Some(true) {
                continue;
            }
            match Watched::new(tid, address, length) {
                Ok(watched) => watch.threads.push(watched),
                Err(error) => refused = error,
            }
        }
        if watch.threads.is_empty() {
            return Err(refused);
        }
        Ok(watch)
    }

    pub(crate) fn threads(&self) -> usize {
        self.threads.len()
    }

    #[expect(clippy::unused_self, reason = "who has it has claimed the round")]
    pub(crate) fn begin(&self) {
        ROUND.begin();
    }

    pub(crate) fn switch_on(&self) {
        let events = self.threads.iter().filter_map(|each| each.events.as_ref());
        for events in events {
            // A thread that has ended in between has nothing to switch on.
            let _ = events.write.enable_once();
            let _ = events.access.enable_once();
        }
    }

    pub(crate) fn end(mut self) -> Result<Round, Self> {
        call_off();
        // All of them, not up to the first that is busy.
        self.threads.retain_mut(|watched| !watched.let_go());
        if !self.threads.is_empty() {
            return Err(self);
        }
        Ok(ROUND.result())
    }
}

pub(crate) fn call_off() {
    ROUND.call_off();
}

impl Drop for Watch {
    fn drop(&mut self) {
        call_off();
        self.threads.retain_mut(|watched| !watched.let_go());
        // With a handler still at work there will be no other round: its buffers are in use.
        if self.threads.is_empty() {
            ROUND.give_back();
        }
    }
}

impl Watched {
    fn new(tid: Tid, address: u64, length: u64) -> io::Result<Self> {
        let events = Events {
            access: Event::open(tid, address, On::Access(length))?,
            write: Event::open(tid, address, On::Write(length))?,
        };
        let slot = slot::take(tid.number(), events.access.source(), events.write.source())
            .ok_or(io::ErrorKind::ResourceBusy)?;
        Ok(Self {
            slot,
            events: Some(events),
        })
    }

    /// Whether no handler looks at its pages any more; they are gone then.
    fn let_go(&mut self) -> bool {
        if self.events.is_some() && !self.slot.give_back() {
            return false;
        }
        self.events = None;
        true
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.let_go() {
            // A handler stands in the middle of it, stopped perhaps: its pages must stay.
            std::mem::forget(self.events.take());
        }
    }
}

/// The handler's side: is the signal from one of our breakpoints?
pub(super) fn answer(safe: &SignalSafe<'_>) -> Answered {
    let Some(slot) = safe
        .sent_by()
        .and_then(|descriptor| slot::find(descriptor, safe.tid()))
    else {
        return Answered::NotOurs;
    };
    if slot.enter() {
        if let Some(access) = slot.access_at(safe.registers().pc) {
            ROUND.touched(access, safe);
        }
        slot.leave();
    }
    Answered::Done
}

fn not_installed(error: &CaptureError) -> io::Error {
    io::Error::other(error.to_string())
}

#[cfg(test)]
mod tests;
