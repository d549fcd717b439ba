//! Is a thread still in the call it was seen in? A stack tells where it is, but not since when: two that look the same may be those of two
//! short calls.
//!
//! Proof is a [`Tripwire`] behind the call that did not trip, or that the thread has slept all the time by the kernel's count.

use stallscope_stack::kernel::ThreadState;
use stallscope_stack::{Tid, Tripwire};

/// That a thread is in a call, as far as that can be shown.
pub(super) struct Proof {
    /// One of them trips when the call returns; none where that cannot be had.
    wires: Vec<Tripwire>,
    /// What the kernel said when the thread was seen in it.
    state: ThreadState,
}

impl Proof {
    /// `wires`: see [`lay`].
    pub(super) fn new(wires: Vec<Tripwire>, state: ThreadState) -> Self {
        Proof { wires, state }
    }

    pub(super) fn has_wire(&self) -> bool {
        !self.wires.is_empty()
    }

    /// Whether the thread has been in the call until this later reading; none if nothing shows that it has or has not.
    pub(super) fn holds(&self, later: Option<&ThreadState>) -> Option<bool> {
        let has_slept = || later.and_then(|later| self.state.slept_until(later)) == Some(true);
        match self.is_tripped() {
            Some(is_tripped) => Some(!is_tripped),
            None => has_slept().then_some(true),
        }
    }

    /// Whether it is shown that the call has returned.
    pub(super) fn is_over(&self) -> bool {
        self.is_tripped() == Some(true)
    }

    /// None if there is no wire, or one that tells nothing.
    fn is_tripped(&self) -> Option<bool> {
        let tripped = self.wires.iter().map(|wire| wire.is_tripped().ok());
        tripped.reduce(|one, other| Some(one? || other?)).flatten()
    }
}

/// A wire at each of these addresses, one of which the call returns to: all of them or none, as those that are missing might be the ones to trip.
pub(super) fn lay(tid: Tid, returns: impl Iterator<Item = u64>) -> Vec<Tripwire> {
    let wires: Result<Vec<_>, _> = returns.map(|address| Tripwire::lay(tid, address)).collect();
    wires.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use stallscope_stack::kernel::{Position, RunState, SchedTimes};

    use super::*;

    /// A thread that was put on a processor so many times, and is on none now.
    fn asleep(switches: u64) -> ThreadState {
        ThreadState {
            tid: Tid::new(7).expect("positive"),
            run_state: RunState::Sleeping,
            position: Position::Unknown,
            wait_channel: None,
            times: Some(SchedTimes {
                on_cpu: Duration::ZERO,
                waiting_for_cpu: Duration::ZERO,
                switches,
            }),
            faults: None,
            descriptors: Vec::new(),
        }
    }

    #[test]
    fn without_a_wire_only_sleep_proves_anything() {
        let proof = Proof::new(Vec::new(), asleep(5));
        assert_eq!(proof.holds(Some(&asleep(5))), Some(true));
        assert_eq!(proof.holds(Some(&asleep(6))), None);
        assert_eq!(proof.holds(None), None);
        assert!(!proof.is_over());
    }
}
