//! Where does the scheduler go on when a task's poll returns? A few addresses, found by the agent on stacks, for which it
//! takes function names, and used by the watchdog, which has none.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use stallscope_stack::Trace;

/// The addresses that are known in this process.
pub(crate) static POLL_RETURNS: PollReturns = PollReturns::new();

pub(crate) struct PollReturns {
    addresses: [AtomicU64; MOST],
    count: AtomicUsize,
}

/// Each scheduler of tokio calls polls from one to three places.
const MOST: usize = 16;

impl PollReturns {
    const fn new() -> Self {
        PollReturns {
            addresses: [const { AtomicU64::new(0) }; MOST],
            count: AtomicUsize::new(0),
        }
    }

    /// For the agent alone.
    pub(crate) fn learn(&self, address: u64) {
        let count = self.count.load(Ordering::Relaxed);
        if count < MOST && !self.knows(address) {
            self.addresses[count].store(address, Ordering::Relaxed);
            self.count.store(count + 1, Ordering::Release);
        }
    }

    /// The return address, on this stack, of the poll that the thread's own scheduler has called; polls of executors that
    /// run within it lie further in.
    pub(super) fn outermost(&self, trace: &Trace) -> Option<u64> {
        let mut addresses = trace.frames.iter().rev().map(|frame| frame.address);
        addresses.find(|address| self.knows(*address))
    }

    /// All that are known.
    pub(super) fn all(&self) -> impl Iterator<Item = u64> {
        let count = self.count.load(Ordering::Acquire);
        self.addresses[..count]
            .iter()
            .map(|known| known.load(Ordering::Relaxed))
    }

    fn knows(&self, address: u64) -> bool {
        self.all().any(|known| known == address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_is_kept_once_and_no_more_than_fit() {
        let returns = PollReturns::new();
        assert!(!returns.knows(7) && !returns.knows(0));
        for address in (1..=100).chain(1..=100) {
            returns.learn(address);
        }
        let known = (0..=100).filter(|address| returns.knows(*address)).count();
        assert_eq!(known, MOST);
    }
}
