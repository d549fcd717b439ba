//! The tree of tasks, a line each, with its columns; or why there is none.

use ratatui::buffer::Buffer;
use ratatui::style::Style;
use ratatui::text::{Line as Text, Span};
use stallscope_wire::message::{TaskKind, TaskSort, TierState};

use super::columns::{Cell, Column, aligned, fitting};
use super::text::{clip, count, left, place, width};
use super::{paint, sort, waiting_for};
use crate::format::printable;
use crate::tui::model::{Fate, Layout, Line, Model, Node, Region, Row};
use crate::tui::theme::{Role, Theme};

pub(super) fn draw(model: &Model, theme: Theme, buffer: &mut Buffer, layout: &Layout) {
    // The last column of the screen is the scroll bar's.
    let (columns, tree_width) = fitting(layout.tree.width.saturating_sub(1), model.is_attached());
    draw_heads(model, theme, buffer, layout.columns, columns, tree_width);
    if let Some(sentence) = nothing_to_show(model) {
        paint::paragraph(buffer, layout.tree, &sentence, theme.style(Role::Dim));
        return;
    }
    let look = Look {
        theme,
        columns,
        tree_width,
        long_poll_ns: model.gauges.long_poll_ns(),
    };
    let selection = Role::selection(!model.looks_at_findings());
    for (row, line) in (0..layout.tree.height).zip(model.tree.lines()) {
        let (text, selected) = match line {
            Line::Row { row, selected } => (task_line(row, None, look), selected),
            Line::Lost { row, fate } => (task_line(row, Some(fate), look), true),
            Line::Unknown { selected } => {
                (vec![Span::styled("…", theme.style(Role::Dim))], selected)
            }
        };
        paint::line(buffer, layout.tree, row, &Text::from(text));
        if selected {
            paint::restyle(buffer, layout.tree, row, theme.style(selection));
        }
    }
    if let Some(covered) = model.tree.scroll_bar() {
        paint::scroll_bar(buffer, layout.tree, covered, theme);
    }
}

fn nothing_to_show(model: &Model) -> Option<String> {
    let Some(window) = model.tree.window() else {
        return model.link.as_ref().map(waiting_for);
    };
    if window.total > 0 || model.tree.selected().is_some() {
        return None;
    }
    if !model.filter.text.is_empty() {
        return Some(format!("no task matches {}", model.filter.text));
    }
    Some(unseen_tasks(model).unwrap_or_else(|| {
        "No task yet: this program has spawned none, or all have ended.".to_owned()
    }))
}

/// Why no task is seen; `None` if every task is.
pub(super) fn unseen_tasks(model: &Model) -> Option<String> {
    let hooks = model
        .gauges
        .overview()
        .and_then(|overview| overview.tiers.iter().find(|tier| tier.name == "hooks"))
        .filter(|hooks| hooks.state() != TierState::On)?;
    Some(format!(
        "No task is seen. Tasks of tokio::spawn show with the hooks tier, which is {}: {}",
        hooks.state().as_str(),
        printable(&hooks.note)
    ))
}

fn draw_heads(
    model: &Model,
    theme: Theme,
    buffer: &mut Buffer,
    region: Region,
    columns: &[Column],
    tree_width: u16,
) {
    let order = model.tree.order();
    let head = |name: &str, sorts: bool| sort::head(name, sorts, order.descending(), theme);
    let (name, by_tree) = match order.sort() {
        TaskSort::Name => ("TASK by name", true),
        TaskSort::Site => ("TASK by place", true),
        TaskSort::Id | TaskSort::Unknown => ("TASK", true),
        _ => ("TASK", false),
    };
    let (mut text, style) = head(name, by_tree);
    if model.waits_for_tree() {
        text.push_str(" asking…");
    }
    let mut spans = vec![Span::styled(left(&text, usize::from(tree_width)), style)];
    for column in columns {
        let (text, style) = head(column.head, column.sort == order.sort());
        spans.push(Span::raw(" "));
        spans.push(Span::styled(
            aligned(&text, column.align, column.width),
            style,
        ));
    }
    paint::line(buffer, region, 0, &Text::from(spans));
}

/// What all lines have in common.
#[derive(Clone, Copy)]
struct Look<'a> {
    theme: Theme,
    columns: &'a [Column],
    tree_width: u16,
    long_poll_ns: u64,
}

fn task_line(row: &Row, lost: Option<Fate>, look: Look<'_>) -> Vec<Span<'static>> {
    let Look {
        theme,
        columns,
        tree_width,
        long_poll_ns,
    } = look;
    let mut spans = label(row, theme, usize::from(tree_width));
    let used: usize = spans.iter().map(Span::width).sum();
    spans.push(Span::raw(
        " ".repeat(usize::from(tree_width).saturating_sub(used)),
    ));
    for (index, column) in columns.iter().enumerate() {
        let cell = match (lost, &row.node) {
            // What it did last stays; what it is now comes in the first column, which is the last to be dropped.
            (Some(fate), _) if index == 0 => Cell {
                text: fate_name(fate).to_owned(),
                role: Role::Ended,
            },
            (_, Node::Task(task)) => (column.of_task)(task, long_poll_ns),
            (_, Node::Group(group)) => (column.of_group)(group, long_poll_ns),
        };
        let role = if lost.is_some() {
            Role::Ended
        } else {
            cell.role
        };
        spans.push(Span::raw(" "));
        spans.push(Span::styled(
            aligned(&cell.text, column.align, column.width),
            theme.style(role),
        ));
    }
    if lost.is_some() {
        for span in &mut spans {
            span.style = theme.style(Role::Ended);
        }
    }
    spans
}

fn fate_name(fate: Fate) -> &'static str {
    match fate {
        Fate::Asked => "gone?",
        Fate::Ended => "ended",
        Fate::EndedOrFiltered => "no match",
    }
}

/// Guides, fold mark, and what is known of the task: name, spawn place and id, as much as fits.
fn label(row: &Row, theme: Theme, columns: usize) -> Vec<Span<'static>> {
    let mut prefix = guides(row, columns / 2);
    prefix.push_str(match (row.children, row.expanded) {
        (0, _) if row.depth > 0 => "─ ",
        (0, _) => "  ",
        (_, true) => "▾ ",
        (_, false) => "▸ ",
    });
    let prefix = clip(&prefix, columns);
    let room = columns.saturating_sub(width(&prefix));
    let mut spans = vec![Span::styled(prefix, theme.style(Role::Dim))];
    let (name, id) = match &row.node {
        Node::Group(group) => (format!("×{}", count(group.count)), String::new()),
        Node::Task(task) => {
            let kind = match task.kind() {
                TaskKind::Root => "root ",
                TaskKind::Blocking => "blocking ",
                TaskKind::Local => "local ",
                TaskKind::Task | TaskKind::Unknown => "",
            };
            (
                format!("{kind}{}", printable(&task.name))
                    .trim_end()
                    .to_owned(),
                format!("#{}", task.id),
            )
        }
    };
    let name = clip(&name, room);
    let name_takes = width(&name) + usize::from(!name.is_empty());
    let id_takes = width(&id) + usize::from(!id.is_empty());
    let for_place = room.saturating_sub(name_takes + id_takes);
    let place = match &row.site {
        Some(site) => place(site, for_place).unwrap_or_default(),
        _ => String::new(),
    };
    let parts = [
        (name, theme.style(Role::Text)),
        (
            place,
            if name_takes > 0 {
                theme.style(Role::Dim)
            } else {
                Style::new()
            },
        ),
        (id, theme.style(Role::Dim)),
    ];
    let mut words: Vec<Span<'static>> = Vec::new();
    for (text, style) in parts {
        if text.is_empty() {
            continue;
        }
        if !words.is_empty() {
            words.push(Span::raw(" "));
        }
        words.push(Span::styled(text, style));
    }
    spans.extend(paint::fit(words, room));
    spans
}

/// The lines that lead from the parents to a row, in at most that many columns: the depth of a deep row is told as a number.
fn guides(row: &Row, columns: usize) -> String {
    let depth = row.depth;
    if depth == 0 {
        return String::new();
    }
    let later_sibling = |depth: u32| {
        row.guides
            .checked_shr(depth)
            .is_some_and(|guides| guides & 1 != 0)
    };
    let elbow = if later_sibling(depth) {
        "├─"
    } else {
        "└─"
    };
    if usize::try_from(depth)
        .unwrap_or(usize::MAX)
        .saturating_mul(2)
        > columns
    {
        return format!("{depth}{elbow}");
    }
    let mut guides: String = (1..depth)
        .map(|above| if later_sibling(above) { "│ " } else { "  " })
        .collect();
    guides.push_str(elbow);
    guides
}
