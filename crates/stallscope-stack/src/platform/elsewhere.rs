//! Platforms without support: the same items, every answer "not available here".

use std::path::Path;
use std::time::Duration;

use super::Availability;
use crate::capture::{CaptureError, RawStack, StackBounds, ThreadHandle};
use crate::foreign::ForeignModule;
use crate::frame::Frame;
use crate::unwind::{Certainty, Ended, RawFrame, Trace};

pub(super) const AVAILABILITY: Availability =
    Availability::NotHere("stacks of other threads can be had on Linux x86-64 and aarch64 only");

pub(crate) fn current_tid() -> Option<i32> {
    None
}

pub(crate) fn cpu_time(_tid: crate::Tid) -> Option<Duration> {
    None
}

pub(crate) fn current_stack() -> Option<StackBounds> {
    None
}

pub(crate) fn capture_within(
    _thread: &ThreadHandle,
    _limit: Duration,
) -> Result<RawStack, CaptureError> {
    Err(CaptureError::NotAvailableHere)
}

pub(crate) fn peer_of(_descriptor: i32) -> Option<String> {
    None
}

pub(crate) fn read_poll_set(_address: u64, _length: u64) -> Vec<i32> {
    Vec::new()
}

pub(crate) fn unwind_tables_at(_header: &[u8], _header_at: u64) -> Option<u64> {
    None
}

pub(crate) struct Walker;

impl Walker {
    pub(crate) fn new() -> Self {
        Self
    }

    pub(crate) fn of_process(_modules: &[ForeignModule]) -> Self {
        Self
    }

    pub(crate) fn walk_in(
        &mut self,
        stack: &RawStack,
        _code: &dyn Fn(u64, &mut [u8]) -> Option<()>,
    ) -> Trace {
        self.walk(stack)
    }

    pub(crate) fn walk(&mut self, _stack: &RawStack) -> Trace {
        Trace {
            frames: Vec::new(),
            ended: Ended::Lost,
            certainty: Certainty::Reconstructed,
        }
    }

    pub(crate) fn frames_of(&mut self, _addresses: &[u64]) -> Vec<RawFrame> {
        Vec::new()
    }
}

pub(crate) struct SymbolSource;

impl SymbolSource {
    pub(crate) fn new() -> Self {
        Self
    }

    pub(crate) fn of_program(_path: &Path) -> Self {
        Self
    }

    pub(crate) fn frames(&mut self, raw: &RawFrame) -> Vec<Frame> {
        vec![Frame::nameless(raw)]
    }
}

#[derive(Debug)]
pub(crate) struct Wire;

impl Wire {
    pub(crate) fn lay(_tid: crate::Tid, _address: u64) -> std::io::Result<Self> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn is_tripped(&self) -> std::io::Result<bool> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

#[derive(Debug)]
pub(crate) struct Watch;

impl Watch {
    pub(crate) fn lay(
        _address: u64,
        _length: u64,
        _threads: impl Iterator<Item = crate::Tid>,
    ) -> std::io::Result<Self> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn begin(&self) {}

    pub(crate) fn switch_on(&self) {}

    pub(crate) fn threads(&self) -> usize {
        0
    }

    pub(crate) fn end(self) -> Result<crate::watchpoint::Round, Self> {
        Ok(crate::watchpoint::Round::default())
    }
}

pub(crate) fn call_off() {}
