//! What a future written by hand awaits: which of its members it is about, and which are awaited at once.

use std::cmp::Reverse;

use super::super::model::Branch;
use super::super::view::Value;
use super::super::{names, waits};
use super::{Chain, Walk, is_wrapper};
use crate::debug::{Shape, TypeId};

/// How many wrappers lie between a member and the future that its whole was made for: `Option<Pin<Box<F>>>` has three.
const MOST_WRAPPERS: u32 = 6;

/// A member that is a future and waits.
struct Member {
    value: Value,
    /// Whether its type is one that the whole was made for: `F` of `Until<F>`.
    is_given: bool,
    chain: Chain,
}

impl Walk<'_, '_> {
    /// Follow `of` to those of the members of `parts` that it awaits. Returns whether there are any.
    ///
    /// The one it is about comes first. If others are awaited beside it, they are branches, like those of a `select!`.
    pub(super) fn follow_members(&self, of: &Value, parts: &Value, chain: &mut Chain) -> bool {
        let mut awaited = self.awaited(parts);
        // Stable: of equals, the first member.
        awaited.sort_by_key(|member| Reverse(member.rank()));
        let is_one = match awaited.as_slice() {
            [] => return false,
            [first, others @ ..] => others.is_empty() || first.is_limited_by(others),
        };
        // What tokio's own types wait for is told by their names, not by what they are made of.
        if is_one || waits::is_known(&of.of.name) {
            awaited.truncate(1);
        }
        if awaited.len() > 1 {
            let branches = awaited.into_iter();
            let branches = branches.map(|member| self.branch_of(&member.value, member.chain));
            self.end_in_branches(of, branches.collect(), chain);
        } else if let Some(only) = awaited.pop() {
            self.append(of, only.chain, chain);
        }
        true
    }

    /// End `chain` in `of`, which awaits all of these at once.
    pub(super) fn end_in_branches(&self, of: &Value, branches: Vec<Branch>, chain: &mut Chain) {
        chain.passed.push(self.passed(of));
        if is_wrapper(of) {
            chain.loose = branches;
        } else {
            let mut frame = self.by_hand(of);
            frame.branches = branches;
            chain.frames.push(frame);
        }
    }

    /// Append `of` and the only chain that it leads to.
    fn append(&self, of: &Value, mut found: Chain, chain: &mut Chain) {
        if !is_wrapper(of) {
            chain.passed.push(self.passed(of));
            let mut frame = self.by_hand(of);
            if found.frames.is_empty() {
                frame.branches = std::mem::take(&mut found.loose);
            }
            chain.frames.push(frame);
        }
        chain.frames.extend(found.frames);
        chain.passed.extend(found.passed);
        chain.loose = found.loose;
        chain.is_unpolled = found.is_unpolled;
    }

    fn awaited(&self, parts: &Value) -> Vec<Member> {
        let mut given = self.given(parts);
        let mut awaited = Vec::new();
        for (_, value) in self.view.members(parts) {
            let mut chain = Chain::default();
            if !self.leads(value.id) || self.is_done(&value) || !self.follow(&value, &mut chain) {
                continue;
            }
            // Each stands for one member: the `Sleep` that a `Timeout<Sleep>` was made for is not the one that limits it.
            let position = given
                .iter()
                .position(|id| self.is_made_of(value.id, *id, MOST_WRAPPERS));
            let is_given = position.map(|at| given.remove(at)).is_some();
            awaited.push(Member {
                value,
                is_given,
                chain,
            });
        }
        // A closure beside a future is called with what that returns: what it captured is not awaited.
        if awaited.iter().any(|member| !member.is_closure()) {
            awaited.retain(|member| !member.is_closure());
        }
        awaited
    }

    /// The futures that a type was made for.
    fn given(&self, of: &Value) -> Vec<TypeId> {
        let parameters = of.of.parameters.iter();
        parameters
            .map(|(_, id)| self.view.program.definition(*id))
            .filter(|id| self.leads(*id))
            .collect()
    }

    /// Whether `id` is `wanted`, or a pointer to it or a type made for it.
    fn is_made_of(&self, id: TypeId, wanted: TypeId, depth: u32) -> bool {
        let id = self.view.program.definition(id);
        if id == wanted || depth == 0 {
            return id == wanted;
        }
        let of = self.view.program.type_of(id);
        let behind = match of.shape {
            Shape::Pointer(to) => to,
            _ => None,
        };
        let parameters = of.parameters.iter().map(|(_, id)| *id);
        parameters
            .chain(behind)
            .any(|part| self.is_made_of(part, wanted, depth - 1))
    }
}

impl Member {
    /// Which one the whole is about: one that leads to the user's code, then one that it was made for, since that is what its user
    /// gave it to await and the others are its own means (the cancellation of `run_until_cancelled`), then one that is no timer.
    fn rank(&self) -> (bool, bool, bool) {
        (
            self.chain.is_in_app(),
            self.is_given,
            !self.chain.is_timer(),
        )
    }

    /// Whether the whole is like tokio's `Timeout`: made for this future, and beside it there are only timers of its own.
    fn is_limited_by(&self, others: &[Self]) -> bool {
        self.is_given
            && others
                .iter()
                .all(|other| other.chain.is_timer() && !other.is_given)
    }

    fn is_closure(&self) -> bool {
        names::is_closure(&self.value.of.name)
    }
}
