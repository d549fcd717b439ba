//! Whether a future can be reached through a type: where that cannot be, nothing is read.

use std::cell::RefCell;
use std::collections::HashSet;

use super::super::{names, waits};
use crate::debug::{ById, Program, Shape, Type, TypeId};

/// For each type, whether a future may be reached through it; kept over all tasks.
#[derive(Default)]
pub(in crate::tasks) struct Leads(RefCell<ById<TypeId, bool>>);

impl Leads {
    /// Whether a future may be reached through a value of this type.
    pub(super) fn of(&self, program: &Program<'_>, id: TypeId) -> bool {
        let id = program.definition(id);
        if let Some(known) = self.0.borrow().get(&id) {
            return *known;
        }
        // Types lead to themselves in circles, so all that can be reached is looked at before any of it is said to lead nowhere.
        let mut seen = HashSet::from([id]);
        let mut open = vec![id];
        while let Some(next) = open.pop() {
            let of = program.type_of(next);
            let known = self.0.borrow().get(&next).copied();
            if known == Some(true) || is_end(&of) {
                self.0.borrow_mut().insert(id, true);
                return true;
            }
            if known.is_none() {
                for part in parts(&of) {
                    let part = program.definition(part);
                    if seen.insert(part) {
                        open.push(part);
                    }
                }
            }
        }
        self.0
            .borrow_mut()
            .extend(seen.into_iter().map(|id| (id, false)));
        false
    }
}

fn is_end(of: &Type) -> bool {
    names::is_coroutine(&of.name)
        || waits::is_leaf(&of.name)
        || through(&of.name).is_some()
        || (is_dyn(of) && leads_by_name(&of.name))
}

/// The types to look at next.
fn parts(of: &Type) -> Vec<TypeId> {
    if is_shared(&of.name) || is_dyn(of) {
        return Vec::new();
    }
    if of.name.starts_with(VEC) {
        // Its buffer has no type.
        return of.parameter("T").into_iter().collect();
    }
    match &of.shape {
        Shape::Pointer(Some(to)) => vec![*to],
        Shape::Struct(members) | Shape::Union(members) => {
            members.iter().map(|member| member.of).collect()
        }
        Shape::Choice(choice) => choice
            .variants
            .iter()
            .map(|variant| variant.data.of)
            .collect(),
        _ => Vec::new(),
    }
}

pub(super) const VEC: &str = "alloc::vec::Vec<";

/// Whether it is a pointer to something of a type that only its table tells.
pub(super) fn is_dyn(of: &Type) -> bool {
    of.member("vtable").is_some() && of.member("pointer").is_some()
}

/// A `dyn` that is awaited, by its name.
pub(super) fn leads_by_name(name: &str) -> bool {
    name.contains("dyn ")
        && ["Future", "Stream", "Service"]
            .iter()
            .any(|what| name.contains(what))
}

/// What others share is not awaited through this pointer: the futures behind it are somebody else's.
pub(super) fn is_shared(name: &str) -> bool {
    [
        "alloc::sync::",
        "alloc::rc::",
        "std::sync::",
        "core::task::",
        "tokio::loom::",
        "tokio::runtime::",
    ]
    .iter()
    .any(|prefix| name.starts_with(prefix))
}

/// But these poll what they share themselves: for a type, the part of it that is polled.
pub(super) fn through(name: &str) -> Option<&'static str> {
    const THROUGH: [(&str, &str); 3] = [
        (
            "futures_util::future::future::shared::Shared<",
            "futures_util::future::future::shared::FutureOrOutput<",
        ),
        ("tokio::io::split::ReadHalf<", "tokio::io::split::Inner<"),
        ("tokio::io::split::WriteHalf<", "tokio::io::split::Inner<"),
    ];
    let found = THROUGH.iter().find(|(shared, _)| name.starts_with(shared));
    found.map(|(_, part)| *part)
}

/// A future that is a closure: std's, that of the crate `futures`, and the one that tokio had of its own.
pub(super) fn is_poll_fn(name: &str) -> bool {
    [
        "core::future::poll_fn::PollFn<",
        "futures_util::future::poll_fn::PollFn<",
        "tokio::future::poll_fn::PollFn<",
    ]
    .iter()
    .any(|poll_fn| name.starts_with(poll_fn))
}

/// A type that stands between futures and says nothing.
pub(super) fn is_wrapper(name: &str) -> bool {
    [
        "core::",
        "alloc::",
        "std::",
        "(",
        "&",
        "*",
        "[",
        "tokio::task::coop::",
    ]
    .iter()
    .any(|prefix| name.starts_with(prefix))
        || name.contains("::MaybeDone<")
        || name.contains("::TryMaybeDone<")
        || name.starts_with("futures_util::stream::futures_ordered::OrderWrapper<")
        || is_poll_fn(name)
        || names::is_closure(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_of_a_future_is_awaited_and_what_others_share_is_not() {
        assert!(leads_by_name(
            "alloc::boxed::Box<(dyn core::future::future::Future<Output=()>)>"
        ));
        assert!(!leads_by_name("&dyn core::fmt::Debug"));
        assert!(is_shared("alloc::sync::Arc<zoo::Job>") && !is_shared("zoo::Arc"));
        let shared = "futures_util::future::future::shared::Shared<zoo::Job>";
        assert!(through(shared).is_some_and(|part| part.ends_with("FutureOrOutput<")));
        assert_eq!(through("alloc::sync::Arc<zoo::Job>"), None);
    }

    #[test]
    fn only_futures_that_say_something_have_a_frame() {
        for (name, is_silent) in [
            ("core::pin::Pin<&mut zoo::Job>", true),
            ("tokio::future::maybe_done::MaybeDone<zoo::Job>", true),
            (
                "tokio::future::poll_fn::PollFn<zoo::f::{closure_env#0}>",
                true,
            ),
            ("zoo::f::{async_fn#0}::{closure_env#0}", true),
            ("tokio::time::timeout::Timeout<zoo::Job>", false),
            ("zoo::Job", false),
        ] {
            assert_eq!(is_wrapper(name), is_silent, "{name}");
        }
    }
}
