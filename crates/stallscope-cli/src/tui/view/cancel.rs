//! The box that asks whether to cancel a task, and tells what came of it.

use std::time::Duration;

use ratatui::text::Line;
use stallscope_wire::text::place;

use super::footer;
use super::text::wrap;
use crate::format::{duration, printable};
use crate::tui::model::{Cancel, Model, PATIENCE, Stage};
use crate::tui::theme::{Role, Theme};

pub(super) fn lines(
    model: &Model,
    cancel: &Cancel,
    theme: Theme,
    columns: usize,
) -> Vec<Line<'static>> {
    let (said, role, beside) = match cancel.stage() {
        Stage::Asked => (
            format!("Cancel {}? y/n", subject(cancel)),
            Role::Text,
            "It is dropped where it waits, and what it owns with it.",
        ),
        Stage::Sent { at, .. } => {
            let waited = model.now.saturating_duration_since(*at);
            let (waited, patience) = (in_words(waited), in_words(PATIENCE));
            let said = format!(
                "Cancelling {}: {waited} of at most {patience}",
                subject(cancel)
            );
            (said, Role::Text, "")
        }
        Stage::Over(verdict) => (printable(verdict), Role::Own, "Any key goes on."),
    };
    let sentence = |text: &str, role| {
        let lines = wrap(text, columns).into_iter();
        lines.map(move |line| Line::styled(line, theme.style(role)))
    };
    let mut lines: Vec<Line<'static>> = sentence(&said, role).collect();
    lines.push(Line::default());
    lines.extend(sentence(beside, Role::Dim));
    if !cancel.is_over() {
        lines.push(Line::from(footer::hints(model, theme, columns)));
    }
    lines
}

/// `task 88 "render", spawned at src/report.rs:63:9`.
fn subject(cancel: &Cancel) -> String {
    let title = cancel.subject.title();
    match &cancel.subject.spawned_at {
        Some(site) => format!("{title}, spawned at {}", printable(&place(site))),
        None => title,
    }
}

fn in_words(time: Duration) -> String {
    match time.as_nanos() {
        0 => "0s".to_owned(),
        nanos => duration(u64::try_from(nanos).unwrap_or(u64::MAX)),
    }
}
