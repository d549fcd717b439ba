//! The code around the line to change, when it is on this machine.

use ratatui::text::{Line, Span};

use crate::format::printable;
use crate::tui::model::{Page, Source};
use crate::tui::theme::{Role, Theme};
use crate::tui::view::text::{clip, wrap};

pub(super) fn lines(page: &Page, theme: Theme, columns: usize) -> Vec<Line<'static>> {
    let sentence = |text: &str| -> Vec<Line<'static>> {
        let lines = wrap(&printable(text), columns).into_iter();
        lines
            .map(|line| Line::styled(line, theme.style(Role::Dim)))
            .collect()
    };
    match (page.place(), &page.source) {
        (None, _) => sentence("no source: no line of the application's own code is known"),
        (Some(_), None) => sentence("looking for the source…"),
        (Some(_), Some(Err(reason))) => sentence(&format!("no source: {reason}")),
        (Some((_, line)), Some(Ok(source))) => code(source, line, theme, columns),
    }
}

fn code(source: &Source, marked: u32, theme: Theme, columns: usize) -> Vec<Line<'static>> {
    let path = printable(&source.path.display().to_string());
    let mut lines = vec![Line::styled(
        clip(&format!("source {path}:{marked}"), columns),
        theme.style(Role::ColumnHead),
    )];
    let digits = (source.first as usize + source.lines.len())
        .to_string()
        .len();
    for (number, text) in (source.first..).zip(&source.lines) {
        let (mark, role) = if number == marked {
            ("▶", Role::Warning)
        } else {
            (" ", Role::Text)
        };
        let number = format!("{mark} {number:>digits$} │ ");
        let room = columns.saturating_sub(digits + 5);
        let text = clip(&printable(&text.replace('\t', "    ")), room);
        lines.push(Line::from(vec![
            Span::styled(
                number,
                theme.style(if mark == " " { Role::Dim } else { role }),
            ),
            Span::styled(text, theme.style(role)),
        ]));
    }
    lines
}
