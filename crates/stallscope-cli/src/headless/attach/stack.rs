//! An async stack as people read it: outermost first, `>` at the program's own code, branches below the frame that waits for them.

use std::io::{self, Write};

use stallscope_attach::tasks::{Branch, Frame, Place};
use stallscope_wire::text::source_path;

use crate::attach::words;
use crate::format::printable;

/// A line per frame; its locals below it, where they were asked for.
pub(super) fn write(out: &mut impl Write, indent: &str, stack: &[Frame]) -> io::Result<()> {
    for frame in stack {
        let mark = if frame.in_app { '>' } else { ' ' };
        writeln!(out, "{indent}{mark} {}", line(frame))?;
        let deeper = format!("{indent}    ");
        for local in &frame.locals {
            let mark = if local.maybe_moved { "?" } else { "" };
            let (name, value) = (printable(&local.name), printable(&local.value));
            writeln!(out, "{deeper}{name} = {value}{mark}")?;
        }
        let several = frame.branches.len();
        for (number, branch) in (1..).zip(&frame.branches) {
            writeln!(out, "{deeper}branch {number} of {several}{}", fate(branch))?;
            write(out, &format!("{deeper}  "), &branch.stack)?;
        }
    }
    Ok(())
}

/// `shop::serve (src/main.rs:31)`; of a future written by hand its type alone.
fn line(frame: &Frame) -> String {
    let function = printable(&frame.function);
    match &frame.place {
        Some(place) => format!("{function} ({})", self::place(place)),
        None => function,
    }
}

fn place(place: &Place) -> String {
    printable(&format!("{}:{}", source_path(&place.file), place.line))
}

fn fate(branch: &Branch) -> String {
    match (&branch.waits_for, branch.done) {
        (_, true) => ": is done".to_owned(),
        (Some(waits), false) => format!(" waits for {}", words::waits(waits)),
        (None, false) => String::new(),
    }
}
