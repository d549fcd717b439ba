//! The list of what can be sorted by.

use ratatui::style::Style;
use ratatui::text::Line;

use crate::tui::model::{Model, Order, Pane, Sorts};
use crate::tui::theme::{Role, Theme};

pub(super) fn title(model: &Model) -> &'static str {
    match model.pane {
        Pane::Tree => " sort siblings by ",
        Pane::Places => " sort places by ",
        Pane::Locks => " sort locks by ",
    }
}

pub(super) fn lines(
    model: &Model,
    cursor: usize,
    theme: Theme,
    columns: usize,
) -> Vec<Line<'static>> {
    match model.pane {
        Pane::Tree => choices(model.tree.order(), cursor, theme, columns),
        Pane::Places => choices(model.places.order(), cursor, theme, columns),
        Pane::Locks => choices(model.locks.order(), cursor, theme, columns),
    }
}

/// The head of a column, with the direction in which the rows are sorted by it, if they are.
pub(super) fn head(name: &str, sorts: bool, descending: bool, theme: Theme) -> (String, Style) {
    let (arrow, role) = match (sorts, descending) {
        (true, true) => ("▼", Role::SortedHead),
        (true, false) => ("▲", Role::SortedHead),
        (false, _) => ("", Role::ColumnHead),
    };
    (format!("{name}{arrow}"), theme.style(role))
}

fn choices<S: Sorts>(
    order: Order<S>,
    cursor: usize,
    theme: Theme,
    columns: usize,
) -> Vec<Line<'static>> {
    S::ALL
        .iter()
        .enumerate()
        .map(|(index, (_, name))| {
            let arrow = match (index == order.index(), order.descending()) {
                (true, true) => "▼",
                (true, false) => "▲",
                (false, _) => " ",
            };
            let text = super::text::left(&format!("{arrow} {name}"), columns);
            if index == cursor {
                Line::styled(text, theme.style(Role::Selected))
            } else {
                Line::from(text)
            }
        })
        .collect()
}
