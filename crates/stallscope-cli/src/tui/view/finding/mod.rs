//! The page of one finding: what happened, where and why, with its stack and the line to change.

mod facts;
mod sides;
mod source;
mod stack;
mod times;

use ratatui::buffer::Buffer;
use ratatui::text::{Line, Span};

use super::fact::{self, fact};
use super::text::wrap;
use super::{findings, paint};
use crate::conflict;
use crate::format::{duration, printable};
use crate::tui::model::{Layer, Model, Page, Region, lasts_ns};
use crate::tui::theme::{Role, Theme};

pub(super) fn draw(model: &Model, page: &Page, theme: Theme, buffer: &mut Buffer, region: Region) {
    if region.height == 0 || region.width == 0 {
        return;
    }
    let lines = lines(model, page, theme, text_columns(region));
    let shown = usize::from(region.height - 1);
    let first = usize::from(page.scroll).min(lines.len().saturating_sub(shown));
    let end = (first + shown).min(lines.len());
    let position = if lines.len() > shown {
        format!(" {}–{end} of {} ", first + 1, lines.len())
    } else {
        String::new()
    };
    let title = format!("─ finding {} ", page.finding.id);
    let rule = "─".repeat(usize::from(region.width));
    let style = theme.style(Role::Title);
    let left = vec![
        Span::styled(title, style),
        Span::styled(rule.clone(), style),
    ];
    // The rule is cut where the position begins, without a sign for it.
    paint::line(buffer, region, 0, &Line::from(left));
    let position = Line::styled(position, style);
    let columns = u16::try_from(position.width()).unwrap_or(u16::MAX);
    if columns + 16 < region.width {
        let at = Region {
            x: region.x + region.width - columns,
            width: columns,
            ..region
        };
        paint::line(buffer, at, 0, &position);
    }
    let text = Region {
        x: region.x + 1,
        width: region.width - 1,
        ..region
    };
    for (row, line) in (1..region.height).zip(&lines[first..end]) {
        paint::line(buffer, text, row, line);
    }
}

/// How many positions the page can be scrolled to.
pub(super) fn positions(model: &Model, page: &Page) -> usize {
    let region = model.layout().page();
    let shown = usize::from(region.height.saturating_sub(1));
    let lines = lines(model, page, Theme::Mono, text_columns(region));
    (lines.len() + 1).saturating_sub(shown).max(1)
}

/// Where on the topmost page the side begins that is selected.
pub(crate) fn line_of_side(model: &Model) -> usize {
    let Some(Layer::Finding(page)) = model.layers.last() else {
        return 0;
    };
    let columns = text_columns(model.layout().page());
    let above = opening(page, Theme::Mono, columns).len();
    above + sides::line_of(page, page.selected(), Theme::Mono, columns)
}

fn text_columns(region: Region) -> usize {
    usize::from(region.width).saturating_sub(2)
}

fn lines(model: &Model, page: &Page, theme: Theme, columns: usize) -> Vec<Line<'static>> {
    let finding = &page.finding;
    let is_conflict = conflict::is_conflict(finding);
    let mut lines = opening(page, theme, columns);
    if is_conflict {
        lines.extend(sides::lines(page, theme, columns));
        lines.push(Line::default());
    }
    lines.extend(fact::lines(&facts::all(model, page), theme, columns));
    lines.extend(times::line(page, theme, columns));
    // Only a poll is a moment of which there has to be one.
    if finding.kind == "long-poll" || !finding.stack.is_empty() {
        lines.push(Line::default());
        lines.extend(stack::lines(page, theme, columns));
    }
    if !is_conflict {
        lines.push(Line::default());
        lines.extend(source::lines(page, theme, columns));
    }
    lines.push(Line::default());
    lines.extend(fact::lines(
        &[fact("help", printable(&finding.help))],
        theme,
        columns,
    ));
    lines
}

/// What it is, as far as one sentence tells.
fn opening(page: &Page, theme: Theme, columns: usize) -> Vec<Line<'static>> {
    let message = wrap(&printable(&page.finding.message), columns);
    let mut lines = vec![headline(page, theme)];
    lines.extend(message.into_iter().map(Line::from));
    lines.push(Line::default());
    lines
}

/// `high  long-poll · file-io  ×17  now 1.2s`
fn headline(page: &Page, theme: Theme) -> Line<'static> {
    let finding = &page.finding;
    let severity = finding.severity();
    let style = theme.style(findings::role(severity));
    let mut spans = vec![
        Span::styled(severity.as_str(), style),
        Span::styled(
            format!(
                " {} · {}",
                printable(&finding.kind),
                printable(&finding.rule)
            ),
            theme.style(Role::Own),
        ),
    ];
    if let Some(lasts) = lasts_ns(finding, page.at_unix_ns) {
        spans.push(Span::raw("  "));
        spans.push(Span::styled(format!("now {}", duration(lasts)), style));
    }
    Line::from(spans)
}
