//! The places that spawn tasks, a line each, with how many of their tasks live and how that changed.

use ratatui::buffer::Buffer;
use ratatui::text::{Line, Span};
use stallscope_wire::message::SiteStats;

use super::bars::sparkline;
use super::columns::{Align, aligned, fit};
use super::text::{count, left, place};
use super::{findings, paint, refusal, sort, tree, waiting_for};
use crate::format::{duration_or_none, growth, rate};
use crate::places::{History, PlaceSort, if_known};
use crate::tui::model::{Answer, Layout, Model, PlaceLine, Region};
use crate::tui::theme::{Role, Theme};

/// A column beside the places themselves.
struct Column {
    head: fn(History) -> &'static str,
    width: u16,
    /// What its head shows the arrow for.
    sort: Option<PlaceSort>,
    align: Align,
    /// What it shows in that many columns.
    cell: fn(&SiteStats, History, usize) -> String,
}

/// Less of a place than this says too little.
const PLACE_AT_LEAST: u16 = 22;

/// A place longer than this gives way to a longer line of bars.
const PLACE_AT_MOST: u16 = 44;

/// Points of a history; more bars than these would tell no more.
const POINTS: usize = 60;
const BARS_AT_MOST: u16 = 60;

/// From the most to the least important: narrow screens lose the last ones.
static COLUMNS: &[Column] = &[
    Column {
        head: |_| "LIVE",
        width: 6,
        sort: Some(PlaceSort::Live),
        align: Align::Right,
        cell: |stats, _, _| count(stats.live),
    },
    Column {
        head: |_| "GROWTH",
        width: 9,
        sort: Some(PlaceSort::Growth),
        align: Align::Right,
        cell: |stats, history, _| if_known(stats, || growth(history.growth(stats))),
    },
    Column {
        head: |history| match history {
            History::Minute => "LAST MIN",
            History::TenMinutes => "LAST 10MIN",
            History::Hour => "LAST HOUR",
        },
        width: BARS,
        sort: None,
        align: Align::Left,
        cell: |stats, history, cells| sparkline(history.of(stats), POINTS, cells),
    },
    Column {
        head: |_| "OLDEST",
        width: 7,
        sort: Some(PlaceSort::Oldest),
        align: Align::Right,
        cell: |stats, _, _| duration_or_none(stats.oldest_ns),
    },
    Column {
        head: |_| "SPAWN/S",
        width: 8,
        sort: Some(PlaceSort::SpawnRate),
        align: Align::Right,
        cell: |stats, _, _| if_known(stats, || rate(stats.spawned_per_second)),
    },
    Column {
        head: |_| "END/S",
        width: 6,
        sort: Some(PlaceSort::EndRate),
        align: Align::Right,
        cell: |stats, _, _| if_known(stats, || rate(stats.ended_per_second)),
    },
    Column {
        head: |_| "ORPHANS",
        width: 8,
        sort: Some(PlaceSort::Orphans),
        align: Align::Right,
        cell: |stats, _, _| if_known(stats, || count(stats.orphans)),
    },
    Column {
        head: |_| "IDLE",
        width: 6,
        sort: Some(PlaceSort::Idle),
        align: Align::Right,
        cell: |stats, _, _| if_known(stats, || duration_or_none(stats.longest_idle_ns)),
    },
];

/// Bars at the least. Theirs is the one column that nothing is sorted by.
const BARS: u16 = 10;

/// A column as wide as it is on this screen.
#[derive(Clone, Copy)]
struct Shown {
    column: &'static Column,
    width: u16,
}

pub(super) fn draw(model: &Model, theme: Theme, buffer: &mut Buffer, layout: &Layout) {
    let region = layout.tree;
    // The last column of the screen is the scroll bar's.
    let (columns, place_width) = fitting(region.width.saturating_sub(1));
    draw_heads(model, theme, buffer, layout.columns, &columns, place_width);
    if let Some(sentence) = nothing_to_show(model) {
        paint::paragraph(buffer, region, &sentence, theme.style(Role::Dim));
        return;
    }
    let selection = Role::selection(!model.looks_at_findings());
    for (row, line) in (0..region.height).zip(model.places.lines()) {
        let spans = spans(model, line, theme, &columns, place_width);
        paint::line(buffer, region, row, &Line::from(spans));
        if line.selected {
            paint::restyle(buffer, region, row, theme.style(selection));
        }
    }
    if let Some(covered) = model.places.scroll_bar() {
        paint::scroll_bar(buffer, region, covered, theme);
    }
}

/// The columns there is room for, and how wide the place is then.
fn fitting(width: u16) -> (Vec<Shown>, u16) {
    let widths = COLUMNS.iter().map(|column| column.width);
    let (count, mut place) = fit(widths, width, PLACE_AT_LEAST);
    let shown = COLUMNS[..count].iter().map(|column| {
        let more = if column.sort.is_none() {
            place.saturating_sub(PLACE_AT_MOST).min(BARS_AT_MOST - BARS)
        } else {
            0
        };
        place -= more;
        Shown {
            column,
            width: column.width + more,
        }
    });
    (shown.collect(), place)
}

fn nothing_to_show(model: &Model) -> Option<String> {
    match model.places.answer() {
        Answer::Awaited => model.link.as_ref().map(waiting_for),
        Answer::Failed(reason) => Some(refusal(model, reason)),
        Answer::Here(_) if model.places.all().is_empty() => Some(
            tree::unseen_tasks(model)
                .unwrap_or_else(|| "No place yet: this program has spawned no task.".to_owned()),
        ),
        Answer::Here(_) => None,
    }
}

fn draw_heads(
    model: &Model,
    theme: Theme,
    buffer: &mut Buffer,
    region: Region,
    columns: &[Shown],
    place_width: u16,
) {
    let (order, history) = (model.places.order(), model.places.history());
    let head = |name: &str, sorts: bool| sort::head(name, sorts, order.descending(), theme);
    let (mut text, style) = head("PLACE", order.sort() == PlaceSort::Site);
    let (shown, total) = (model.places.all().len() as u64, model.places.total());
    if shown < total {
        text = format!("{text} {shown} of {total}");
    }
    let mut spans = vec![Span::styled(left(&text, usize::from(place_width)), style)];
    for Shown { column, width } in columns {
        let (text, style) = head((column.head)(history), column.sort == Some(order.sort()));
        spans.push(Span::raw(" "));
        spans.push(Span::styled(aligned(&text, column.align, *width), style));
    }
    paint::line(buffer, region, 0, &Line::from(spans));
}

fn spans(
    model: &Model,
    line: PlaceLine<'_>,
    theme: Theme,
    columns: &[Shown],
    place_width: u16,
) -> Vec<Span<'static>> {
    let PlaceLine { site, stats, .. } = line;
    let room = usize::from(place_width);
    let (mark, role) = match leak_of(model, site.id) {
        Some(role) => ("! ", role),
        None => ("", Role::Text),
    };
    // The last part of a path is worth more than its beginning, and some of it more than nothing.
    let place =
        place(site, room - mark.len().min(room)).unwrap_or_else(|| format!("…:{}", site.line));
    let mut spans = vec![Span::styled(
        left(&format!("{mark}{place}"), room),
        theme.style(role),
    )];
    let history = model.places.history();
    for Shown { column, width } in columns {
        let text = (column.cell)(stats, history, usize::from(*width));
        let role = if column.sort.is_none() {
            Role::Bar
        } else {
            Role::Text
        };
        spans.push(Span::raw(" "));
        spans.push(Span::styled(
            aligned(&text, column.align, *width),
            theme.style(role),
        ));
    }
    spans
}

/// What a finding that this place leaks looks like, if there is one.
fn leak_of(model: &Model, site: u32) -> Option<Role> {
    let leaks = model.findings.all().iter().find(|finding| {
        let task = finding.task.as_ref();
        let spawned_at = task.and_then(|task| task.spawned_at.as_ref());
        finding.leak.is_some() && spawned_at.is_some_and(|place| place.id == site)
    })?;
    Some(findings::role(leaks.severity()))
}
