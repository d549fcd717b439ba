//! What has the application's line called, by the names on the stack?

use stallscope_wire::message::Frame;

/// The frames from the innermost to the application's innermost: what its line has called. What lies further out is how the poll came
/// about, and the root future's own `block_on` is there.
pub(super) struct Inner<'a>(&'a [Frame]);

impl<'a> Inner<'a> {
    pub(super) fn of(frames: &'a [Frame]) -> Self {
        let end = frames.iter().position(|frame| frame.in_app).unwrap_or(0);
        Inner(&frames[..end])
    }

    /// Whether there is nothing but std and a wrapper of a system call.
    pub(super) fn is_thin(&self) -> bool {
        let others = self.0.iter().filter(|frame| frame.origin != "std");
        others.count() <= 2
    }

    pub(super) fn any(&self, holds: impl Fn(&Frame) -> bool) -> bool {
        self.0.iter().any(holds)
    }

    pub(super) fn calls(&self, parts: &[&str]) -> bool {
        self.any(|frame| parts.iter().any(|part| frame.function.contains(part)))
    }
}

/// `a::b::block_on::<F>` → `block_on`; closures belong to the function they are in.
pub(crate) fn last_part(function: &str) -> &str {
    let without_arguments = function
        .split('<')
        .next()
        .unwrap_or(function)
        .trim_end_matches("::");
    let parts = without_arguments.rsplit("::");
    parts
        .into_iter()
        .find(|part| !part.starts_with('{'))
        .unwrap_or(without_arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_part_of_a_name_is_the_function() {
        assert_eq!(
            last_part("tokio::future::block_on::block_on::<app::f::{closure#0}>"),
            "block_on"
        );
        assert_eq!(last_part("std::fs::read::inner"), "inner");
        assert_eq!(last_part("app::main::{async_block#0}"), "main");
    }
}
