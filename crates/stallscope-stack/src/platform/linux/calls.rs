//! Whether a step of a walk agrees with the code: a return address should stand behind a call of the function below it.

use super::arch::{self, Called, call_before};
use super::code::{self, Code};

/// One step of a walk: a function, and the address it returns to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// Where the called function begins; `None` if the tables do not say.
    pub(super) callee: Option<u64>,
    pub(super) return_address: u64,
}

/// What the code says of a step, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Agreement {
    /// The call leads to this very function.
    Confirmed,
    /// The call leads to wherever a register said; or to another function, which may have ended in a jump to this one.
    Open,
    /// There is no call: this is no return address.
    Contradicted,
}

impl Step {
    pub(super) fn agreement(&self, code: Code<'_>) -> Agreement {
        let call = call_before(code, self.return_address);
        match target(call, code) {
            _ if call == Called::Nothing => Agreement::Contradicted,
            Some(target) if Some(target) == self.callee => Agreement::Confirmed,
            _ => Agreement::Open,
        }
    }

    /// Whether there is no call, or it leads to another function than this one, and that does not jump to it either.
    pub(super) fn is_contradicted(&self, code: Code<'_>) -> bool {
        let call = call_before(code, self.return_address);
        match (target(call, code), self.callee) {
            (Some(target), Some(callee)) => target != callee && !jumps(code, target, callee),
            _ => call == Called::Nothing,
        }
    }
}

/// Functions that end in a jump to another are short.
const SHORT: u64 = 256;

/// Whether a function jumps to another, or what looks like it.
fn jumps(code: Code<'_>, from: u64, to: u64) -> bool {
    let mut places = from..from.saturating_add(SHORT);
    places.any(|place| arch::jump_at(code, place) == Some(to))
}

/// The function that was called, where the call says so.
pub(super) fn target(called: Called, code: Code<'_>) -> Option<u64> {
    match called {
        Called::Direct(target) => Some(target),
        Called::Through(slot) => code::word(code, slot),
        Called::Unknown | Called::Nothing => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::code::OWN;
    use super::*;

    #[inline(never)]
    fn callee() -> u64 {
        std::hint::black_box(7)
    }

    #[inline(never)]
    fn caller() -> u64 {
        std::hint::black_box(callee()) + 1
    }

    /// The first address behind a call in a function, and what it calls.
    fn first_call(function: fn() -> u64) -> (u64, Called) {
        let start = function as usize as u64;
        (start..start + 64)
            .map(|address| (address, call_before(OWN, address)))
            .find(|(_, called)| matches!(called, Called::Direct(_) | Called::Through(_)))
            .expect("a call")
    }

    #[test]
    fn a_call_confirms_its_callee_and_no_other() {
        std::hint::black_box(caller());
        let (return_address, _) = first_call(caller);
        let step = |callee| Step {
            callee,
            return_address,
        };
        assert_eq!(
            step(Some(callee as fn() -> u64 as usize as u64)).agreement(OWN),
            Agreement::Confirmed
        );
        let other = caller as fn() -> u64 as usize as u64;
        assert_eq!(step(Some(other)).agreement(OWN), Agreement::Open);
        assert_eq!(step(None).agreement(OWN), Agreement::Open);
    }

    #[test]
    fn what_no_call_precedes_is_no_return_address() {
        let data = [0_u64; 4];
        let step = Step {
            callee: Some(1),
            return_address: data.as_ptr().addr() as u64 + 16,
        };
        assert_eq!(step.agreement(OWN), Agreement::Contradicted);
        let step = Step {
            callee: Some(1),
            return_address: 8,
        };
        assert_eq!(step.agreement(OWN), Agreement::Contradicted);
    }
}
