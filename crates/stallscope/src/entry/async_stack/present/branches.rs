//! The stack at each place where a poll comes to a halt, from tokio's future up to the root of the trace.
#![allow(unsafe_code)] // The unwinder without the lock around it: see `walk`.

use tokio::runtime::dump::TraceMeta;

use super::super::Standing;

/// More places are only counted: a task that waits for thousands of futures must not hold its worker.
const MOST_BRANCHES: usize = 64;

/// Deeper stacks are cut, at the outer end.
const MOST_FRAMES: usize = 256;

#[derive(Default)]
pub(super) struct Branches(Standing);

impl Branches {
    /// Called by tokio's future, on its stack.
    pub(super) fn add(&mut self, meta: &TraceMeta) {
        if self.0.branches.len() < MOST_BRANCHES {
            self.0.branches.push(walk(meta));
        } else {
            self.0.more += 1;
        }
    }
}

impl From<Branches> for Standing {
    fn from(branches: Branches) -> Self {
        branches.0
    }
}

/// Return addresses between the two functions that tokio names, the innermost first.
fn walk(meta: &TraceMeta) -> Vec<u64> {
    let mut addresses = Vec::with_capacity(32);
    let mut is_inside = false;
    let frame = |frame: &backtrace::Frame| {
        let function = frame.symbol_address().cast_const();
        if meta.root_addr == Some(function) {
            return false;
        }
        if is_inside {
            addresses.push(frame.ip().addr() as u64);
        }
        is_inside |= function == meta.trace_leaf_addr;
        addresses.len() < MOST_FRAMES
    };
    // SAFETY: the unwinder of Linux may be used by any number of threads at once. What needs the lock that this goes without are other
    // systems' unwinders and the crate's cache of symbols, and nothing here asks for a symbol. With the lock, a worker would wait
    // here while another thread of the application reads debug information to print a backtrace.
    unsafe { backtrace::trace_unsynchronized(frame) };
    addresses
}
