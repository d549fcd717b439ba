//! `stallscope findings --attach PID --for TIME`: what looks at a process from outside prove within a time.

use std::cmp::Reverse;
use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stallscope_attach::tasks::{Kind, Task};
use stallscope_attach::watch::{self, Rule};
use stallscope_stack::kernel::Cause;
use stallscope_wire::message::{
    Certainty, Finding, FindingTask, Findings, Frame, Location, Occurrence, Severity, TaskKind,
};

use super::watching::{Found, watch};
use crate::attach::{self, words};
use crate::cli::FindingsArgs;
use crate::failure::Failure;
use crate::format::{duration, milliseconds};
use crate::headless::about::About;
use crate::headless::finding::{self, Answer, Snapshot, Window};

/// From here on people notice a poll that does not end.
const NOTICED: Duration = Duration::from_millis(100);

pub(super) fn run(pid: u32, args: &FindingsArgs, out: &mut impl Write) -> Result<(), Failure> {
    let Some(window) = args.window else {
        return Err(Failure::Usage(
            "from outside nothing is known of what was before: say with --for how long to watch, for instance --for 5s"
                .to_owned(),
        ));
    };
    let watched = attach::open(pid, |process| Ok(watch(pid, process, window)))?;
    let snapshot = Snapshot {
        about: About::from_outside(pid, watched.tasks, watched.time),
        findings: told(watched.found),
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

/// The worst first, as an agent would tell them.
fn told(found: Vec<Found>) -> Findings {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, nanoseconds);
    let on_wire = |(id, found)| convert(id, found, now);
    let mut findings: Vec<Finding> = (1..).zip(found).map(on_wire).collect();
    findings.sort_by_key(|finding| (Reverse(finding.severity), finding.id));
    Findings {
        total: findings.len() as u64,
        findings,
    }
}

/// A finding as an agent would tell it. `now`: nanoseconds since 1970.
fn convert(id: u64, found: Found, now: u64) -> Finding {
    let Found {
        finding,
        stack,
        ongoing,
    } = found;
    let finding = &finding;
    let held = nanoseconds(finding.held);
    let (kind, rule) = names(finding);
    Finding {
        id,
        kind: kind.to_owned(),
        rule: rule.to_owned(),
        severity: severity(finding).into(),
        certainty: Certainty::Proven.into(),
        count: 1,
        first_seen_unix_ns: now.saturating_sub(held),
        last_seen_unix_ns: now,
        ongoing,
        location: location(finding, &stack),
        task: Some(task(&finding.task)),
        longest_ns: held,
        total_ns: held,
        stack,
        message: message(finding),
        help: format!("docs/findings.md#{kind}-{rule}"),
        tid: finding.thread.as_ref().map_or(0, |thread| thread.tid),
        occurrences: vec![Occurrence {
            at_unix_ns: now.saturating_sub(held),
            duration_ns: held,
        }],
        ..Finding::default()
    }
}

/// Kind and rule, as docs/findings.md has them. A long poll is named after what the kernel says that its thread does.
fn names(finding: &watch::Finding) -> (&'static str, &'static str) {
    match finding.rule {
        Rule::LongPoll => (
            "long-poll",
            match cause(finding) {
                Cause::Sleep => "sleep",
                Cause::Futex => "lock",
                Cause::FileIo(_) => "file-io",
                Cause::NetworkIo(_) => "network-io",
                Cause::PipeIo(_) => "pipe-io",
                Cause::ChildWait => "child-process",
                Cause::PageFault => "page-fault",
                Cause::Poll(_) | Cause::SystemCall(_) => "syscall",
                Cause::OnCpu | Cause::WaitingForCpu => "cpu",
                _ => "unknown",
            },
        ),
        rule => ("task-leak", rule.name()),
    }
}

fn cause(finding: &watch::Finding) -> Cause {
    let thread = finding.thread.as_ref();
    let kernel = thread.and_then(|thread| thread.kernel.as_ref());
    kernel.map_or(Cause::Unknown, Cause::now)
}

fn severity(finding: &watch::Finding) -> Severity {
    if finding.rule == Rule::LongPoll && finding.held >= NOTICED {
        Severity::High
    } else {
        Severity::Warning
    }
}

/// The line that the task hangs in, or of one that runs, the innermost of the program's own on the stack of its thread.
fn location(finding: &watch::Finding, stack: &[Frame]) -> Option<Location> {
    if let Some(frame) = stack.iter().find(|frame| frame.in_app) {
        return Some(Location {
            function: frame.function.clone(),
            file: frame.file.clone(),
            line: frame.line,
            column: frame.column,
        });
    }
    let place = finding.task.suspended_at.as_ref()?;
    let mut frames = finding.task.stack.iter();
    let frame = frames.find(|frame| frame.place.as_ref() == Some(place));
    Some(Location {
        function: frame.map_or_else(String::new, |frame| frame.function.clone()),
        file: place.file.clone(),
        line: place.line,
        column: 0,
    })
}

fn task(task: &Task) -> FindingTask {
    let kind = match task.kind {
        Kind::Task => TaskKind::Task,
        Kind::Local => TaskKind::Local,
        Kind::Blocking => TaskKind::Blocking,
    };
    FindingTask {
        id: task.id,
        name: words::function(task),
        kind: kind.into(),
        ..FindingTask::default()
    }
}

fn message(finding: &watch::Finding) -> String {
    let held = duration(nanoseconds(finding.held));
    let task = format!(
        "task {} ({})",
        finding.task.id,
        words::function(&finding.task)
    );
    match finding.rule {
        Rule::LongPoll => format!(
            "{task} has been in one poll for at least {held}: its thread is {}",
            cause(finding)
        ),
        Rule::NeverPolled => {
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

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use stallscope_attach::memory::Thread;
    use stallscope_stack::Tid;
    use stallscope_stack::kernel::{Position, RunState, SystemCall, ThreadState};

    use super::*;
    use crate::attach::words::samples::{running, select, task};

    /// Nanoseconds since 1970.
    const NOW: u64 = 1_700_000_000_000_000_000;

    fn found(rule: Rule, task: Task, held: Duration, thread: Option<Thread>) -> Finding {
        let finding = watch::Finding {
            rule,
            task,
            held,
            thread,
        };
        let stack = match finding.thread {
            Some(_) => vec![
                frame("std::sys::sync::mutex::futex::Mutex::lock", false),
                frame("shop::stock::reserve", true),
            ],
            None => Vec::new(),
        };
        let found = Found {
            finding,
            stack,
            ongoing: true,
        };
        convert(1, found, NOW)
    }

    fn frame(function: &str, in_app: bool) -> Frame {
        Frame {
            function: function.to_owned(),
            file: "src/stock.rs".to_owned(),
            line: 12,
            in_app,
            ..Frame::default()
        }
    }

    /// A thread that waits for another one.
    fn waiting() -> Thread {
        let tid = Tid::new(4713).expect("no thread has number 0");
        let kernel = ThreadState {
            tid,
            run_state: RunState::Sleeping,
            position: Position::InSystemCall {
                call: SystemCall {
                    number: if cfg!(target_arch = "x86_64") {
                        202
                    } else {
                        98
                    },
                    arguments: [0; 6],
                },
                sp: 0,
                pc: 0,
            },
            wait_channel: None,
            times: None,
            faults: None,
            descriptors: Vec::new(),
        };
        Thread {
            tid: 4713,
            name: "tokio-rt-worker".to_owned(),
            kernel: Some(kernel),
            ..Thread::default()
        }
    }

    #[test]
    fn a_task_that_nothing_can_wake_is_found_at_the_line_it_hangs_in() {
        let found = found(Rule::Unwakeable, select(3), Duration::from_secs(1), None);
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
    fn a_long_poll_is_named_after_what_its_thread_does() {
        let held = Duration::from_millis(340);
        let found = found(Rule::LongPoll, running(12), held, Some(waiting()));
        assert_eq!(
            (found.kind.as_str(), found.rule.as_str()),
            ("long-poll", "lock")
        );
        assert_eq!((found.severity(), found.tid), (Severity::High, 4713));
        assert_eq!(found.first_seen_unix_ns, NOW - 340_000_000);
        let location = found.location.expect("the application's own frame");
        assert_eq!(location.function, "shop::stock::reserve");
        insta::assert_snapshot!(found.message);
    }

    #[test]
    fn a_task_that_was_never_polled_blames_no_line() {
        let task = Task {
            suspended_at: None,
            stack: Vec::new(),
            ..task(5)
        };
        let found = found(Rule::NeverPolled, task, Duration::from_secs(3), None);
        assert_eq!(found.rule, "never-polled");
        assert_eq!(found.help, "docs/findings.md#task-leak-never-polled");
        assert_eq!(found.location, None);
        insta::assert_snapshot!(found.message);
    }
}
