//! Findings as people read them: the verdict first, then the line to change, then the evidence.

use std::io::{self, Write};

use stallscope_wire::message::{Finding, FindingTask, Location, Severity, Span, TaskKind};
use stallscope_wire::text::{self, place, source_path};

use super::{Outside, Snapshot};
use crate::conflict::{self, Side};
use crate::format::{UNKNOWN, counted, duration, printable};
use crate::headless::frame::{self, known};
use crate::leak;
use crate::source;
use crate::time::rfc3339;

/// `when` ends the sentence that says how many there are: "so far", "in 10s".
pub(in crate::headless) fn write(
    out: &mut impl Write,
    snapshot: &Snapshot,
    when: &str,
) -> io::Result<()> {
    let Snapshot {
        findings, outside, ..
    } = snapshot;
    let shown = findings.findings.len() as u64;
    writeln!(
        out,
        "{} {when}{}",
        match findings.total {
            0 => "no findings".to_owned(),
            total => counted(total, "finding"),
        },
        if shown < findings.total {
            format!(", of which these are the {shown} most harmful")
        } else {
            String::new()
        }
    )?;
    for finding in &findings.findings {
        writeln!(out)?;
        write_one(out, finding, outside)?;
    }
    Ok(())
}

fn write_one(out: &mut impl Write, finding: &Finding, outside: &Outside) -> io::Result<()> {
    writeln!(
        out,
        "{}  {}/{}  {}",
        severity(finding),
        printable(&finding.kind),
        printable(&finding.rule),
        printable(&finding.message)
    )?;
    let facts = [
        where_and_who(finding),
        outside.facts(finding),
        evidence(finding),
    ];
    for (what, value) in facts.into_iter().flatten() {
        writeln!(out, "  {what:<11}{value}")?;
    }
    frame::write(out, &finding.stack)
}

/// Each line with its label; what is not known has none.
type Facts = Vec<(&'static str, String)>;

/// The line to change, and whose it is; of a conflict each of its sides.
fn where_and_who(finding: &Finding) -> Facts {
    if conflict::is_conflict(finding) {
        let sides = conflict::sides(finding);
        return sides.iter().flat_map(side).collect();
    }
    let line = finding.location.as_ref().map(location);
    let figures = finding.leak.iter().flat_map(leak::figures);
    let task = finding.task.as_ref().map(task);
    let facts = line.map(|line| ("line", line)).into_iter();
    facts
        .chain(figures)
        .chain(task.map(|task| (leak::label_of_task(finding), task)))
        .collect()
}

/// What happened where, who it was, and the line itself if it is on this machine: there is no stack that would show it.
fn side(side: &Side<'_>) -> Facts {
    let place = side.location.map_or(UNKNOWN.to_owned(), location);
    let who = match side.task {
        Some(of) => ("task", task(of)),
        None => ("thread", side.thread()),
    };
    let code = side.place().and_then(|(file, line)| {
        let found = source::read(file, line).ok()?;
        let code = found.around(line, 0).next()?.1;
        Some(("source", printable(code.trim())))
    });
    [(side.did, place), who].into_iter().chain(code).collect()
}

fn evidence(finding: &Finding) -> Facts {
    let facts = [
        ("span", finding.span.as_deref().map(span)),
        ("seen", Some(seen(finding))),
        ("behind it", behind(finding)),
        ("help", known(&finding.help).map(printable)),
    ];
    let known = facts.into_iter();
    known
        .filter_map(|(what, value)| Some((what, value?)))
        .collect()
}

fn severity(finding: &Finding) -> &'static str {
    match finding.severity() {
        Severity::Unknown => UNKNOWN,
        severity => severity.as_str(),
    }
}

/// `src/report.rs:41 in hybrid_service::report::render`.
fn location(location: &Location) -> String {
    let place = format!(
        "{}:{}",
        printable(source_path(&location.file)),
        location.line
    );
    match known(&location.function) {
        Some(function) => format!("{place} in {}", printable(function)),
        None => place,
    }
}

/// `88 "render", spawned at src/main.rs:63:9, below 12, 1`.
fn task(task: &FindingTask) -> String {
    let id = match task.kind() {
        TaskKind::Root => format!("root future {}", task.id),
        _ => task.id.to_string(),
    };
    let mut parts = vec![match known(&task.name) {
        Some(name) => format!("{id} \"{}\"", printable(name)),
        None => id,
    }];
    if let Some(site) = &task.spawned_at {
        let place = place(site);
        parts.push(format!("spawned at {}", printable(source_path(&place))));
    }
    if !task.ancestors.is_empty() {
        let ancestors: Vec<_> = task.ancestors.iter().map(u64::to_string).collect();
        parts.push(format!("below {}", ancestors.join(", ")));
    }
    parts.join(", ")
}

/// `request{method=GET path="/report"} of hybrid_service::http, made at src/http.rs:27`.
fn span(span: &Span) -> String {
    let target = known(&span.target).map(|target| format!(" of {}", printable(target)));
    let place = known(&span.file)
        .map(|file| format!(", made at {}:{}", printable(source_path(file)), span.line));
    let (target, place) = (target.unwrap_or_default(), place.unwrap_or_default());
    format!("{}{target}{place}", printable(&text::span(span)))
}

/// `17 times from … to …, longest 341ms, 2.2s in all`, `at …, 9.7s so far`.
fn seen(finding: &Finding) -> String {
    let first = rfc3339(finding.first_seen_unix_ns);
    let last = rfc3339(finding.last_seen_unix_ns);
    let times = match finding.count {
        0 | 1 => String::new(),
        several => format!("{several} times "),
    };
    let mut parts = vec![if first == last {
        format!("{times}at {first}")
    } else {
        format!("{times}from {first} to {last}")
    }];
    let so_far = if finding.ongoing { " so far" } else { "" };
    let (longest, total) = (finding.longest_ns, finding.total_ns);
    if finding.count > 1 && longest > 0 {
        parts.push(format!("longest {}", duration(longest)));
        parts.push(format!("{} in all{so_far}", duration(total)));
    } else if longest > 0 {
        parts.push(format!("{}{so_far}", duration(longest)));
    } else if finding.ongoing {
        parts.push("still so".to_owned());
    }
    parts.join(", ")
}

fn behind(finding: &Finding) -> Option<String> {
    match finding.queued_behind {
        0 => None,
        waiting if conflict::is_conflict(finding) => {
            Some(format!("up to {waiting} waiting for a lock"))
        }
        waiting => Some(format!("up to {}", counted(waiting, "ready task"))),
    }
}
