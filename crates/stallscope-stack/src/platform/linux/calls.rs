//! Whether a walk agrees with the code: each return address should stand behind a call of the function below it.

use super::arch::{Called, call_before};

/// One step of a walk: a function, and the address it returns to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// Where the called function begins; `None` if the tables do not say.
    pub(super) callee: Option<u64>,
    pub(super) return_address: u64,
}

/// How many steps the code speaks against; zero is best.
///
/// A right walk may have some, too: a function that was reached by a tail call, or the split-off cold part of one,
/// does not begin where the call leads. So this compares walks, and proves nothing of a single one.
pub(super) fn contradictions(steps: impl IntoIterator<Item = Step>) -> usize {
    steps.into_iter().filter(Step::is_contradicted).count()
}

impl Step {
    fn is_contradicted(&self) -> bool {
        let target = match call_before(self.return_address) {
            Called::Direct(target) => Some(target),
            Called::Through(slot) => super::memory::read_word(slot),
            Called::Unknown => return false,
            Called::Nothing => return true,
        };
        matches!((target, self.callee), (Some(target), Some(callee)) if target != callee)
    }
}
