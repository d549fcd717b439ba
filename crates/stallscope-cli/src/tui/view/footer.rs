//! The last line: the most useful keys, and whether the numbers above are complete.

use ratatui::buffer::Buffer;
use ratatui::text::Span;

use super::paint;
use crate::format::counted;
use crate::tui::keys::{self, Command};
use crate::tui::model::{Layer, Model, Region};
use crate::tui::theme::{Role, Theme};
use crate::tui::update::context;

pub(super) fn draw(model: &Model, theme: Theme, buffer: &mut Buffer, region: Region) {
    let right = health(model, theme);
    let taken: usize = right.iter().map(Span::width).sum();
    let room = usize::from(region.width).saturating_sub(taken + 1);
    paint::ends(buffer, region, 0, hints(model, theme, room), right);
}

/// Keys of the present context with their words, as many as fit.
pub(super) fn hints(model: &Model, theme: Theme, room: usize) -> Vec<Span<'static>> {
    let mut spans: Vec<Span<'static>> = Vec::new();
    let mut used = 0;
    let is_asked = matches!(model.layers.last(), Some(Layer::Cancel(cancel)) if cancel.is_asked());
    let page = match model.layers.last() {
        Some(Layer::Finding(page)) => Some(page),
        _ => None,
    };
    for binding in keys::bindings(context(model)).filter(|binding| !binding.hint.is_empty()) {
        let nothing_to_choose = model.processes.found().is_empty();
        let useless = match binding.command {
            Command::Choose => nothing_to_choose,
            Command::Confirm | Command::Decline => !is_asked,
            Command::ShowPlaces | Command::ShowLocks | Command::Cancel => model.is_attached(),
            Command::FocusFindings => model.findings.all().is_empty(),
            Command::OtherSide => page.is_some_and(|page| page.finding.parties.is_empty()),
            Command::Unfold => page.is_some_and(|page| page.finding.stack.is_empty()),
            _ => false,
        };
        if useless {
            continue;
        }
        let gap = if spans.is_empty() { "" } else { "  " };
        let hint = [
            Span::raw(gap),
            Span::styled(binding.key(), theme.style(Role::Key)),
            Span::raw(format!(" {}", binding.hint)),
        ];
        let width: usize = hint.iter().map(Span::width).sum();
        if used + width <= room {
            used += width;
            spans.extend(hint);
        }
    }
    spans
}

/// Always on the screen: what was lost, and whether the doctor has something to say.
fn health(model: &Model, theme: Theme) -> Vec<Span<'static>> {
    let Some(overview) = model.gauges.overview() else {
        return Vec::new();
    };
    if model.is_attached() {
        return Vec::new();
    }
    let role = |bad: bool| theme.style(if bad { Role::Warning } else { Role::Dim });
    let dropped = overview.dropped_events;
    let warnings = u64::from(overview.warnings);
    vec![
        Span::styled(
            format!("dropped {}", super::text::count(dropped)),
            role(dropped > 0),
        ),
        Span::styled(" · ", theme.style(Role::Dim)),
        Span::styled(
            if warnings == 0 {
                "doctor ok".to_owned()
            } else {
                counted(warnings, "warning")
            },
            role(warnings > 0),
        ),
    ]
}
