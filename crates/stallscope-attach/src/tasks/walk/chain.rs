//! What was found on the way from a task's future down to what it waits for.

use super::super::model::{Branch, Frame, Place};
use super::super::view::Value;

/// A future and those below it, outermost first.
#[derive(Default)]
pub(in crate::tasks) struct Chain {
    pub(in crate::tasks) frames: Vec<Frame>,
    /// Everything that was passed: coroutines, futures written by hand, and the leaf.
    pub(in crate::tasks) passed: Vec<Passed>,
    /// Futures of a collection that has no frame of its own (`Vec`, a slice): they belong to the future that has it.
    pub(super) loose: Vec<Branch>,
    /// Whether it ends in a coroutine that has not been polled yet: it waits for nothing.
    pub(in crate::tasks) is_unpolled: bool,
}

/// A future on the way.
pub(in crate::tasks) struct Passed {
    /// Its type's full name.
    pub(in crate::tasks) name: String,
    pub(in crate::tasks) in_app: bool,
    /// The future; of a coroutine the state that it is in, whose members are what it holds.
    pub(in crate::tasks) value: Value,
}

impl Chain {
    /// The innermost await in the user's own code. Of several futures at once it is that of the macro which awaits them; where a
    /// library does so for the user, that of the first that has one.
    pub(in crate::tasks) fn suspended_at(&self) -> Option<Place> {
        innermost(&self.frames)
    }

    pub(super) fn is_in_app(&self) -> bool {
        self.passed.iter().any(|passed| passed.in_app)
            || self.branches().any(|branch| has_app(&branch.stack))
    }

    pub(super) fn is_timer(&self) -> bool {
        self.passed
            .last()
            .is_some_and(|leaf| leaf.name.starts_with("tokio::time::sleep::Sleep"))
    }

    /// What is waited for at once at its end.
    pub(in crate::tasks) fn branches(&self) -> impl Iterator<Item = &Branch> {
        let of_frame = self.frames.last().map_or(&[][..], |frame| &frame.branches);
        of_frame.iter().chain(&self.loose)
    }
}

fn innermost(frames: &[Frame]) -> Option<Place> {
    let own = frames
        .iter()
        .rposition(|frame| frame.in_app && frame.place.is_some());
    let last = frames.last()?;
    // The user's own `select!` is the last frame, and the line is its.
    if own != Some(frames.len() - 1) {
        let in_branch = last
            .branches
            .iter()
            .filter(|branch| !branch.done)
            .find_map(|branch| innermost(&branch.stack));
        if in_branch.is_some() {
            return in_branch;
        }
    }
    frames.get(own?)?.place.clone()
}

fn has_app(frames: &[Frame]) -> bool {
    frames
        .iter()
        .any(|frame| frame.in_app || frame.branches.iter().any(|branch| has_app(&branch.stack)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(line: Option<u32>, in_app: bool, branches: Vec<Branch>) -> Frame {
        Frame {
            function: "f".to_owned(),
            place: line.map(|line| Place {
                file: "src/main.rs".to_owned(),
                line,
            }),
            in_app,
            locals: Vec::new(),
            branches,
        }
    }

    fn branch(done: bool, line: u32) -> Branch {
        Branch {
            done,
            stack: vec![frame(Some(line), true, Vec::new())],
            waits_for: None,
        }
    }

    fn line(frames: Vec<Frame>) -> Option<u32> {
        let chain = Chain {
            frames,
            ..Chain::default()
        };
        chain.suspended_at().map(|place| place.line)
    }

    #[test]
    fn the_line_of_several_futures_is_that_of_the_users_macro_or_of_the_first_pending_one() {
        let both = || vec![branch(true, 7), branch(false, 8)];
        assert_eq!(line(vec![frame(Some(1), true, both())]), Some(1));
        let join_all = frame(None, false, both());
        assert_eq!(line(vec![frame(Some(1), true, vec![]), join_all]), Some(8));
        let of_library = frame(Some(99), false, Vec::new());
        assert_eq!(
            line(vec![frame(Some(1), true, vec![]), of_library]),
            Some(1)
        );
        assert_eq!(line(vec![frame(Some(99), false, Vec::new())]), None);
    }
}
