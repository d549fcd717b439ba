//! Writing into regions of the screen. What does not fit is cut off, never an error.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::text;
use crate::tui::model::Region;
use crate::tui::theme::{Role, Theme};

/// Writes a line into a region, `row` lines below its top.
pub(crate) fn line(buffer: &mut Buffer, region: Region, row: u16, line: &Line<'_>) {
    let area = visible(buffer, region);
    if row < area.height && area.width > 0 {
        buffer.set_line(area.x, area.y + row, line, area.width);
    }
}

/// One text from the left, another to the right end. The right one comes first where there is no room for both.
pub(crate) fn ends(
    buffer: &mut Buffer,
    region: Region,
    row: u16,
    left: Vec<Span<'_>>,
    right: Vec<Span<'_>>,
) {
    let right = Line::from(right);
    let right_width = u16::try_from(right.width())
        .unwrap_or(u16::MAX)
        .min(region.width);
    let room = usize::from(
        region
            .width
            .saturating_sub(right_width + u16::from(right_width > 0)),
    );
    line(buffer, region, row, &Line::from(fit(left, room)));
    let at = Region {
        x: region.x + region.width - right_width,
        width: right_width,
        ..region
    };
    line(buffer, at, row, &right);
}

/// As much of the spans as fits, with `…` where something was cut.
pub(crate) fn fit(spans: Vec<Span<'_>>, columns: usize) -> Vec<Span<'static>> {
    let mut room = columns;
    let mut fitting = Vec::new();
    for span in spans {
        let width = span.width();
        fitting.push(Span::styled(text::clip(&span.content, room), span.style));
        if width > room {
            break;
        }
        room -= width;
    }
    fitting
}

/// A text in as many lines as it takes, in place of what a region would show.
pub(crate) fn paragraph(buffer: &mut Buffer, region: Region, text: &str, style: Style) {
    let lines = text::wrap(text, usize::from(region.width));
    for (row, words) in (0..region.height).zip(lines) {
        line(buffer, region, row, &Line::styled(words, style));
    }
}

/// Over the last column of a region: the lines that are `covered` stand for the part of a longer list that is seen.
pub(crate) fn scroll_bar(buffer: &mut Buffer, region: Region, covered: Range<u16>, theme: Theme) {
    let Some(last) = region.width.checked_sub(1) else {
        return;
    };
    let at = Region {
        x: region.x + last,
        width: 1,
        ..region
    };
    for row in covered {
        line(buffer, at, row, &Line::styled("▐", theme.style(Role::Dim)));
    }
}

/// Lays a style over a line of a region.
pub(crate) fn restyle(buffer: &mut Buffer, region: Region, row: u16, style: Style) {
    let area = visible(buffer, region);
    if row < area.height {
        buffer.set_style(
            Rect {
                y: area.y + row,
                height: 1,
                ..area
            },
            style,
        );
    }
}

/// The region as far as it is on the screen, which may have shrunk since the model heard of its size.
pub(crate) fn visible(buffer: &Buffer, region: Region) -> Rect {
    Rect {
        x: region.x,
        y: region.y,
        width: region.width,
        height: region.height,
    }
    .intersection(buffer.area)
}
