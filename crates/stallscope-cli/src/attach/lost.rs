//! Tasks that hang in one line and that nothing can wake, or that nobody polls: one finding with their number, as an agent would tell it.

use std::time::Duration;

use stallscope_attach::tasks::{Frame, Place, Task};
use stallscope_attach::watch::{self, Rule};
use stallscope_wire::message::{Certainty, Finding, Location, Occurrence, Severity};

use super::found::Clock;
use super::{poll, words};
use crate::format::duration;
use crate::time::nanoseconds;

/// Which tasks are told together: those of one line, and where there is none, those made of one future.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Where<'t> {
    rule: Rule,
    line: Option<&'t Place>,
    future: Option<&'t str>,
}

impl<'t> Where<'t> {
    pub(super) fn of(rule: Rule, task: &'t Task) -> Self {
        let line = task.suspended_at.as_ref();
        let future = line.is_none().then_some(task.future.as_str());
        Where { rule, line, future }
    }
}

/// Those of one place that were seen at one look.
#[derive(Debug)]
pub(super) struct Seen<'t> {
    at: Duration,
    /// The one that has been so for longest.
    longest: watch::Finding<'t>,
    /// How many are told for the first time.
    new: u64,
}

impl<'t> Seen<'t> {
    pub(super) fn first(at: Duration, finding: watch::Finding<'t>) -> Self {
        Seen {
            at,
            longest: finding,
            new: finding.is_new.into(),
        }
    }

    pub(super) fn another(&mut self, finding: watch::Finding<'t>) {
        self.new += u64::from(finding.is_new);
        if finding.held > self.longest.held {
            self.longest = finding;
        }
    }

    pub(super) fn place(&self) -> Where<'t> {
        Where::of(self.longest.rule, self.longest.task)
    }
}

/// All lost tasks of one rule and place.
#[derive(Debug)]
pub(super) struct LostTasks {
    id: u64,
    rule: Rule,
    count: u64,
    first: Duration,
    last: Duration,
    /// The one that was so for longest, and for how long.
    task: Task,
    held: Duration,
    ongoing: bool,
}

impl LostTasks {
    pub(super) fn new(id: u64, seen: &Seen<'_>) -> Self {
        let longest = &seen.longest;
        let mut lost = LostTasks {
            id,
            rule: longest.rule,
            count: 0,
            first: seen.at.saturating_sub(longest.held),
            last: seen.at,
            task: longest.task.clone(),
            held: Duration::ZERO,
            ongoing: true,
        };
        lost.note(seen);
        lost
    }

    pub(super) fn place(&self) -> Where<'_> {
        Where::of(self.rule, &self.task)
    }

    pub(super) fn note(&mut self, seen: &Seen<'_>) {
        let longest = &seen.longest;
        self.count += seen.new;
        self.last = seen.at;
        self.ongoing = true;
        if longest.held >= self.held {
            self.held = longest.held;
            self.task.clone_from(longest.task);
        }
    }

    /// None of them was seen at a look.
    pub(super) fn end(&mut self) {
        self.ongoing = false;
    }

    pub(super) fn to_message(&self, clock: Clock) -> Finding {
        let held = nanoseconds(self.held);
        let rule = self.rule.name();
        Finding {
            id: self.id,
            kind: "task-leak".to_owned(),
            rule: rule.to_owned(),
            severity: Severity::Warning.into(),
            certainty: Certainty::Proven.into(),
            count: self.count,
            first_seen_unix_ns: clock.unix_ns(self.first),
            last_seen_unix_ns: clock.unix_ns(self.last),
            ongoing: self.ongoing,
            location: location(&self.task),
            task: Some(poll::who(&self.task)),
            longest_ns: held,
            total_ns: held,
            message: self.message(),
            help: format!("docs/findings.md#task-leak-{rule}"),
            occurrences: vec![Occurrence {
                at_unix_ns: clock.unix_ns(self.last.saturating_sub(self.held)),
                duration_ns: held,
            }],
            ..Finding::default()
        }
    }

    fn message(&self) -> String {
        let task = &self.task;
        let one_of = match self.count {
            0 | 1 => String::new(),
            count => format!(", one of {count},"),
        };
        let who = format!("task {} ({}){one_of}", task.id, words::function(task));
        let held = duration(nanoseconds(self.held));
        match (self.rule, self.ongoing) {
            (Rule::NeverPolled, true) => {
                format!("{who} was spawned at least {held} ago and has never been polled")
            }
            (Rule::NeverPolled, false) => {
                format!("{who} waited at least {held} for its first poll")
            }
            (Rule::Unwakeable, ongoing) => {
                let at = words::suspended_at(task);
                let at = at.map_or_else(String::new, |place| format!(" at {place}"));
                let waits = task.waits_for.as_ref();
                let waits = waits.map_or_else(String::new, |waits| {
                    format!(", waiting for {}", words::waits(waits))
                });
                let (hangs, can, is) = if ongoing {
                    ("hangs", "can", "is")
                } else {
                    ("hung", "could", "was")
                };
                format!(
                    "{who} {hangs}{at}{waits}, and nothing {can} ever wake it: no waker and no JoinHandle of it {is} left"
                )
            }
        }
    }
}

/// The line that the task hangs in.
fn location(task: &Task) -> Option<Location> {
    let place = task.suspended_at.as_ref()?;
    let frame = frame_at(&task.stack, place);
    Some(Location {
        function: frame.map_or_else(String::new, |frame| frame.function.clone()),
        file: place.file.clone(),
        line: place.line,
        column: 0,
    })
}

/// The frame that hangs there, in whichever branch it is.
fn frame_at<'t>(stack: &'t [Frame], place: &Place) -> Option<&'t Frame> {
    stack.iter().find_map(|frame| {
        if frame.place.as_ref() == Some(place) {
            return Some(frame);
        }
        let mut branches = frame.branches.iter();
        branches.find_map(|branch| frame_at(&branch.stack, place))
    })
}

#[cfg(test)]
mod tests {
    use super::super::words::samples::{leaf, pending, select, task};
    use super::*;

    /// Nanoseconds since 1970.
    const BEGAN: u64 = 1_700_000_000_000_000_000;

    const AT: Duration = Duration::from_secs(10);

    fn lost(rule: Rule, task: &Task, held: Duration) -> LostTasks {
        let finding = watch::Finding {
            rule,
            task,
            held,
            is_new: true,
        };
        LostTasks::new(1, &Seen::first(AT, finding))
    }

    fn told(lost: &LostTasks) -> Finding {
        lost.to_message(Clock::began_at(BEGAN))
    }

    fn never_polled() -> Task {
        Task {
            suspended_at: None,
            stack: Vec::new(),
            ..task(5)
        }
    }

    #[test]
    fn a_task_that_nothing_can_wake_is_found_at_the_line_it_hangs_in() {
        let found = told(&lost(Rule::Unwakeable, &select(3), Duration::from_secs(1)));
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
    fn the_function_of_the_line_may_be_in_a_branch() {
        let mut task = task(4);
        let until_cancelled = leaf("tokio_util::RunUntilCancelledFuture");
        let branches = vec![pending(vec![leaf("Notified")]), pending(task.stack)];
        task.stack = vec![Frame {
            branches,
            ..until_cancelled
        }];
        let found = told(&lost(Rule::Unwakeable, &task, Duration::from_secs(1)));
        let location = found.location.expect("it hangs somewhere");
        assert_eq!(
            (location.function.as_str(), location.line),
            ("shop::fetch", 4)
        );
    }

    #[test]
    fn a_task_that_was_never_polled_blames_no_line() {
        let found = told(&lost(
            Rule::NeverPolled,
            &never_polled(),
            Duration::from_secs(3),
        ));
        assert_eq!(found.rule, "never-polled");
        assert_eq!(found.first_seen_unix_ns, BEGAN + 7_000_000_000);
        assert_eq!(found.help, "docs/findings.md#task-leak-never-polled");
        assert_eq!(found.location, None);
        insta::assert_snapshot!(found.message);
    }

    #[test]
    fn what_is_over_is_told_as_over_and_what_came_later_is_counted() {
        let mut lost = lost(Rule::NeverPolled, &never_polled(), Duration::from_secs(3));
        lost.end();
        let message = told(&lost).message;
        assert!(
            message.ends_with("waited at least 3.0s for its first poll"),
            "{message}"
        );
        let another = Task {
            id: 6,
            ..never_polled()
        };
        let finding = watch::Finding {
            rule: Rule::NeverPolled,
            task: &another,
            held: Duration::from_secs(2),
            is_new: true,
        };
        lost.note(&Seen::first(AT * 2, finding));
        let found = told(&lost);
        assert_eq!((found.count, found.ongoing), (2, true));
        assert!(found.message.contains("task 5"), "{}", found.message);
        assert!(found.message.contains(", one of 2,"), "{}", found.message);
    }
}
