//! The page of one finding: what happened, where and why, with its stack and the line to change.

mod source;
mod stack;
mod times;

use ratatui::buffer::Buffer;
use ratatui::text::{Line, Span};
use stallscope_wire::message::{self, Certainty, Finding, FindingTask, TaskKind};
use stallscope_wire::text::{self, place};

use super::fact::{self, Fact, fact};
use super::text::{ago, wrap};
use super::{findings, paint, workers};
use crate::format::{counted, duration, printable};
use crate::leak;
use crate::rules;
use crate::tui::model::{Model, Page, Region, lasts_ns};
use crate::tui::theme::{Role, Theme};

pub(super) fn draw(model: &Model, page: &Page, theme: Theme, buffer: &mut Buffer, region: Region) {
    if region.height == 0 || region.width == 0 {
        return;
    }
    let lines = lines(model, page, theme, text_columns(region));
    let shown = usize::from(region.height - 1);
    let first = usize::from(page.scroll).min(lines.len().saturating_sub(shown));
    let end = (first + shown).min(lines.len());
    let position = if lines.len() > shown {
        format!(" {}–{end} of {} ", first + 1, lines.len())
    } else {
        String::new()
    };
    let title = format!("─ finding {} ", page.finding.id);
    let rule = "─".repeat(usize::from(region.width));
    let style = theme.style(Role::Title);
    let left = vec![
        Span::styled(title, style),
        Span::styled(rule.clone(), style),
    ];
    // The rule is cut where the position begins, without a sign for it.
    paint::line(buffer, region, 0, &Line::from(left));
    let position = Line::styled(position, style);
    let columns = u16::try_from(position.width()).unwrap_or(u16::MAX);
    if columns + 16 < region.width {
        let at = Region {
            x: region.x + region.width - columns,
            width: columns,
            ..region
        };
        paint::line(buffer, at, 0, &position);
    }
    let text = Region {
        x: region.x + 1,
        width: region.width - 1,
        ..region
    };
    for (row, line) in (1..region.height).zip(&lines[first..end]) {
        paint::line(buffer, text, row, line);
    }
}

/// How many positions the page can be scrolled to.
pub(super) fn positions(model: &Model, page: &Page) -> usize {
    let region = model.layout().page();
    let shown = usize::from(region.height.saturating_sub(1));
    let lines = lines(model, page, Theme::Mono, text_columns(region));
    (lines.len() + 1).saturating_sub(shown).max(1)
}

fn text_columns(region: Region) -> usize {
    usize::from(region.width).saturating_sub(2)
}

fn lines(model: &Model, page: &Page, theme: Theme, columns: usize) -> Vec<Line<'static>> {
    let finding = &page.finding;
    let mut lines = vec![headline(page, theme)];
    let message = wrap(&printable(&finding.message), columns);
    lines.extend(message.into_iter().map(Line::from));
    lines.push(Line::default());
    lines.extend(fact::lines(&facts(model, page), theme, columns));
    lines.extend(times::line(page, theme, columns));
    // A place that leaks is no moment of which there could be a stack.
    if finding.leak.is_none() || !finding.stack.is_empty() {
        lines.push(Line::default());
        lines.extend(stack::lines(page, theme, columns));
    }
    lines.push(Line::default());
    lines.extend(source::lines(page, theme, columns));
    lines.push(Line::default());
    lines.extend(fact::lines(
        &[fact("help", printable(&finding.help))],
        theme,
        columns,
    ));
    lines
}

/// `high  long-poll · file-io  ×17  now 1.2s`
fn headline(page: &Page, theme: Theme) -> Line<'static> {
    let finding = &page.finding;
    let severity = finding.severity();
    let style = theme.style(findings::role(severity));
    let mut spans = vec![
        Span::styled(severity.as_str(), style),
        Span::styled(
            format!(
                " {} · {}",
                printable(&finding.kind),
                printable(&finding.rule)
            ),
            theme.style(Role::Own),
        ),
    ];
    if let Some(lasts) = lasts_ns(finding, page.at_unix_ns) {
        spans.push(Span::raw("  "));
        spans.push(Span::styled(format!("now {}", duration(lasts)), style));
    }
    Line::from(spans)
}

fn facts(model: &Model, page: &Page) -> Vec<Fact> {
    let finding = &page.finding;
    let mut facts = vec![Fact {
        label: "where",
        value: location(finding),
        role: Role::Own,
    }];
    if let Some(leak) = &finding.leak {
        let figures = leak::figures(leak);
        facts.extend(
            figures
                .into_iter()
                .map(|(label, figure)| fact(label, figure)),
        );
    }
    match &finding.task {
        Some(task) => {
            facts.push(fact(of_task(finding), named(task)));
            facts.push(fact(
                "spawned",
                task.spawned_at.as_ref().map_or_else(
                    || "where is not known".to_owned(),
                    |site| printable(&place(site)),
                ),
            ));
            facts.push(fact("below", ancestors(model, task)));
        }
        None => facts.push(fact(of_task(finding), "none, or not known".to_owned())),
    }
    if let Some(span) = &finding.span {
        facts.push(fact("span", printable(&in_span(span))));
    }
    facts.push(fact("cause", cause(finding)));
    facts.push(fact("certain", certainty(finding)));
    facts.push(fact("happened", happened(page)));
    if finding.queued_behind > 0 {
        let waited = counted(finding.queued_behind, "task");
        facts.push(fact(
            "behind",
            format!("up to {waited} ready to run waited"),
        ));
    }
    if finding.leak.is_none() {
        facts.push(fact("thread", thread(finding)));
    }
    facts
}

/// Of a place that leaks, the task is one of many.
fn of_task(finding: &Finding) -> &'static str {
    if finding.leak.is_some() {
        "example"
    } else {
        "task"
    }
}

fn location(finding: &Finding) -> String {
    let Some(at) = &finding.location else {
        return "no frame of the application's own code was found in the stack".to_owned();
    };
    let place = format!("{}:{}:{}", at.file, at.line, at.column);
    if at.function.is_empty() {
        printable(&place)
    } else {
        printable(&format!("{place} in {}", at.function))
    }
}

/// A kind is told only where it is not the usual one.
fn named(task: &FindingTask) -> String {
    let kind = match task.kind() {
        TaskKind::Task | TaskKind::Unknown => "",
        kind => kind.as_str(),
    };
    let words = [kind, &printable(&task.name), &format!("#{}", task.id)];
    let known: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    known.join(" ")
}

/// From the outermost to the parent, with the names of those that are on the screen.
fn ancestors(model: &Model, task: &FindingTask) -> String {
    if task.ancestors.is_empty() {
        return "no task: spawned from outside of any, or by one that is not known".to_owned();
    }
    let chain: Vec<String> = task
        .ancestors
        .iter()
        .rev()
        .map(|&ancestor| {
            format!("{} #{ancestor}", workers::known_as(model, ancestor))
                .trim_start()
                .to_owned()
        })
        .collect();
    chain.join(" › ")
}

/// `request{path="/report"} of hybrid_service::http, made at src/http.rs:27`
fn in_span(span: &message::Span) -> String {
    let name = text::span(span);
    match (span.target.as_str(), span.file.as_str()) {
        ("", "") => name,
        (target, "") => format!("{name} of {target}"),
        ("", file) => format!("{name}, made at {file}:{}", span.line),
        (target, file) => format!("{name} of {target}, made at {file}:{}", span.line),
    }
}

/// The rule in words; a rule that this client has no words for is only named.
fn cause(finding: &Finding) -> String {
    let rule = printable(&finding.rule);
    match rules::words(&finding.kind, &finding.rule) {
        Some(words) => format!("{rule}: {words}"),
        None => rule,
    }
}

fn certainty(finding: &Finding) -> String {
    match finding.certainty() {
        Certainty::Proven => "proven: it was seen while it happened".to_owned(),
        Certainty::Likely => "likely: the evidence could also mean something else".to_owned(),
        Certainty::Unknown => "not told".to_owned(),
    }
}

fn happened(page: &Page) -> String {
    let finding = &page.finding;
    let over = |at: u64| ago(page.at_unix_ns.saturating_sub(at));
    if finding.leak.is_some() {
        let found = format!("found {}", over(finding.first_seen_unix_ns));
        return if finding.ongoing {
            format!("{found}, and still so")
        } else {
            format!("{found}, last {}", over(finding.last_seen_unix_ns))
        };
    }
    let mut parts = vec![counted(finding.count, "time")];
    if finding.longest_ns > 0 {
        parts.push(format!("longest {}", duration(finding.longest_ns)));
        parts.push(format!("{} in all", duration(finding.total_ns)));
    }
    if finding.count > 1 {
        parts.push(format!("first {}", over(finding.first_seen_unix_ns)));
    }
    if !finding.ongoing {
        parts.push(format!("last {}", over(finding.last_seen_unix_ns)));
    }
    parts.join(", ")
}

fn thread(finding: &Finding) -> String {
    match finding.worker {
        Some(worker) => format!("worker {worker}, thread {}", finding.tid),
        None => format!("thread {}, which is no worker", finding.tid),
    }
}
