//! The tracked locks, a line each: who holds it since when, and how many wait.

use ratatui::buffer::Buffer;
use ratatui::text::{Line, Span};
use stallscope_wire::message::Lock;

use super::columns::{Align, aligned, fit};
use super::text::{count, left, place_of};
use super::{paint, refusal, sort, waiting_for};
use crate::format::duration_or_none;
use crate::locks::{LocksSort, contention, held_by, held_for, kind};
use crate::tui::model::{Answer, Layout, Model, Region};
use crate::tui::theme::{Role, Theme};

/// A column beside the locks themselves.
struct Column {
    head: &'static str,
    width: u16,
    /// What its head shows the arrow for.
    sort: Option<LocksSort>,
    align: Align,
    cell: fn(&Lock) -> String,
}

/// Less of a place and a kind than this says too little.
const LOCK_AT_LEAST: u16 = 20;

/// From the most to the least important: narrow screens lose the last ones.
static COLUMNS: &[Column] = &[
    Column {
        head: "QUEUE",
        width: 6,
        sort: Some(LocksSort::Queue),
        align: Align::Right,
        cell: |lock| count(lock.queue),
    },
    Column {
        head: "HELD",
        width: 6,
        sort: Some(LocksSort::Hold),
        align: Align::Right,
        cell: held_for,
    },
    Column {
        head: "HOLDER",
        width: 18,
        sort: None,
        align: Align::Left,
        cell: held_by,
    },
    Column {
        head: "CONTENDED",
        width: 10,
        sort: Some(LocksSort::Contention),
        align: Align::Right,
        cell: contention,
    },
    Column {
        head: "P99 WAIT",
        width: 9,
        sort: Some(LocksSort::Wait),
        align: Align::Right,
        cell: |lock| duration_or_none(lock.p99_wait_ns),
    },
    Column {
        head: "TAKEN",
        width: 6,
        sort: None,
        align: Align::Right,
        cell: |lock| count(lock.acquisitions),
    },
    Column {
        head: "LONGEST",
        width: 8,
        sort: None,
        align: Align::Right,
        cell: |lock| duration_or_none(lock.longest_wait_ns),
    },
];

pub(super) fn draw(model: &Model, theme: Theme, buffer: &mut Buffer, layout: &Layout) {
    let region = layout.tree;
    // The last column of the screen is the scroll bar's.
    let widths = COLUMNS.iter().map(|column| column.width);
    let (shown, room) = fit(widths, region.width.saturating_sub(1), LOCK_AT_LEAST);
    let columns = &COLUMNS[..shown];
    draw_heads(model, theme, buffer, layout.columns, columns, room);
    if let Some(sentence) = nothing_to_show(model) {
        paint::paragraph(buffer, region, &sentence, theme.style(Role::Dim));
        return;
    }
    let selection = Role::selection(!model.looks_at_findings());
    for (row, (lock, selected)) in (0..region.height).zip(model.locks.lines()) {
        let spans = spans(lock, theme, columns, usize::from(room));
        paint::line(buffer, region, row, &Line::from(spans));
        if selected {
            paint::restyle(buffer, region, row, theme.style(selection));
        }
    }
    if let Some(covered) = model.locks.scroll_bar() {
        paint::scroll_bar(buffer, region, covered, theme);
    }
}

fn nothing_to_show(model: &Model) -> Option<String> {
    match model.locks.answer() {
        Answer::Awaited => model.link.as_ref().map(waiting_for),
        Answer::Failed(reason) => Some(refusal(model, reason)),
        Answer::Here(_) if model.locks.all().is_empty() => {
            Some("No lock yet: this program has taken none of `stallscope::sync`.".to_owned())
        }
        Answer::Here(_) => None,
    }
}

fn draw_heads(
    model: &Model,
    theme: Theme,
    buffer: &mut Buffer,
    region: Region,
    columns: &[Column],
    room: u16,
) {
    let order = model.locks.order();
    let head = |name: &str, sorts: bool| sort::head(name, sorts, order.descending(), theme);
    let (mut text, style) = head("LOCK", order.sort() == LocksSort::Place);
    let (shown, total) = (model.locks.all().len() as u64, model.locks.total());
    if shown < total {
        text = format!("{text} {shown} of {total}");
    }
    let mut spans = vec![Span::styled(left(&text, usize::from(room)), style)];
    for column in columns {
        let (text, style) = head(column.head, column.sort == Some(order.sort()));
        spans.push(Span::raw(" "));
        spans.push(Span::styled(
            aligned(&text, column.align, column.width),
            style,
        ));
    }
    paint::line(buffer, region, 0, &Line::from(spans));
}

fn spans(lock: &Lock, theme: Theme, columns: &[Column], room: usize) -> Vec<Span<'static>> {
    let role = if lock.queue > 0 {
        Role::Warning
    } else {
        Role::Text
    };
    let mut spans = vec![Span::styled(
        left(&name(lock, room), room),
        theme.style(role),
    )];
    for column in columns {
        let text = (column.cell)(lock);
        spans.push(Span::raw(" "));
        spans.push(Span::raw(aligned(&text, column.align, column.width)));
    }
    spans
}

/// The place where it was made, and its kind where there is room for both.
fn name(lock: &Lock, room: usize) -> String {
    let kind = kind(lock);
    let Some(at) = &lock.made_at else {
        return kind.to_owned();
    };
    let beside = room.saturating_sub(kind.len() + 1);
    place_of(&at.file, at.line, beside)
        .map(|place| format!("{place} {kind}"))
        .or_else(|| place_of(&at.file, at.line, room))
        .unwrap_or_else(|| format!("…:{}", at.line))
}
