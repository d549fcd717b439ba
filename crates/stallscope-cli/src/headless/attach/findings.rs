//! `stallscope findings --attach PID --for TIME`: what looks at a process from outside prove within a time.

use std::cmp::Reverse;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use stallscope_attach::tasks::Task;
use stallscope_attach::watch::{self, Rule};
use stallscope_wire::message::{Certainty, Finding, Findings, Location, Occurrence, Severity};

use super::polls::{self, nanoseconds};
use super::watching::{Watched, watch};
use crate::attach::{self, Source, words};
use crate::cli::FindingsArgs;
use crate::failure::Failure;
use crate::format::{duration, milliseconds};
use crate::headless::about::About;
use crate::headless::finding::{self, Answer, Snapshot, Window};

pub(super) fn run(pid: u32, args: &FindingsArgs, out: &mut impl Write) -> Result<(), Failure> {
    let Some(window) = args.window else {
        return Err(Failure::Usage(
            "from outside nothing is known of what was before: say with --for how long to watch, for instance --for 5s"
                .to_owned(),
        ));
    };
    let watched = attach::open(Source::Process(pid), |process| {
        Ok(watch(pid, process, window))
    })?;
    let snapshot = Snapshot {
        about: About::from_outside(pid, watched.tasks, watched.time),
        findings: told(&watched, now()),
    };
    if args.json {
        let window = Window {
            asked_ms: milliseconds(nanoseconds(window)),
            watched_ms: milliseconds(nanoseconds(watched.time)),
            cut_short: watched.ended.then(|| "the program ended".to_owned()),
        };
        serde_json::to_writer(&mut *out, &Answer::new(&snapshot, Some(&window)))?;
        writeln!(out)?;
    } else {
        snapshot.about.write_header(out)?;
        writeln!(out)?;
        let when = format!("in {}", duration(nanoseconds(watched.time)));
        finding::write(out, &snapshot.findings, &when)?;
    }
    Ok(())
}

/// Nanoseconds since 1970.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, nanoseconds)
}

/// The worst first, as an agent would tell them.
fn told(watched: &Watched, now: u64) -> Findings {
    let convert = |(id, finding)| convert(id, finding, now);
    let mut findings: Vec<Finding> = (1..).zip(&watched.findings).map(convert).collect();
    let began = now.saturating_sub(nanoseconds(watched.time));
    let next = findings.len() as u64 + 1;
    findings.extend(polls::findings(&watched.polls, next, began));
    findings.sort_by_key(|finding| (Reverse(finding.severity), finding.id));
    Findings {
        total: findings.len() as u64,
        findings,
    }
}

/// A finding of a task as an agent would tell it. `now`: nanoseconds since 1970.
fn convert(id: u64, finding: &watch::Finding, now: u64) -> Finding {
    let held = nanoseconds(finding.held);
    let rule = finding.rule.name();
    Finding {
        id,
        kind: "task-leak".to_owned(),
        rule: rule.to_owned(),
        severity: Severity::Warning.into(),
        certainty: Certainty::Proven.into(),
        count: 1,
        first_seen_unix_ns: now.saturating_sub(held),
        last_seen_unix_ns: now,
        ongoing: finding.ongoing,
        location: location(&finding.task),
        task: polls::who(&finding.task),
        longest_ns: held,
        total_ns: held,
        message: message(finding),
        help: format!("docs/findings.md#task-leak-{rule}"),
        occurrences: vec![Occurrence {
            at_unix_ns: now.saturating_sub(held),
            duration_ns: held,
        }],
        ..Finding::default()
    }
}

/// The line that the task hangs in.
fn location(task: &Task) -> Option<Location> {
    let place = task.suspended_at.as_ref()?;
    let mut frames = task.stack.iter();
    let frame = frames.find(|frame| frame.place.as_ref() == Some(place));
    Some(Location {
        function: frame.map_or_else(String::new, |frame| frame.function.clone()),
        file: place.file.clone(),
        line: place.line,
        column: 0,
    })
}

fn message(finding: &watch::Finding) -> String {
    let task = format!(
        "task {} ({})",
        finding.task.id,
        words::function(&finding.task)
    );
    match finding.rule {
        Rule::NeverPolled => {
            let held = duration(nanoseconds(finding.held));
            format!("{task} was spawned at least {held} ago and has never been polled")
        }
        Rule::Unwakeable => {
            let at = words::suspended_at(&finding.task);
            let at = at.map_or_else(String::new, |place| format!(" at {place}"));
            let waits = finding.task.waits_for.as_ref();
            let waits = waits.map_or_else(String::new, |waits| {
                format!(", waiting for {}", words::waits(waits))
            });
            format!(
                "{task} hangs{at}{waits}, and nothing can ever wake it: no waker and no JoinHandle of it is left"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::attach::words::samples::{select, task};

    /// Nanoseconds since 1970.
    const NOW: u64 = 1_700_000_000_000_000_000;

    fn found(rule: Rule, task: Task, held: Duration) -> Finding {
        let finding = watch::Finding {
            rule,
            task,
            held,
            ongoing: true,
        };
        convert(1, &finding, NOW)
    }

    #[test]
    fn a_task_that_nothing_can_wake_is_found_at_the_line_it_hangs_in() {
        let found = found(Rule::Unwakeable, select(3), Duration::from_secs(1));
        assert_eq!(
            (found.kind.as_str(), found.rule.as_str()),
            ("task-leak", "unwakeable")
        );
        assert_eq!(found.certainty(), Certainty::Proven);
        let location = found.location.expect("it hangs somewhere");
        assert_eq!(
            (location.function.as_str(), location.line),
            ("shop::Shop::run", 40)
        );
        insta::assert_snapshot!(found.message);
    }

    #[test]
    fn a_task_that_was_never_polled_blames_no_line() {
        let task = Task {
            suspended_at: None,
            stack: Vec::new(),
            ..task(5)
        };
        let found = found(Rule::NeverPolled, task, Duration::from_secs(3));
        assert_eq!(found.rule, "never-polled");
        assert_eq!(found.first_seen_unix_ns, NOW - 3_000_000_000);
        assert_eq!(found.help, "docs/findings.md#task-leak-never-polled");
        assert_eq!(found.location, None);
        insta::assert_snapshot!(found.message);
    }
}
