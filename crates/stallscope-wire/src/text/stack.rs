//! Which frames of a stack are worth a line each, and where is a frame?

use crate::message::Frame;

use super::source_path;

/// So many of the innermost frames tell what a thread does; those the application called tell it too.
const INNERMOST: usize = 6;

/// A line of a stack that is shown in short.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Line<'a> {
    /// It says something about the application: its own code, what that called, and what the thread does in the end.
    Frame(&'a Frame),
    /// Several that say nothing, of which only the number is told: fifty frames of a scheduler hide the one line that matters.
    Hidden(&'a [Frame]),
}

/// A stack in short, in its own order, innermost first. Every frame is in exactly one line.
///
/// ```
/// use stallscope_wire::message::Frame;
/// use stallscope_wire::text::stack::{Line, folded};
///
/// let frame = |in_app| Frame { in_app, ..Frame::default() };
/// let stack = [frame(false), frame(true), frame(false), frame(false)];
/// let lines: Vec<Line<'_>> = folded(&stack).collect();
/// assert_eq!(lines, [Line::Frame(&stack[0]), Line::Frame(&stack[1]), Line::Hidden(&stack[2..])]);
/// ```
pub fn folded(stack: &[Frame]) -> impl Iterator<Item = Line<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let frame = stack.get(at)?;
        let hidden = (at..stack.len())
            .take_while(|at| !tells(stack, *at))
            .count();
        let from = at;
        // A line that says "1 frame" is no shorter than the frame.
        at += hidden.max(1);
        Some(match hidden {
            0 | 1 => Line::Frame(frame),
            _ => Line::Hidden(&stack[from..at]),
        })
    })
}

fn tells(stack: &[Frame], at: usize) -> bool {
    let is_innermost = at < INNERMOST && !stack[..at].iter().any(|frame| frame.in_app);
    is_innermost || stack[at..].iter().take(2).any(|frame| frame.in_app)
}

/// Where a frame is: `library/std/src/fs.rs:312`; of a stripped binary `libc.so.6+0x11ba61`, of code in no module its address.
pub fn frame_place(frame: &Frame) -> String {
    match (frame.file.as_str(), frame.module.as_str()) {
        ("", "") => format!("{:#x}", frame.address),
        ("", module) => {
            let name = module.rsplit('/').next().unwrap_or(module);
            format!("{name}+{:#x}", frame.module_offset)
        }
        (file, _) => format!("{}:{}", source_path(file), frame.line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many frames each line stands for, of a stack in which `a` is the application's own and `.` is not.
    fn lines(stack: &str) -> Vec<usize> {
        let stack: Vec<Frame> = stack
            .chars()
            .map(|whose| Frame {
                in_app: whose == 'a',
                ..Frame::default()
            })
            .collect();
        let counts = folded(&stack).map(|line| match line {
            Line::Frame(_) => 1,
            Line::Hidden(frames) => frames.len(),
        });
        counts.collect()
    }

    #[test]
    fn what_the_application_calls_and_is_called_for_stays() {
        assert_eq!(lines(""), []);
        assert_eq!(lines("...a"), [1, 1, 1, 1]);
        assert_eq!(lines("........"), [1, 1, 1, 1, 1, 1, 2]);
        assert_eq!(lines("a....a"), [1, 3, 1, 1]);
        assert_eq!(lines("a..a."), [1, 1, 1, 1, 1], "one frame is not folded");
    }

    #[test]
    fn a_frame_without_debug_information_is_told_by_its_offset() {
        let stripped = Frame {
            module: "/usr/lib/libc.so.6".to_owned(),
            module_offset: 0x11_ba61,
            address: 0x7f00_0000_0010,
            ..Frame::default()
        };
        assert_eq!(frame_place(&stripped), "libc.so.6+0x11ba61");
        let nowhere = Frame {
            module: String::new(),
            ..stripped
        };
        assert_eq!(frame_place(&nowhere), "0x7f0000000010");
    }
}
