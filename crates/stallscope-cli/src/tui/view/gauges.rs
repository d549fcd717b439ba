//! The runtime in numbers, and what the live tier cannot see.

use ratatui::buffer::Buffer;
use ratatui::text::{Line, Span};
use stallscope_wire::message::{Overview, Runtime};

use super::paint;
use super::text::{count, width};
use crate::format::{counted, duration, printable};
use crate::tui::model::{Model, Region};
use crate::tui::theme::{Role, Theme};

/// Between two gauges.
const GAP: usize = 2;

pub(super) fn draw(model: &Model, theme: Theme, buffer: &mut Buffer, region: Region) {
    let Some(overview) = model.gauges.overview() else {
        return;
    };
    let mut lines: Vec<Vec<Span<'_>>> = vec![Vec::new()];
    let mut used = 0;
    for gauge in gauges(model, overview) {
        let needed = width(&gauge) + GAP;
        if used > 0 && used + needed - GAP > usize::from(region.width) {
            lines.push(Vec::new());
            used = 0;
        }
        used += needed;
        if let Some(line) = lines.last_mut() {
            line.extend(parts(&gauge, theme));
        }
    }
    for (row, line) in (0..region.height).zip(lines) {
        paint::line(buffer, region, row, &Line::from(line));
    }
}

/// One sentence on what is missing because a tier is not on.
pub(super) fn draw_unseen(model: &Model, theme: Theme, buffer: &mut Buffer, region: Region) {
    if let Some(tier) = model.gauges.unseen() {
        let sentence = format!("{} {}: {}", tier.name, tier.state().as_str(), tier.note);
        let spans = vec![Span::styled(printable(&sentence), theme.style(Role::Dim))];
        paint::ends(buffer, region, 0, spans, Vec::new());
    }
}

/// The most telling first: a small screen shows only those.
fn gauges(model: &Model, overview: &Overview) -> Vec<String> {
    if model.is_attached() {
        return vec![counted(overview.live_tasks, "task")];
    }
    let runtimes: Vec<&Runtime> = overview
        .runtimes
        .iter()
        .filter(|runtime| !runtime.ended)
        .collect();
    let sum = |of: fn(&Runtime) -> u64| {
        runtimes
            .iter()
            .fold(0_u64, |sum, runtime| sum.saturating_add(of(runtime)))
    };
    let sum_known = |of: fn(&Runtime) -> Option<u64>| {
        let known: Vec<u64> = runtimes.iter().filter_map(|runtime| of(runtime)).collect();
        (!known.is_empty()).then(|| {
            known
                .iter()
                .fold(0_u64, |sum, &value| sum.saturating_add(value))
        })
    };

    let rate = model
        .gauges
        .polls_per_second()
        .map_or_else(|| "…".to_owned(), count);
    let mut gauges = vec![
        counted(overview.live_tasks, "task"),
        format!("tokio counts {}", sum(|runtime| runtime.alive_tasks)),
        format!("polls {rate}/s"),
    ];
    if let Some(quantiles) = model.gauges.poll_quantiles() {
        let below = |limit: std::time::Duration| {
            duration(u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX))
        };
        gauges.push(format!(
            "p50<{} p99<{} max<{}",
            below(quantiles.p50),
            below(quantiles.p99),
            below(quantiles.max)
        ));
    }
    gauges.push(format!(
        "global queue {}",
        sum(|runtime| runtime.global_queue_depth)
    ));
    if let Some(threads) = sum_known(|runtime| runtime.blocking_threads) {
        let idle = sum_known(|runtime| runtime.idle_blocking_threads).unwrap_or(0);
        let queued = sum_known(|runtime| runtime.blocking_queue_depth).unwrap_or(0);
        gauges.push(format!(
            "blocking {} of {threads} busy, {queued} queued",
            threads.saturating_sub(idle)
        ));
    }
    gauges
}

/// Words dim, numbers plain: the numbers are what changes.
fn parts(gauge: &str, theme: Theme) -> Vec<Span<'static>> {
    let mut spans: Vec<Span<'static>> = gauge
        .split_inclusive(' ')
        .map(|word| {
            let is_word = word.starts_with(|c: char| c.is_alphabetic()) && !word.contains('<');
            let role = if is_word { Role::Dim } else { Role::Text };
            Span::styled(word.to_owned(), theme.style(role))
        })
        .collect();
    spans.push(Span::raw(" ".repeat(GAP)));
    spans
}
