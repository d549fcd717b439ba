//! A label and what stands beside it, one below the other.

use ratatui::text::{Line, Span};

use super::text::wrap;
use crate::tui::theme::{Role, Theme};

/// Columns of the labels.
const LABELS: usize = 9;

/// A label and its value, which is wrapped.
pub(super) struct Fact {
    pub(super) label: &'static str,
    pub(super) value: String,
    pub(super) role: Role,
}

pub(super) fn fact(label: &'static str, value: String) -> Fact {
    Fact {
        label,
        value,
        role: Role::Text,
    }
}

/// The facts as lines of at most that many columns.
pub(super) fn lines(facts: &[Fact], theme: Theme, columns: usize) -> Vec<Line<'static>> {
    let room = columns.saturating_sub(LABELS);
    let mut lines = Vec::new();
    for fact in facts {
        for (index, value) in wrap(&fact.value, room).into_iter().enumerate() {
            let label = if index == 0 { fact.label } else { "" };
            lines.push(Line::from(vec![
                Span::styled(format!("{label:<LABELS$}"), theme.style(Role::Dim)),
                Span::styled(value, theme.style(fact.role)),
            ]));
        }
    }
    lines
}
