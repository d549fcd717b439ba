//! The processes there are to look at; or, when there is none, what is missing.

use ratatui::buffer::Buffer;
use ratatui::text::{Line, Span};

use super::text::{right, wrap};
use super::{footer, paint};
use crate::format::printable;
use crate::tui::model::{Model, Region};
use crate::tui::theme::{Role, Theme};

pub(super) fn draw(model: &Model, theme: Theme, buffer: &mut Buffer) {
    let footer_height = u16::from(model.height > 1);
    let screen = Region {
        x: 0,
        y: 0,
        width: model.width,
        height: model.height - footer_height.min(model.height),
    };
    let found = model.processes.found();
    let (lines, cursor) = if found.is_empty() {
        (waiting(model, theme), None)
    } else {
        picker(model, theme)
    };
    // The line that is selected stays on the screen.
    let first = cursor.map_or(0, |cursor: u16| (cursor + 1).saturating_sub(screen.height));
    for (row, line) in (0..screen.height).zip(lines.iter().skip(usize::from(first))) {
        paint::line(buffer, screen, row, line);
    }
    if let Some(cursor) = cursor {
        paint::restyle(buffer, screen, cursor - first, theme.style(Role::Selected));
    }
    let region = Region {
        y: screen.height,
        height: footer_height,
        ..screen
    };
    let hints = footer::hints(model, theme, usize::from(region.width));
    paint::line(buffer, region, 0, &Line::from(hints));
}

fn picker(model: &Model, theme: Theme) -> (Vec<Line<'static>>, Option<u16>) {
    let mut lines = vec![
        Line::styled("Processes with stallscope", theme.style(Role::Title)),
        Line::styled(
            format!("{}  PROGRAM", right("PID", 8)),
            theme.style(Role::ColumnHead),
        ),
    ];
    let heads = lines.len();
    lines.extend(model.processes.found().iter().map(|found| {
        let program = found
            .program
            .as_deref()
            .map_or_else(|| "unknown program".to_owned(), printable);
        Line::from(format!("{}  {program}", right(&found.pid.to_string(), 8)))
    }));
    lines.extend(ignored(model, theme));
    (lines, u16::try_from(heads + model.processes.cursor()).ok())
}

fn waiting(model: &Model, theme: Theme) -> Vec<Line<'static>> {
    let columns = usize::from(model.width);
    if !model.processes.is_known() {
        return vec![Line::from("looking for processes…")];
    }
    let mut lines = vec![
        Line::styled(
            "Waiting for a process with stallscope",
            theme.style(Role::Title),
        ),
        Line::default(),
    ];
    let paragraph = |text: &str| wrap(text, columns).into_iter().map(Line::from);
    lines.extend(paragraph(
        "No program of this user that runs now has it. One line of main brings it in:",
    ));
    lines.push(Line::default());
    lines.push(Line::from(vec![
        Span::styled("    #[stallscope::main]", theme.style(Role::Key)),
        Span::styled("    // in place of #[tokio::main]", theme.style(Role::Dim)),
    ]));
    lines.push(Line::from("    async fn main() { … }"));
    lines.push(Line::default());
    lines.extend(paragraph(
        "Start the program: it is opened here within a second. This looks again every second.",
    ));
    lines.extend(ignored(model, theme));
    lines
}

fn ignored(model: &Model, theme: Theme) -> Vec<Line<'static>> {
    let columns = usize::from(model.width);
    let sentences = model.processes.ignored().iter();
    let mut lines: Vec<_> = sentences
        .flat_map(|ignored| wrap(&format!("left out: {}", printable(ignored)), columns))
        .map(|line| Line::styled(line, theme.style(Role::Warning)))
        .collect();
    if !lines.is_empty() {
        lines.insert(0, Line::default());
    }
    lines
}
