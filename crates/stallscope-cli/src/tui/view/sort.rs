//! The list of what siblings can be sorted by.

use ratatui::text::Line;

use crate::tui::model::{Model, SORTS};
use crate::tui::theme::{Role, Theme};

pub(super) fn lines(
    model: &Model,
    cursor: usize,
    theme: Theme,
    columns: usize,
) -> Vec<Line<'static>> {
    let order = model.tree.order();
    SORTS
        .iter()
        .enumerate()
        .map(|(index, by)| {
            let arrow = match (index == order.index(), order.descending()) {
                (true, true) => "▼",
                (true, false) => "▲",
                (false, _) => " ",
            };
            let text = super::text::left(&format!("{arrow} {}", by.name), columns);
            if index == cursor {
                Line::styled(text, theme.style(Role::Selected))
            } else {
                Line::from(text)
            }
        })
        .collect()
}
