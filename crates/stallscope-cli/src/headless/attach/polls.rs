//! Long polls that were seen from outside, as an agent would tell them: one finding per rule and line, with each occurrence.

use std::ops::Range;
use std::time::Duration;

use stallscope_attach::tasks::{Kind, Task};
use stallscope_attach::threads::Stack;
use stallscope_attach::watch::LongPoll;
use stallscope_attach::watch::blame::{self, Caller};
use stallscope_stack::kernel::Cause;
use stallscope_wire::message::{
    Certainty, Finding, FindingTask, Frame, Location, Occurrence, Severity, TaskKind,
};

use super::thread;
use crate::attach::words;
use crate::format::duration;

/// From here on people notice a poll that does not end.
const NOTICED: Duration = Duration::from_millis(100);

/// Occurrences that are told one by one, as by an agent.
const OCCURRENCES: usize = 32;

/// A poll that is told.
#[derive(Debug, Clone)]
pub(super) struct Poll {
    rule: &'static str,
    cause: Cause,
    task: FindingTask,
    tid: u32,
    /// Since the window began.
    slept: Range<Duration>,
    ongoing: bool,
    /// Innermost first; empty where it could not be read.
    stack: Vec<Frame>,
}

impl Poll {
    /// `None`: it is no poll of a task, it is intended, or it cannot be told whose it is.
    pub(super) fn judge<E>(
        poll: &LongPoll<E>,
        stack: Option<Stack>,
        task: Option<&Task>,
    ) -> Option<Self> {
        let kernel = poll.thread.kernel.as_ref();
        let cause = kernel.map_or(Cause::Unknown, Cause::now);
        let frames = stack.map(|stack| stack.frames).unwrap_or_default();
        let caller = blame::caller(&frames);
        if caller == Caller::Pool {
            return None;
        }
        let task = match task {
            Some(task) => who(task)?,
            // It came and went between two looks at all tasks, but its thread has told where it is.
            None if caller == Caller::Poll => FindingTask {
                id: poll.task,
                name: blame::future(&frames).unwrap_or_default().to_owned(),
                ..FindingTask::default()
            },
            None => return None,
        };
        Some(Self {
            rule: blame::rule(&cause, &frames)?,
            cause,
            task,
            tid: poll.thread.tid,
            slept: poll.slept.clone(),
            ongoing: poll.ongoing,
            stack: frames.iter().map(thread::frame).collect(),
        })
    }

    fn held(&self) -> Duration {
        self.slept.end.saturating_sub(self.slept.start)
    }

    /// The innermost of the program's own frames: the line to change.
    fn location(&self) -> Option<Location> {
        let frame = self.stack.iter().find(|frame| frame.in_app)?;
        Some(Location {
            function: frame.function.clone(),
            file: frame.file.clone(),
            line: frame.line,
            column: frame.column,
        })
    }
}

/// `None` for a closure of the blocking pool.
pub(super) fn who(task: &Task) -> Option<FindingTask> {
    let kind = match task.kind {
        Kind::Task => TaskKind::Task,
        Kind::Local => TaskKind::Local,
        Kind::Blocking => return None,
    };
    Some(FindingTask {
        id: task.id,
        name: words::function(task),
        kind: kind.into(),
        ..FindingTask::default()
    })
}

/// `task 7 (shop::serve)`
pub(super) fn title(task: &FindingTask) -> String {
    let FindingTask { id, name, .. } = task;
    match name.as_str() {
        "" => format!("task {id}"),
        name => format!("task {id} ({name})"),
    }
}

/// One finding per rule and line, in the order in which they were seen first. Numbers count from `id`; `began`: when the window did,
/// in nanoseconds since 1970.
pub(super) fn findings(polls: &[Poll], id: u64, began: u64) -> Vec<Finding> {
    let mut groups: Vec<Vec<&Poll>> = Vec::new();
    for poll in polls {
        let same = groups.iter_mut().find(|group| {
            group
                .first()
                .is_some_and(|first| is_same_place(first, poll))
        });
        match same {
            Some(group) => group.push(poll),
            None => groups.push(vec![poll]),
        }
    }
    (id..)
        .zip(groups)
        .filter_map(|(id, group)| finding(id, &group, began))
        .collect()
}

/// One line is one finding, whichever task came by; without a line, one task is.
fn is_same_place(one: &Poll, other: &Poll) -> bool {
    let line = |poll: &Poll| {
        let location = poll.location().filter(|location| !location.file.is_empty());
        location.map(|location| (location.file, location.line))
    };
    one.rule == other.rule
        && match (line(one), line(other)) {
            (None, None) => one.task.id == other.task.id,
            (one, other) => one == other,
        }
}

fn finding(id: u64, polls: &[&Poll], began: u64) -> Option<Finding> {
    let longest = polls.iter().max_by_key(|poll| poll.held())?;
    let latest = polls.iter().max_by_key(|poll| poll.slept.end)?;
    let first = polls.iter().map(|poll| poll.slept.start).min()?;
    let at = |time: Duration| began.saturating_add(nanoseconds(time));
    let severity = if longest.held() >= NOTICED {
        Severity::High
    } else {
        Severity::Warning
    };
    let mut occurrences: Vec<Occurrence> = polls
        .iter()
        .map(|poll| Occurrence {
            at_unix_ns: at(poll.slept.start),
            duration_ns: nanoseconds(poll.held()),
        })
        .collect();
    occurrences.drain(..occurrences.len().saturating_sub(OCCURRENCES));
    Some(Finding {
        id,
        kind: "long-poll".to_owned(),
        rule: longest.rule.to_owned(),
        severity: severity.into(),
        certainty: Certainty::Proven.into(),
        count: polls.len() as u64,
        first_seen_unix_ns: at(first),
        last_seen_unix_ns: at(latest.slept.end),
        ongoing: polls.iter().any(|poll| poll.ongoing),
        location: longest.location(),
        task: Some(longest.task.clone()),
        longest_ns: nanoseconds(longest.held()),
        total_ns: polls.iter().map(|poll| nanoseconds(poll.held())).sum(),
        stack: longest.stack.clone(),
        message: message(longest),
        help: format!("docs/findings.md#long-poll-{}", longest.rule),
        tid: latest.tid,
        occurrences,
        ..Finding::default()
    })
}

/// `task 7 (shop::serve) was in one poll for at least 175ms: sleeping`
fn message(poll: &Poll) -> String {
    let is = if poll.ongoing { "has been" } else { "was" };
    let (task, held) = (title(&poll.task), duration(nanoseconds(poll.held())));
    format!(
        "{task} {is} in one poll for at least {held}: {}",
        poll.cause
    )
}

pub(super) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use stallscope_attach::memory::Thread;

    use super::*;
    use crate::attach::words::samples::task;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// Nanoseconds since 1970.
    const BEGAN: u64 = 1_700_000_000_000_000_000;

    /// A poll that slept at `line` during these milliseconds.
    fn poll(line: u32, slept: Range<u64>) -> Poll {
        let frame = |function: &str, line, in_app| Frame {
            function: function.to_owned(),
            file: "src/stock.rs".to_owned(),
            line,
            in_app,
            ..Frame::default()
        };
        Poll {
            rule: "sleep",
            cause: Cause::Sleep,
            task: who(&task(7)).expect("no closure"),
            tid: 4713,
            slept: MS(slept.start)..MS(slept.end),
            ongoing: false,
            stack: vec![
                frame("std::thread::sleep", 289, false),
                frame("shop::stock::reserve", line, true),
            ],
        }
    }

    #[test]
    fn polls_at_one_line_are_one_finding_that_counts_them() {
        let polls = [
            poll(12, 100..130),
            poll(12, 400..575),
            poll(31, 600..640),
            poll(12, 700..725),
        ];
        let told = findings(&polls, 1, BEGAN);
        assert_eq!(told.len(), 2);
        let first = &told[0];
        assert_eq!(
            (first.id, first.kind.as_str(), first.rule.as_str()),
            (1, "long-poll", "sleep")
        );
        assert_eq!((first.count, first.longest_ns), (3, 175_000_000));
        assert_eq!(first.total_ns, 230_000_000);
        assert_eq!(first.severity(), Severity::High);
        assert_eq!(first.first_seen_unix_ns, BEGAN + 100_000_000);
        assert_eq!(first.last_seen_unix_ns, BEGAN + 725_000_000);
        assert_eq!(first.occurrences.len(), 3);
        let location = first.location.as_ref().expect("a line");
        assert_eq!(
            (location.function.as_str(), location.line),
            ("shop::stock::reserve", 12)
        );
        assert_eq!(told[1].severity(), Severity::Warning);
        insta::assert_snapshot!(first.message);
    }

    #[test]
    fn one_that_goes_on_says_so() {
        let polls = [Poll {
            ongoing: true,
            ..poll(12, 0..6000)
        }];
        let told = findings(&polls, 4, BEGAN);
        assert!(told[0].ongoing && told[0].id == 4);
        assert!(told[0].message.contains("has been"), "{}", told[0].message);
    }

    #[test]
    fn without_a_stack_each_task_is_a_finding_of_its_own() {
        let blind = |id| {
            let poll = poll(12, 0..50);
            Poll {
                task: FindingTask { id, ..poll.task },
                stack: Vec::new(),
                ..poll
            }
        };
        let told = findings(&[blind(1), blind(2), blind(1)], 1, BEGAN);
        let counts: Vec<_> = told.iter().map(|finding| finding.count).collect();
        assert_eq!(counts, [2, 1]);
        assert_eq!(told[0].location, None);
    }

    #[test]
    fn only_the_latest_occurrences_are_told_one_by_one() {
        let polls: Vec<_> = (0..40).map(|n| poll(12, 100 * n..100 * n + 30)).collect();
        let told = findings(&polls, 1, BEGAN);
        assert_eq!((told[0].count, told[0].occurrences.len()), (40, 32));
        assert_eq!(told[0].occurrences[0].at_unix_ns, BEGAN + 800_000_000);
    }

    #[test]
    fn of_a_closure_or_of_nobody_knows_whom_nothing_is_told() {
        let seen = LongPoll::<()> {
            task: 7,
            thread: Thread::default(),
            slept: MS(0)..MS(50),
            evidence: None,
            ongoing: true,
        };
        assert!(Poll::judge(&seen, None, None).is_none());
        let closure = Task {
            kind: Kind::Blocking,
            ..task(7)
        };
        assert!(Poll::judge(&seen, None, Some(&closure)).is_none());
        let told = Poll::judge(&seen, None, Some(&task(7))).expect("a task");
        assert_eq!((told.rule, told.task.id), ("unknown", 7));
    }
}
