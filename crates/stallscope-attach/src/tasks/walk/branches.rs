//! Futures that are awaited at once: those of `select!` and `join!`, and of collections.

use std::collections::HashSet;

use super::super::model::Branch;
use super::super::view::Value;
use super::super::waits;
use super::coroutine::state_name;
use super::leads::{VEC, is_poll_fn};
use super::{Chain, Walk, is_coroutine};
use crate::debug::{Shape, TypeId};

/// No more are shown of one collection.
const MOST_BRANCHES: usize = 64;

const UNORDERED: &str = "futures_util::stream::futures_unordered::FuturesUnordered<";

/// Structs that have the futures which they await at once as members.
const STRUCTS: [&str; 6] = [
    "futures_util::future::join::Join",
    "futures_util::future::try_join::TryJoin",
    "futures_util::future::select::Select<",
    "futures_util::future::try_select::TrySelect<",
    "futures_util::stream::select::Select<",
    "tokio_stream::stream_ext::merge::Merge<",
];

impl Walk<'_, '_> {
    /// What `select!` and `join!` wait for at once. tokio's keep their futures in a tuple of that name; other macros have a
    /// `poll_fn` whose closure borrows them.
    pub(super) fn branches(&self, awaited: &Value, state: &Value) -> Vec<Branch> {
        if !is_poll_fn(&awaited.of.name) {
            return Vec::new();
        }
        if let Some(futures) = self.view.member(state, "futures") {
            let disabled = self
                .view
                .member(state, "disabled")
                .and_then(|mask| self.view.number(&mask))
                .unwrap_or(0);
            let futures = self.view.members(&futures).into_iter().take(MOST_BRANCHES);
            return futures
                .enumerate()
                .map(|(number, (_, future))| self.branch(&future, disabled >> number & 1 == 1))
                .collect();
        }
        let closure = self.view.unwrap(awaited.clone());
        let borrowed: Vec<_> = self
            .view
            .members(&closure)
            .into_iter()
            .filter(|(_, member)| self.leads(member.id) || member.of.name.contains("MaybeDone<"))
            .take(MOST_BRANCHES)
            .collect();
        if borrowed.len() < 2 {
            return Vec::new();
        }
        borrowed
            .iter()
            .map(|(_, future)| self.branch(future, false))
            .collect()
    }

    /// Whether `of` is a collection of futures.
    pub(super) fn is_several(&self, of: &Value) -> bool {
        let name = of.of.name.as_str();
        name.starts_with(UNORDERED)
            || STRUCTS.iter().any(|several| name.starts_with(several))
            || self.element(of).is_some()
    }

    /// The futures of a collection, oldest first.
    pub(super) fn several(&self, of: &Value) -> Option<Vec<Branch>> {
        let name = of.of.name.as_str();
        let futures = if name.starts_with(UNORDERED) {
            self.unordered(of)
        } else if STRUCTS.iter().any(|several| name.starts_with(several)) {
            self.members_of(of)
        } else {
            self.elements(of)?
        };
        let branches = futures.iter().map(|future| self.branch(future, false));
        Some(branches.collect())
    }

    fn branch(&self, future: &Value, is_off: bool) -> Branch {
        if is_off || self.is_done(future) {
            return Branch {
                done: true,
                stack: Vec::new(),
                waits_for: None,
            };
        }
        let mut chain = Chain::default();
        if !self.follow(future, &mut chain) {
            self.end_in(future, &mut chain);
        }
        self.branch_of(future, chain)
    }

    /// A future that is awaited beside others, and what it was followed to.
    pub(super) fn branch_of(&self, future: &Value, mut chain: Chain) -> Branch {
        let waits_for = waits::of(self, &chain);
        if chain.frames.is_empty() {
            // A leaf: it is told by its own type, not by what it lies in.
            let leaf = chain.passed.last().map_or(future, |leaf| &leaf.value);
            let mut frame = self.by_hand(leaf);
            frame.branches = std::mem::take(&mut chain.loose);
            chain.frames.push(frame);
        }
        Branch {
            done: false,
            stack: chain.frames,
            waits_for,
        }
    }

    /// Whether a future has completed: a `MaybeDone` or `Fuse` that says so, an `async fn` that has returned.
    pub(super) fn is_done(&self, future: &Value) -> bool {
        let mut at = future.clone();
        for _ in 0..super::MOST_BETWEEN {
            let name = at.of.name.as_str();
            let inner = match &at.of.shape {
                Shape::Pointer(Some(_)) => self.view.pointed_to(&at),
                Shape::Choice(_) => {
                    let Some((variant, _, data)) = self.view.active(&at) else {
                        return false;
                    };
                    if is_coroutine(&at) {
                        return ["Returned", "Panicked"].contains(&state_name(&data));
                    }
                    if name.contains("::MaybeDone<") || name.contains("::TryMaybeDone<") {
                        if variant != "Future" {
                            return true;
                        }
                    } else if name.starts_with("core::option::Option<") {
                        if variant == "None" {
                            return true;
                        }
                    } else {
                        return false;
                    }
                    self.view
                        .members(&data)
                        .into_iter()
                        .next()
                        .map(|(_, value)| value)
                }
                Shape::Struct(_) if is_see_through(name) => self.first_part(&at),
                _ => None,
            };
            match inner {
                Some(inner) => at = inner,
                None => return false,
            }
        }
        false
    }

    fn first_part(&self, of: &Value) -> Option<Value> {
        let mut members = self.view.members(of).into_iter().map(|(_, member)| member);
        members.find(|member| member.of.size > 0)
    }

    /// The tasks of a `FuturesUnordered`: a list through all of them, the newest first.
    fn unordered(&self, of: &Value) -> Vec<Value> {
        let mut futures = Vec::new();
        let mut seen = HashSet::new();
        let mut next = self.view.find(of, "head_all");
        while let Some(task) = next.and_then(|next| self.view.pointed_to(&next)) {
            // One whose link is being made points to one without a future, which is not in the list.
            if futures.len() >= MOST_BRANCHES || !seen.insert(task.at) {
                break;
            }
            let slot = self
                .view
                .find(&task, "future")
                .map(|slot| self.view.unwrap(slot));
            let future = slot.and_then(|slot| {
                let (variant, _, data) = self.view.active(&slot)?;
                (variant == "Some").then(|| self.view.member(&data, "__0"))?
            });
            let Some(future) = future else {
                break;
            };
            futures.push(future);
            next = self.view.find(&task, "next_all");
        }
        futures.reverse();
        futures
    }

    /// The futures among the members: of a struct, of an `Option` of a tuple.
    fn members_of(&self, of: &Value) -> Vec<Value> {
        let mut at = of.clone();
        for _ in 0..super::MOST_BETWEEN {
            let mut futures: Vec<_> = self
                .view
                .members(&at)
                .into_iter()
                .map(|(_, member)| member)
                .filter(|member| self.leads(member.id))
                .collect();
            match (futures.len(), &at.of.shape) {
                (0, Shape::Choice(_)) => match self.view.active(&at) {
                    Some((_, _, data)) => at = data,
                    None => return Vec::new(),
                },
                (1, _) => match futures.pop() {
                    Some(only) => at = only,
                    None => return Vec::new(),
                },
                _ => {
                    futures.truncate(MOST_BRANCHES);
                    return futures;
                }
            }
        }
        Vec::new()
    }

    /// The futures of a slice or `Vec`.
    fn elements(&self, of: &Value) -> Option<Vec<Value>> {
        let element = self.element(of)?;
        let (at, len) = if of.of.name.starts_with(VEC) {
            self.view.vec_parts(of)?
        } else {
            self.view.slice_parts(of)?
        };
        let size = self.view.program.type_of(element).size;
        let most = u64::try_from(MOST_BRANCHES).unwrap_or(u64::MAX);
        let elements = (0..len.min(most)).filter_map(|number| {
            Some(
                self.view
                    .value(element, at.checked_add(number.checked_mul(size)?)?),
            )
        });
        Some(elements.collect())
    }

    /// The type of the futures in a slice or `Vec` of futures.
    fn element(&self, of: &Value) -> Option<TypeId> {
        let element = if of.of.name.starts_with(VEC) {
            of.of.parameter("T")?
        } else {
            of.of.member("length")?;
            match self
                .view
                .program
                .type_of(of.of.member("data_ptr")?.of)
                .shape
            {
                Shape::Pointer(Some(to)) => to,
                _ => return None,
            }
        };
        let element = self.view.program.definition(element);
        self.leads(element).then_some(element)
    }
}

/// Whether such a struct is done when what it holds is.
fn is_see_through(name: &str) -> bool {
    [
        "core::pin::Pin<",
        "core::mem::",
        "core::cell::",
        "core::ptr::",
        "alloc::boxed::Box<",
        "futures_util::future::future::fuse::Fuse<",
    ]
    .iter()
    .any(|wrapper| name.starts_with(wrapper))
}
