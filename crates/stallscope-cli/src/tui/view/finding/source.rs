//! The code around the line to change, when it is on this machine.

use ratatui::text::{Line, Span};

use crate::format::printable;
use crate::source::{AROUND, Source};
use crate::tui::model::Page;
use crate::tui::theme::{Role, Theme};
use crate::tui::view::text::{clip, wrap};

/// Under a heading that says where it is.
pub(super) fn lines(page: &Page, theme: Theme, columns: usize) -> Vec<Line<'static>> {
    let place = page.place();
    let code = around(page, place, AROUND, theme, columns).into_iter();
    let heading = place.and_then(|place| {
        let source = page.code(place)?.as_ref().ok()?;
        let path = printable(&source.path.display().to_string());
        let text = clip(&format!("source {path}:{}", place.1), columns);
        Some(Line::styled(text, theme.style(Role::ColumnHead)))
    });
    heading.into_iter().chain(code).collect()
}

/// So many lines before and after that one; a sentence if there are none.
pub(super) fn around(
    page: &Page,
    place: Option<(&str, u32)>,
    around: u32,
    theme: Theme,
    columns: usize,
) -> Vec<Line<'static>> {
    let missing = match place.map(|place| (place, page.code(place))) {
        Some(((_, line), Some(Ok(source)))) => return code(source, line, around, theme, columns),
        Some((_, Some(Err(reason)))) => format!("no source: {reason}"),
        Some((_, None)) => "looking for the source…".to_owned(),
        None => "no source: no line of the application's own code is known".to_owned(),
    };
    let lines = wrap(&printable(&missing), columns).into_iter();
    lines
        .map(|line| Line::styled(line, theme.style(Role::Dim)))
        .collect()
}

fn code(
    source: &Source,
    marked: u32,
    around: u32,
    theme: Theme,
    columns: usize,
) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let digits = (source.first as usize + source.lines.len())
        .to_string()
        .len();
    for (number, text) in source.around(marked, around) {
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
