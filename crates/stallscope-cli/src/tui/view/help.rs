//! The keys, as the key table tells them.

use ratatui::text::{Line, Span};

use super::text::{left, wrap};
use crate::tui::keys::{self, Context};
use crate::tui::theme::{Role, Theme};

/// Columns of the keys.
const KEYS: usize = 12;

/// The keys of `first` come first, then those of all other places.
pub(super) fn lines(first: Context, theme: Theme, columns: usize) -> Vec<Line<'static>> {
    let others = Context::ALL.into_iter().filter(|context| *context != first);
    let mut lines = Vec::new();
    for context in [first].into_iter().chain(others) {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.push(Line::styled(context.title(), theme.style(Role::Title)));
        for binding in keys::bindings(context) {
            for (index, help) in wrap(binding.help, columns.saturating_sub(KEYS))
                .into_iter()
                .enumerate()
            {
                let keys = if index == 0 {
                    binding.names().collect::<Vec<_>>().join(" ")
                } else {
                    String::new()
                };
                lines.push(Line::from(vec![
                    Span::styled(left(&keys, KEYS), theme.style(Role::Key)),
                    Span::raw(help),
                ]));
            }
        }
    }
    lines
}
