//! Where is a thread of a blocking pool, by the addresses on its stack? They have to be explained once, by names.

use stallscope_stack::{RawStack, Trace, Unwinder};

/// Where a thread of a pool is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Whereabouts {
    /// In a closure, which returns to this address.
    InClosure { returns_to: u64 },
    /// It waits for a closure, or it is a worker; this address on its stack says so.
    Elsewhere { known_by: u64 },
}

/// Addresses that tell where a thread of a pool is; the same for all closures and threads, so a stack has to be named only now and then.
#[derive(Default)]
pub(super) struct Places {
    /// Made at the first stack.
    unwinder: Option<Unwinder>,
    known: Vec<Whereabouts>,
    /// Stacks in a row that nobody could explain.
    unexplained: u32,
}

/// Unknown stacks in a row that could not be explained, after which nobody is asked any more: there are no names.
const GIVE_UP: u32 = 16;

impl Places {
    /// By the addresses that are known, else by names.
    pub(super) fn of(
        &mut self,
        stack: &RawStack,
        explain: &mut dyn FnMut(&RawStack) -> Option<Whereabouts>,
    ) -> Option<Whereabouts> {
        let trace = self
            .unwinder
            .get_or_insert_with(Unwinder::new)
            .unwind(stack);
        match self.known_on(&trace) {
            Some(known) => Some(known),
            None if self.unexplained >= GIVE_UP => None,
            None => self.named(stack, explain),
        }
    }

    pub(super) fn named(
        &mut self,
        stack: &RawStack,
        explain: &mut dyn FnMut(&RawStack) -> Option<Whereabouts>,
    ) -> Option<Whereabouts> {
        let Some(whereabouts) = explain(stack) else {
            self.unexplained += 1;
            return None;
        };
        self.unexplained = 0;
        if !self.known.contains(&whereabouts) {
            self.known.push(whereabouts);
        }
        Some(whereabouts)
    }

    /// A worker is a closure of the pool too: what says that it is one comes first.
    fn known_on(&self, trace: &Trace) -> Option<Whereabouts> {
        let on_it = |address: u64| trace.frames.iter().any(|frame| frame.address == address);
        let known = self.known.iter().filter(|known| on_it(known.address()));
        known
            .copied()
            .min_by_key(|known| matches!(known, Whereabouts::InClosure { .. }))
    }
}

impl Whereabouts {
    fn address(self) -> u64 {
        match self {
            Whereabouts::InClosure { returns_to } => returns_to,
            Whereabouts::Elsewhere { known_by } => known_by,
        }
    }
}
