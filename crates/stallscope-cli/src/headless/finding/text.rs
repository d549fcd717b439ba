//! Findings as people read them: the verdict first, then the line to change, then the evidence.

use std::io::{self, Write};

use stallscope_wire::message::{
    Finding, FindingTask, Findings, Location, Severity, Span, TaskKind,
};
use stallscope_wire::text::{self, place};

use crate::format::{counted, duration, printable, source_path};
use crate::headless::frame::{self, known};
use crate::headless::task::UNKNOWN;
use crate::leak;
use crate::time::rfc3339;

/// `when` ends the sentence that says how many there are: "so far", "in 10s".
pub(in crate::headless) fn write(
    out: &mut impl Write,
    findings: &Findings,
    when: &str,
) -> io::Result<()> {
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
        write_one(out, finding)?;
    }
    Ok(())
}

fn write_one(out: &mut impl Write, finding: &Finding) -> io::Result<()> {
    writeln!(
        out,
        "{}  {}/{}  {}",
        severity(finding),
        printable(&finding.kind),
        printable(&finding.rule),
        printable(&finding.message)
    )?;
    // Of a place that leaks, the task is one of many.
    let of_task = if finding.leak.is_some() {
        "example"
    } else {
        "task"
    };
    let mut facts = vec![
        ("line", finding.location.as_ref().map(location)),
        (of_task, finding.task.as_ref().map(task)),
        ("span", finding.span.as_ref().map(span)),
        ("seen", Some(seen(finding))),
        ("behind it", behind(finding)),
        ("help", known(&finding.help).map(printable)),
    ];
    let figures = finding.leak.iter().flat_map(leak::figures);
    facts.splice(1..1, figures.map(|(what, figure)| (what, Some(figure))));
    for (what, value) in facts {
        if let Some(value) = value {
            writeln!(out, "  {what:<11}{value}")?;
        }
    }
    frame::write(out, &finding.stack)
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
        waiting => Some(format!("up to {}", counted(waiting, "ready task"))),
    }
}
