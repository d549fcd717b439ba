//! What is known of a finding, a label and a value each.

use stallscope_wire::message::{self, Certainty, Finding, FindingTask, TaskKind};
use stallscope_wire::text::{self, place};

use crate::conflict;
use crate::format::{counted, duration, printable};
use crate::leak;
use crate::rules;
use crate::tui::model::{Model, Page};
use crate::tui::theme::Role;
use crate::tui::view::fact::{Fact, fact};
use crate::tui::view::text::ago;
use crate::tui::view::workers;

pub(super) fn all(model: &Model, page: &Page) -> Vec<Fact> {
    let finding = &page.finding;
    let is_conflict = conflict::is_conflict(finding);
    // The sides of a conflict stand above.
    let mut facts = if is_conflict {
        Vec::new()
    } else {
        where_and_who(model, finding)
    };
    if let Some(span) = &finding.span {
        facts.push(fact("span", printable(&in_span(span))));
    }
    facts.push(fact("cause", cause(finding)));
    facts.push(fact("certain", certainty(finding)));
    facts.push(fact("happened", happened(page)));
    if finding.queued_behind > 0 {
        facts.push(fact("behind", behind(finding)));
    }
    // A place is no thread.
    if !is_conflict && (finding.tid > 0 || finding.worker.is_some()) {
        facts.push(fact("thread", thread(model, finding)));
    }
    facts
}

fn where_and_who(model: &Model, finding: &Finding) -> Vec<Fact> {
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
            facts.push(fact(leak::label_of_task(finding), named(task)));
            // From outside nobody can know.
            if !model.is_attached() {
                facts.push(fact("spawned", spawned(task)));
                facts.push(fact("below", ancestors(model, task)));
            }
        }
        None => facts.push(fact(
            leak::label_of_task(finding),
            "none, or not known".to_owned(),
        )),
    }
    facts
}

fn location(finding: &Finding) -> String {
    let Some(at) = &finding.location else {
        return "no frame of the application's own code was found in the stack".to_owned();
    };
    let place = match at.column {
        0 => format!("{}:{}", at.file, at.line),
        column => format!("{}:{}:{column}", at.file, at.line),
    };
    if at.function.is_empty() {
        printable(&place)
    } else {
        printable(&format!("{place} in {}", at.function))
    }
}

/// A kind is told only where it is not the usual one.
pub(super) fn named(task: &FindingTask) -> String {
    let kind = match task.kind() {
        TaskKind::Task | TaskKind::Unknown => "",
        kind => kind.as_str(),
    };
    let words = [kind, &printable(&task.name), &format!("#{}", task.id)];
    let known: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    known.join(" ")
}

pub(super) fn spawned(task: &FindingTask) -> String {
    let site = task.spawned_at.as_ref();
    site.map_or_else(
        || "where is not known".to_owned(),
        |site| printable(&place(site)),
    )
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

fn behind(finding: &Finding) -> String {
    let waiting = finding.queued_behind;
    if conflict::is_conflict(finding) {
        return format!("up to {waiting} waiting for a lock");
    }
    format!("up to {} ready to run waited", counted(waiting, "task"))
}

fn thread(model: &Model, finding: &Finding) -> String {
    match finding.worker {
        Some(worker) => format!("worker {worker}, thread {}", finding.tid),
        // Which of them are workers is not known from outside.
        None if model.is_attached() => finding.tid.to_string(),
        None => format!("thread {}, which is no worker", finding.tid),
    }
}
