//! The line above the footer: the prompt, or what is not as usual — an old picture, a frozen one, a filter, a reply.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::text::Span;

use super::paint;
use crate::format::{counted, duration, printable};
use crate::tui::model::{Link, Model, Pane, Prompt, PromptPurpose, Region};
use crate::tui::theme::{Role, Theme};

pub(super) fn draw(model: &Model, theme: Theme, buffer: &mut Buffer, region: Region) {
    if let Some(prompt) = model.prompt() {
        draw_prompt(model, prompt, theme, buffer, region);
        return;
    }
    let mut spans = Vec::new();
    for (text, role) in modes(model) {
        spans.push(Span::styled(format!(" {text} "), theme.style(role)));
        spans.push(Span::raw(" "));
    }
    if let Some(notice) = &model.notice {
        spans.push(Span::raw(printable(notice)));
    }
    paint::ends(buffer, region, 0, spans, Vec::new());
}

fn draw_prompt(model: &Model, prompt: &Prompt, theme: Theme, buffer: &mut Buffer, region: Region) {
    let label = match prompt.purpose {
        PromptPurpose::Filter { .. } => "/",
        PromptPurpose::Task => "#",
    };
    let left = vec![
        Span::styled(label, theme.style(Role::Key)),
        // The end of a long text is where it is typed.
        Span::raw(tail(
            &printable(&prompt.text),
            usize::from(region.width / 2),
        )),
        Span::styled(" ", theme.style(Role::Selected)),
    ];
    let right = match (&prompt.error, &prompt.purpose) {
        (Some(error), _) => vec![Span::styled(printable(error), theme.style(Role::Warning))],
        (None, PromptPurpose::Filter { .. }) => {
            vec![Span::styled(matches(model), theme.style(Role::Dim))]
        }
        (None, PromptPurpose::Task) => vec![Span::styled(
            "id of the task to follow",
            theme.style(Role::Dim),
        )],
    };
    let typed: usize = left.iter().map(Span::width).sum();
    let room = usize::from(region.width).saturating_sub(typed + 1);
    paint::ends(buffer, region, 0, left, paint::fit(right, room));
}

/// Everything that is not as usual, the most important first.
fn modes(model: &Model) -> Vec<(String, Role)> {
    let mut found = Vec::new();
    if let Some(link) = &model.link {
        found.extend(connection(model, link).map(|text| (text, Role::Warning)));
    }
    if let Some(frozen) = &model.frozen {
        let since = model.now.saturating_duration_since(frozen.since);
        found.push((format!("frozen {}", seconds(since)), Role::Mode));
    }
    if model.pane == Pane::Places {
        // What follows is of the tree.
        return found;
    }
    if let Some(task) = model.tree.follows() {
        found.push((format!("following #{task}"), Role::Mode));
    }
    if !model.filter.text.is_empty() {
        found.push((
            format!(
                "filter {} · {}",
                printable(&model.filter.text),
                matches(model)
            ),
            Role::Mode,
        ));
    }
    found
}

fn connection(model: &Model, link: &Link) -> Option<String> {
    if let Some(silence) = link.silent_for(model.now) {
        return Some(format!(
            "no answer for {}: is the process stopped?",
            seconds(silence)
        ));
    }
    let trouble = link.trouble()?;
    let since = model.now.saturating_duration_since(trouble.since);
    let next = match link.retries_in(model.now) {
        // Rounded up: "in 0s" would be now.
        Some(pause) => format!("retry in {}", seconds(pause + Duration::from_millis(999))),
        None => "retrying".to_owned(),
    };
    Some(format!(
        "no connection for {}, {next}, p: others: {}",
        seconds(since),
        printable(&trouble.reason)
    ))
}

fn matches(model: &Model) -> String {
    match model.tree.window() {
        Some(window) => {
            let live = model
                .gauges
                .overview()
                .map_or(0, |overview| overview.live_tasks);
            format!(
                "{} of {}",
                window.matched,
                counted(live.max(window.matched), "task")
            )
        }
        None => "…".to_owned(),
    }
}

/// Whole seconds: what counts them is drawn once in a second.
fn seconds(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds => duration(seconds.saturating_mul(1_000_000_000)),
    }
}

fn tail(text: &str, columns: usize) -> String {
    let mut tail: Vec<char> = Vec::new();
    let mut used = 0;
    for c in text.chars().rev() {
        used += super::text::width(c.encode_utf8(&mut [0; 4]));
        if used > columns {
            break;
        }
        tail.push(c);
    }
    tail.into_iter().rev().collect()
}
