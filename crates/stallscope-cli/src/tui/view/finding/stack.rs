//! The stack: the application's own frames bright, all others folded into a line with their number.

use ratatui::text::{Line, Span};
use stallscope_wire::message::Frame;

use crate::format::{counted, printable};
use crate::tui::model::Page;
use crate::tui::theme::{Role, Theme};
use crate::tui::view::text::{clip, place_of, width};

/// Columns before a frame.
const INDENT: usize = 2;

pub(super) fn lines(page: &Page, theme: Theme, columns: usize) -> Vec<Line<'static>> {
    let stack = &page.finding.stack;
    if stack.is_empty() {
        return vec![Line::styled(
            "no stack was captured",
            theme.style(Role::Dim),
        )];
    }
    let mut lines = vec![Line::styled(
        "stack of the longest, innermost first",
        theme.style(Role::ColumnHead),
    )];
    let mut seen = 0;
    for run in stack.chunk_by(|one, next| one.in_app == next.in_app) {
        let foreign = run.first().is_some_and(|frame| !frame.in_app);
        seen += run.len();
        if foreign && !page.unfolded {
            let called_by_own_code = seen < stack.len();
            lines.push(Line::styled(
                format!(
                    "  {}",
                    clip(
                        &folded(run, called_by_own_code),
                        columns.saturating_sub(INDENT)
                    )
                ),
                theme.style(Role::Dim),
            ));
        } else {
            let role = if foreign { Role::Dim } else { Role::Own };
            lines.extend(run.iter().flat_map(|one| frame(one, role, theme, columns)));
        }
    }
    lines
}

/// How many frames there are, of whom, and the outermost of them, if that is what the application's code called.
fn folded(run: &[Frame], called_by_own_code: bool) -> String {
    let mut origins: Vec<String> = run.iter().map(|frame| printable(&frame.origin)).collect();
    origins.sort_unstable();
    origins.dedup();
    origins.retain(|origin| !origin.is_empty());
    let frames = counted(run.len() as u64, "frame");
    let folded = format!("⋯ {frames} of {}", origins.join(", "));
    match run.last().filter(|_| called_by_own_code) {
        Some(called) => format!("{folded}: {}", name(called)),
        None => folded,
    }
}

/// The function, and its place on the same line if there is room, else below.
fn frame(frame: &Frame, role: Role, theme: Theme, columns: usize) -> Vec<Line<'static>> {
    let room = columns.saturating_sub(INDENT);
    let name = clip(&name(frame), room);
    let beside = room.saturating_sub(width(&name) + 2);
    let place = |columns: usize| {
        let known = !frame.file.is_empty();
        known
            .then(|| place_of(&frame.file, frame.line, columns))
            .flatten()
    };
    let dim = theme.style(Role::Dim);
    let mut first = vec![
        Span::raw(" ".repeat(INDENT)),
        Span::styled(name, theme.style(role)),
    ];
    // A place that is cut to its file's name is worth a line of its own.
    let full = place(usize::MAX).map_or(0, |place| width(&place));
    if let Some(place) = place(beside).filter(|_| full <= beside || beside >= 30) {
        first.push(Span::styled(format!("  {place}"), dim));
        return vec![Line::from(first)];
    }
    let below = place(room.saturating_sub(INDENT))
        .map(|place| Line::styled(format!("{}{place}", " ".repeat(2 * INDENT)), dim));
    [Line::from(first)].into_iter().chain(below).collect()
}

/// What is known of a frame's function.
fn name(frame: &Frame) -> String {
    let mut name = if !frame.function.is_empty() {
        printable(&frame.function)
    } else if frame.module.is_empty() {
        format!("{:#x}", frame.address)
    } else {
        format!("{}+{:#x}", printable(&frame.module), frame.module_offset)
    };
    if frame.inlined {
        name.push_str(" (inlined)");
    }
    name
}
