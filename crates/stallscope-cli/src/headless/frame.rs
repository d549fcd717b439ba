//! A frame of a stack in an answer: the JSON object scripts rely on, and the line people read.

use std::io::{self, Write};

use serde::Serialize;
use stallscope_wire::message::Frame;
use stallscope_wire::text::stack::{Line, folded, frame_place};

use crate::format::{UNKNOWN, printable};

/// A frame as `findings --json`, `report --json` and `stacks --json` give it. `null` is "unknown".
#[derive(Serialize)]
pub(super) struct FrameJson<'a> {
    function: Option<&'a str>,
    file: Option<&'a str>,
    line: Option<u32>,
    column: Option<u32>,
    in_app: bool,
    /// Whose code it is: `app`, `std`, `tokio`, …, or the name of a package.
    origin: Option<&'a str>,
    inlined: bool,
    /// Hexadecimal, as are the next: what a frame of a stripped binary can be resolved with later.
    address: String,
    module: Option<&'a str>,
    build_id: Option<&'a str>,
    module_offset: String,
}

impl<'a> From<&'a Frame> for FrameJson<'a> {
    fn from(frame: &'a Frame) -> Self {
        FrameJson {
            function: known(&frame.function),
            file: known(&frame.file),
            line: (frame.line > 0).then_some(frame.line),
            column: (frame.column > 0).then_some(frame.column),
            in_app: frame.in_app,
            origin: known(&frame.origin),
            inlined: frame.inlined,
            address: format!("{:#x}", frame.address),
            module: known(&frame.module),
            build_id: known(&frame.build_id),
            module_offset: format!("{:#x}", frame.module_offset),
        }
    }
}

/// Text that is empty where it is unknown.
pub(super) fn known(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// A stack in short, a line per frame, innermost first; `>` marks the application's own code. JSON has all frames.
pub(super) fn write(out: &mut impl Write, stack: &[Frame]) -> io::Result<()> {
    folded(stack).try_for_each(|part| write_line(out, "", part))
}

pub(super) fn write_line(out: &mut impl Write, indent: &str, part: Line<'_>) -> io::Result<()> {
    match part {
        Line::Frame(frame) => {
            let mark = if frame.in_app { '>' } else { ' ' };
            writeln!(out, "{indent}  {mark} {}", line(frame))
        }
        Line::Hidden(frames) => {
            writeln!(out, "{indent}    … {} frames{}", frames.len(), of(frames))
        }
    }
}

/// ` of tokio, std`: whose code it is, in the order in which they come.
fn of(frames: &[Frame]) -> String {
    let mut origins: Vec<&str> = Vec::new();
    for origin in frames.iter().filter_map(|frame| known(&frame.origin)) {
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    if origins.is_empty() {
        return String::new();
    }
    format!(" of {}", printable(&origins.join(", ")))
}

/// `std::fs::read (library/std/src/fs.rs:312)`; of a stripped binary `? (libc.so.6+0x11ba61)`.
fn line(frame: &Frame) -> String {
    let function = known(&frame.function).map_or(UNKNOWN.to_owned(), printable);
    let place = printable(&frame_place(frame));
    format!("{function} ({place})")
}

#[cfg(test)]
mod tests {
    use stallscope_wire::message::Frame;

    use super::write;

    /// Frames by whose code they are.
    fn shown(origins: &[&str]) -> String {
        let stack: Vec<_> = (1..)
            .zip(origins)
            .map(|(line, origin)| Frame {
                function: "f".to_owned(),
                file: format!("{origin}.rs"),
                line,
                in_app: *origin == "app",
                origin: (*origin).to_owned(),
                ..Frame::default()
            })
            .collect();
        let mut out = Vec::new();
        write(&mut out, &stack).expect("memory");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn the_runtime_does_not_hide_the_line_that_matters() {
        let origins = [
            &["native", "std", "std", "app"][..],
            &["tokio", "std", "tokio", "tokio", "hyper", "hyper"],
            &["app", "app", "std", "app", "tokio", "std", "native"],
        ];
        insta::assert_snapshot!(shown(&origins.concat()), @"
            f (native.rs:1)
            f (std.rs:2)
            f (std.rs:3)
          > f (app.rs:4)
            … 5 frames of tokio, std, hyper
            f (hyper.rs:10)
          > f (app.rs:11)
          > f (app.rs:12)
            f (std.rs:13)
          > f (app.rs:14)
            … 3 frames of tokio, std, native
        ");
    }

    #[test]
    fn a_thread_without_the_applications_code_shows_what_it_does() {
        insta::assert_snapshot!(shown(&["tokio"; 60]), @"
        f (tokio.rs:1)
        f (tokio.rs:2)
        f (tokio.rs:3)
        f (tokio.rs:4)
        f (tokio.rs:5)
        f (tokio.rs:6)
        … 54 frames of tokio
        ");
    }
}
