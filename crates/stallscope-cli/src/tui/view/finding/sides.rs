//! The sides of a conflict, one below the other: what each did at which line, whose it was, and its code.

use ratatui::text::{Line, Span};

use super::facts::{named, spawned};
use super::source;
use crate::conflict::{Side, sides};
use crate::format::printable;
use crate::tui::model::Page;
use crate::tui::theme::{Role, Theme};
use crate::tui::view::fact::{self, Fact, fact};

/// Columns before everything but the mark of the selected side.
const INDENT: usize = 2;

/// Lines of code before and after: two sides have to fit on a screen.
const AROUND: u32 = 2;

pub(super) fn lines(page: &Page, theme: Theme, columns: usize) -> Vec<Line<'static>> {
    let sides = sides(&page.finding).into_iter().enumerate();
    let mut lines: Vec<Line<'static>> = sides
        .flat_map(|(index, side)| one(page, index, &side, theme, columns))
        .collect();
    lines.pop();
    lines
}

/// How many lines stand above that side.
pub(super) fn line_of(page: &Page, index: usize, theme: Theme, columns: usize) -> usize {
    let above = sides(&page.finding).into_iter().enumerate().take(index);
    above
        .map(|(index, side)| one(page, index, &side, theme, columns).len())
        .sum()
}

/// With an empty line below.
fn one(
    page: &Page,
    index: usize,
    side: &Side<'_>,
    theme: Theme,
    columns: usize,
) -> Vec<Line<'static>> {
    let room = columns.saturating_sub(INDENT);
    let mut lines = fact::lines(&facts(side), theme, room);
    lines.extend(source::around(page, side.place(), AROUND, theme, room));
    let is_selected = index == page.selected() && !page.finding.parties.is_empty();
    for (row, line) in lines.iter_mut().enumerate() {
        let mark = if is_selected && row == 0 { "▸" } else { "" };
        let mark = Span::styled(format!("{mark:<INDENT$}"), theme.style(Role::Key));
        line.spans.insert(0, mark);
    }
    lines.push(Line::default());
    lines
}

fn facts(side: &Side<'_>) -> Vec<Fact> {
    let place = Fact {
        label: side.did,
        value: place(side),
        role: Role::Own,
    };
    match side.task {
        Some(task) => vec![
            place,
            fact("task", named(task)),
            fact("spawned", spawned(task)),
        ],
        None => vec![place, fact("thread", side.thread())],
    }
}

/// The compiler tells places in tracked code without their function, some without a column.
fn place(side: &Side<'_>) -> String {
    let (Some((file, line)), Some(at)) = (side.place(), side.location) else {
        return "an unknown line".to_owned();
    };
    match at.column {
        0 => printable(&format!("{file}:{line}")),
        column => printable(&format!("{file}:{line}:{column}")),
    }
}
