//! The worker threads: how busy each is, and what it polls now.

use std::cmp::Reverse;

use ratatui::buffer::Buffer;
use ratatui::text::{Line, Span};

use super::paint;
use super::text::{clip, left, place};
use crate::format::{duration, printable};
use crate::tui::model::{Model, Region, WORKER_WIDTH, WorkerGauge};
use crate::tui::theme::{Role, Theme};

/// Cells of the busy bar.
const BAR: usize = 8;

pub(super) fn draw(model: &Model, theme: Theme, buffer: &mut Buffer, region: Region) {
    let mut workers = model.gauges.workers();
    let per_line = usize::from((region.width / WORKER_WIDTH).max(1));
    let room = per_line * usize::from(region.height);
    let hidden = workers.len().saturating_sub(room);
    if hidden > 0 {
        // Who is stuck must not be among those that are not shown.
        workers.sort_by_key(|worker| Reverse(stuck(model, worker)));
    }
    for (index, worker) in workers.iter().take(room).enumerate() {
        let row = u16::try_from(index / per_line).unwrap_or(u16::MAX);
        let column = u16::try_from(index % per_line).unwrap_or(u16::MAX);
        let x = region.x + column * WORKER_WIDTH;
        let width = WORKER_WIDTH.min(region.width.saturating_sub(column * WORKER_WIDTH));
        let cell = Region {
            x,
            width: width.saturating_sub(1),
            ..region
        };
        let line = if hidden > 0 && index + 1 == room {
            Line::styled(
                format!("… and {} more workers", hidden + 1),
                theme.style(Role::Dim),
            )
        } else {
            Line::from(gauge(model, worker, theme))
        };
        paint::line(buffer, cell, row, &line);
    }
}

/// The task whose poll holds up everything else on this worker, and for how long it has done so, in nanoseconds.
fn stuck(model: &Model, worker: &WorkerGauge) -> Option<(u64, u64)> {
    let (task, lasted) = worker.polling?;
    let lasted = u64::try_from(lasted.as_nanos()).unwrap_or(u64::MAX);
    (lasted >= model.gauges.long_poll_ns()).then_some((lasted, task))
}

fn gauge(model: &Model, worker: &WorkerGauge, theme: Theme) -> Vec<Span<'static>> {
    let label = match worker.runtime {
        Some(runtime) => format!("r{runtime}w{}", worker.index),
        None => format!("w{}", worker.index),
    };
    let percent = usize::from(worker.busy_percent.unwrap_or(0));
    // Half a cell and more fills it.
    let filled = ((percent * BAR + 50) / 100).min(BAR);
    let share = worker
        .busy_percent
        .map_or_else(|| "   …".to_owned(), |percent| format!("{percent:3}%"));
    let mut spans = vec![
        Span::raw(left(&label, 4)),
        Span::styled("█".repeat(filled), theme.style(Role::Bar)),
        Span::styled("░".repeat(BAR - filled), theme.style(Role::Dim)),
    ];
    if let Some((lasted, task)) = stuck(model, worker) {
        // Its share of time says nothing beside that.
        let since = format!(" stuck {}", duration(lasted));
        spans.push(Span::styled(since, theme.style(Role::Warning)));
        spans.push(Span::raw(format!(" #{task} {}", known_as(model, task))));
        return spans;
    }
    spans.push(Span::raw(format!(" {share} ")));
    match worker.polling {
        Some((task, lasted)) => {
            let lasted = u64::try_from(lasted.as_nanos()).unwrap_or(u64::MAX);
            // 0: it began as the agent looked.
            if lasted > 0 {
                let lasted = format!("{} ", duration(lasted));
                spans.push(Span::styled(lasted, theme.style(Role::Running)));
            }
            spans.push(Span::raw(format!("in #{task} {}", known_as(model, task))));
        }
        None if worker.parked => spans.push(Span::styled("parked", theme.style(Role::Dim))),
        None => spans.push(Span::styled("between polls", theme.style(Role::Dim))),
    }
    spans
}

/// What the tree says of a task, if its row is here.
pub(super) fn known_as(model: &Model, task: u64) -> String {
    let Some(row) = model.tree.window().and_then(|window| window.task(task)) else {
        return String::new();
    };
    match (row.as_task(), &row.site) {
        (Some(task), _) if !task.name.is_empty() => clip(&printable(&task.name), 20),
        (_, Some(site)) => place(site, 12).unwrap_or_default(),
        _ => String::new(),
    }
}
