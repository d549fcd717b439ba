//! What a suspended task waits for, as `where` gives it: a stack for each place, the task's own future first.

use std::io::{self, Write};

use serde::Serialize;
use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{AsyncBranch, AsyncStack, AsyncStackQuery, Frame, update};
use stallscope_wire::text::stack::{Line, folded};

use super::frame::{self, FrameJson, known};
use crate::client::{ClientError, Connection};
use crate::format::{counted, printable};

/// Asks the task. What the agent refuses is the reason why there is no stack.
pub(super) fn ask(connection: &mut Connection, task: u64) -> Result<AsyncStack, ClientError> {
    match connection.ask(Topic::AsyncStack(AsyncStackQuery { task })) {
        Ok(update::Body::AsyncStack(stack)) => Ok(stack),
        Ok(_) => Err(connection.mismatch()),
        Err(error) => match error.refusal() {
            Some(reason) => Ok(AsyncStack {
                missing: reason.to_owned(),
                ..AsyncStack::default()
            }),
            None => Err(error),
        },
    }
}

#[derive(Serialize)]
pub(super) struct AsyncStackJson<'a> {
    branches: Vec<BranchJson<'a>>,
    /// Places that are not among them.
    more: u64,
    /// Why there is no stack; `null` if nothing is missing.
    missing: Option<&'a str>,
}

#[derive(Serialize)]
struct BranchJson<'a> {
    /// Outermost first.
    frames: Vec<FrameJson<'a>>,
}

impl<'a> From<&'a AsyncStack> for AsyncStackJson<'a> {
    fn from(stack: &'a AsyncStack) -> Self {
        AsyncStackJson {
            branches: stack.branches.iter().map(BranchJson::from).collect(),
            more: stack.more,
            missing: known(&stack.missing),
        }
    }
}

impl<'a> From<&'a AsyncBranch> for BranchJson<'a> {
    fn from(branch: &'a AsyncBranch) -> Self {
        BranchJson {
            frames: branch.frames.iter().map(FrameJson::from).collect(),
        }
    }
}

/// Each place in short, below the others.
pub(super) fn write(out: &mut impl Write, indent: &str, stack: &AsyncStack) -> io::Result<()> {
    if let Some(missing) = known(&stack.missing) {
        return writeln!(out, "No async stack: {}", printable(missing));
    }
    let deeper = format!("{indent}  ");
    let places = stack.branches.len() as u64 + stack.more;
    for (number, branch) in (1..).zip(&stack.branches) {
        match places {
            1 => writeln!(out, "{indent}  waits at")?,
            _ => writeln!(out, "{indent}  waits at ({number} of {places})")?,
        }
        let innermost_first: Vec<Frame> = branch.frames.iter().rev().cloned().collect();
        let lines: Vec<Line<'_>> = folded(&innermost_first).collect();
        for line in lines.into_iter().rev() {
            frame::write_line(out, &deeper, line)?;
        }
    }
    if stack.more > 0 {
        writeln!(
            out,
            "{indent}  and at {} more",
            counted(stack.more, "place")
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(function: &str, file: &str, line: u32) -> Frame {
        Frame {
            function: function.to_owned(),
            file: file.to_owned(),
            line,
            in_app: !file.starts_with("/tokio"),
            origin: "tokio".to_owned(),
            ..Frame::default()
        }
    }

    fn branch(leaf: &str) -> AsyncBranch {
        let mut frames = vec![
            frame("app::serve::{{closure}}", "src/main.rs", 12),
            frame("app::next::{{closure}}", "src/main.rs", 20),
        ];
        frames.extend((1..9).map(|line| frame("poll", "/tokio/poll.rs", line)));
        frames.push(frame(leaf, "/tokio/leaf.rs", 9));
        AsyncBranch { frames }
    }

    fn shown(stack: &AsyncStack) -> String {
        let mut out = Vec::new();
        write(&mut out, "  ", stack).expect("memory");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn the_tasks_own_future_comes_first_and_what_it_waits_for_last() {
        let stack = AsyncStack {
            branches: vec![branch("tokio::time::Sleep::poll")],
            ..AsyncStack::default()
        };
        insta::assert_snapshot!(shown(&stack), @"
        waits at
          > app::serve::{{closure}} (src/main.rs:12)
          > app::next::{{closure}} (src/main.rs:20)
            poll (/tokio/poll.rs:1)
            … 2 frames of tokio
            poll (/tokio/poll.rs:4)
            poll (/tokio/poll.rs:5)
            poll (/tokio/poll.rs:6)
            poll (/tokio/poll.rs:7)
            poll (/tokio/poll.rs:8)
            tokio::time::Sleep::poll (/tokio/leaf.rs:9)
        ");
    }

    #[test]
    fn several_places_are_numbered_and_what_is_left_out_is_counted() {
        let stack = AsyncStack {
            branches: vec![branch("recv"), branch("sleep")],
            more: 1,
            ..AsyncStack::default()
        };
        let shown = shown(&stack);
        for words in ["waits at (1 of 3)", "(2 of 3)", "and at 1 place more"] {
            assert!(shown.contains(words), "{shown}");
        }
    }

    #[test]
    fn without_a_stack_there_is_the_reason() {
        let stack = AsyncStack {
            missing: "no worker has polled it yet: it waits for one".to_owned(),
            ..AsyncStack::default()
        };
        insta::assert_snapshot!(shown(&stack), @"No async stack: no worker has polled it yet: it waits for one");
    }
}
