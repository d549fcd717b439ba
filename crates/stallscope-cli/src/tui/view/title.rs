//! The first line: which process, for how long, and which tiers are live.

use ratatui::buffer::Buffer;
use ratatui::text::Span;
use stallscope_wire::message::{Tier, TierState};

use super::paint;
use crate::format::{duration, printable};
use crate::tui::model::{Model, Region};
use crate::tui::theme::{Role, Theme};

/// With fewer columns there is room for the process only.
const WITH_TIERS: u16 = 36;

pub(super) fn draw(model: &Model, theme: Theme, buffer: &mut Buffer, region: Region) {
    let mut right = Vec::new();
    if let Some(overview) = model
        .gauges
        .overview()
        .filter(|_| region.width >= WITH_TIERS)
    {
        for tier in &overview.tiers {
            let separator = if right.is_empty() { "" } else { " " };
            right.push(Span::raw(separator));
            right.extend(state(tier, theme));
        }
    }
    paint::ends(buffer, region, 0, process(model, theme), right);
}

fn process(model: &Model, theme: Theme) -> Vec<Span<'static>> {
    let Some(process) = &model.process else {
        let name = model
            .link
            .as_ref()
            .map(|link| link.target.to_string())
            .unwrap_or_default();
        return vec![Span::styled(name, theme.style(Role::Title))];
    };
    let mut spans = vec![
        Span::styled(printable(&process.program), theme.style(Role::Title)),
        Span::raw(format!(" {}", process.pid)),
    ];
    if model.is_attached() {
        spans.push(Span::styled("  read from outside", theme.style(Role::Dim)));
        return spans;
    }
    if let Some(uptime) = model.gauges.uptime() {
        let nanoseconds = u64::try_from(uptime.as_nanos()).unwrap_or(u64::MAX);
        spans.push(Span::raw(format!("  up {}", duration(nanoseconds))));
    }
    spans.push(Span::styled(
        format!("  tokio {}", printable(&process.tokio_version)),
        theme.style(Role::Dim),
    ));
    spans
}

/// `hooks on`, with the state in its colour.
fn state(tier: &Tier, theme: Theme) -> [Span<'static>; 2] {
    let role = match tier.state() {
        TierState::On => Role::On,
        TierState::Degraded => Role::Warning,
        TierState::Off | TierState::Unknown => Role::Off,
    };
    [
        Span::raw(format!("{} ", printable(&tier.name))),
        Span::styled(tier.state().as_str(), theme.style(role)),
    ]
}
