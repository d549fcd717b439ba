//! Long polls at one line, as an agent would tell them: one finding with a count and the latest occurrences.

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::time::Duration;

use stallscope_stack::kernel::Cause;
use stallscope_wire::message::{Certainty, Finding, FindingTask, Occurrence, Severity};

use super::found::Clock;
use super::poll::Poll;
use crate::format::duration;
use crate::time::nanoseconds;

/// From here on people notice a poll that does not end.
const NOTICED: Duration = Duration::from_millis(100);

/// Occurrences that are told one by one, as by an agent.
const OCCURRENCES: usize = 32;

/// All long polls of one rule and place.
#[derive(Debug)]
pub(super) struct LongPolls {
    id: u64,
    count: u64,
    /// When the first began.
    first: Duration,
    /// When one of them was seen last.
    last: Duration,
    longest: Poll,
    /// The thread of the latest.
    tid: u32,
    /// Those that go on, by number.
    going_on: BTreeMap<u64, Stretch>,
    /// The latest of those that are over, and how long all of these took.
    over: VecDeque<Stretch>,
    took: Duration,
}

/// When a poll was seen first, and for how long it was seen.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    start: Duration,
    held: Duration,
}

impl LongPolls {
    pub(super) fn new(id: u64, first: &Poll) -> Self {
        Self {
            id,
            count: 0,
            first: first.seen.start,
            last: first.seen.end,
            longest: first.clone(),
            tid: first.tid,
            going_on: BTreeMap::new(),
            over: VecDeque::new(),
            took: Duration::ZERO,
        }
    }

    pub(super) fn are_where(&self, poll: &Poll) -> bool {
        self.longest.is_where(poll)
    }

    /// A poll is seen here for the first time, or again as long as it goes on.
    pub(super) fn note(&mut self, poll: &Poll) {
        if self.going_on.remove(&poll.number).is_none() {
            self.count += 1;
            self.tid = poll.tid;
        }
        let stretch = Stretch {
            start: poll.seen.start,
            held: poll.held,
        };
        if poll.ongoing {
            self.going_on.insert(poll.number, stretch);
        } else {
            self.end_one(stretch);
        }
        self.first = self.first.min(poll.seen.start);
        self.last = self.last.max(poll.seen.end);
        let longest = &mut self.longest;
        if poll.number == longest.number {
            (longest.seen, longest.held) = (poll.seen.clone(), poll.held);
            longest.ongoing = poll.ongoing;
        } else if poll.held > longest.held {
            self.longest = poll.clone();
        }
    }

    /// The process has ended.
    pub(super) fn end(&mut self) {
        for stretch in mem::take(&mut self.going_on).into_values() {
            self.end_one(stretch);
        }
        self.longest.ongoing = false;
    }

    fn end_one(&mut self, stretch: Stretch) {
        self.took += stretch.held;
        self.over.push_back(stretch);
        if self.over.len() > OCCURRENCES {
            self.over.pop_front();
        }
    }

    pub(super) fn to_message(&self, clock: Clock) -> Finding {
        let longest = &self.longest;
        let severity = if longest.held >= NOTICED {
            Severity::High
        } else {
            Severity::Warning
        };
        let so_far: Duration = self.going_on.values().map(|stretch| stretch.held).sum();
        // The last is the one that goes on, the oldest if there are several.
        let going_on = self.going_on.values().min_by_key(|stretch| stretch.start);
        let mut occurrences: Vec<Occurrence> = self
            .over
            .iter()
            .chain(going_on)
            .map(|stretch| Occurrence {
                at_unix_ns: clock.unix_ns(stretch.start),
                duration_ns: nanoseconds(stretch.held),
            })
            .collect();
        occurrences.drain(..occurrences.len().saturating_sub(OCCURRENCES));
        Finding {
            id: self.id,
            kind: "long-poll".to_owned(),
            rule: longest.rule.to_owned(),
            severity: severity.into(),
            certainty: Certainty::Proven.into(),
            count: self.count,
            first_seen_unix_ns: clock.unix_ns(self.first),
            last_seen_unix_ns: clock.unix_ns(self.last),
            ongoing: going_on.is_some(),
            location: longest.location(),
            task: Some(longest.task.clone()),
            longest_ns: nanoseconds(longest.held),
            total_ns: nanoseconds(self.took + so_far),
            stack: longest.stack.clone(),
            message: message(longest),
            help: format!("docs/findings.md#long-poll-{}", longest.rule),
            tid: self.tid,
            occurrences,
            ..Finding::default()
        }
    }
}

/// Why one that computes has no line.
const NO_LINE: &str = "; its thread ran, and only `stallscope findings --attach PID --for TIME --stop` stops it to read the line, \
    a few times a second";

/// `task 7 (shop::serve) was in one poll for at least 175ms: sleeping`
fn message(poll: &Poll) -> String {
    let is = if poll.ongoing { "has been" } else { "was" };
    let (task, held) = (title(&poll.task), duration(nanoseconds(poll.held)));
    if poll.cause == Cause::OnCpu {
        // In one poll, or in two with a short one of another task in between, which nobody would tell apart.
        let computes = if poll.ongoing {
            "has computed"
        } else {
            "computed"
        };
        let line = if poll.stack.is_empty() { NO_LINE } else { "" };
        return format!("{task} {computes} for at least {held} without giving way{line}");
    }
    format!(
        "{task} {is} in one poll for at least {held}: {}",
        poll.cause
    )
}

/// `task 7 (shop::serve)`
fn title(task: &FindingTask) -> String {
    let FindingTask { id, name, .. } = task;
    match name.as_str() {
        "" => format!("task {id}"),
        name => format!("task {id} ({name})"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::poll::samples::poll;
    use super::*;

    const BEGAN: u64 = 1_700_000_000_000_000_000;

    fn told(polls: &[Poll]) -> Finding {
        let mut at_line = LongPolls::new(4, &polls[0]);
        for poll in polls {
            at_line.note(poll);
        }
        at_line.to_message(Clock::began_at(BEGAN))
    }

    #[test]
    fn polls_at_one_line_are_counted_and_the_longest_tells() {
        let told = told(&[
            poll(1, 12, 100..130),
            poll(2, 12, 400..575),
            poll(3, 12, 700..725),
        ]);
        assert_eq!(
            (told.id, told.kind.as_str(), told.rule.as_str()),
            (4, "long-poll", "sleep")
        );
        assert_eq!((told.count, told.longest_ns), (3, 175_000_000));
        assert_eq!(told.total_ns, 230_000_000);
        assert_eq!(told.severity(), Severity::High);
        assert_eq!(told.first_seen_unix_ns, BEGAN + 100_000_000);
        assert_eq!(told.last_seen_unix_ns, BEGAN + 725_000_000);
        assert_eq!(told.occurrences.len(), 3);
        let location = told.location.as_ref().expect("a line");
        assert_eq!(
            (location.function.as_str(), location.line),
            ("shop::stock::reserve", 12)
        );
        insta::assert_snapshot!(told.message);
    }

    #[test]
    fn one_that_nobody_notices_is_a_warning() {
        assert_eq!(told(&[poll(1, 12, 0..99)]).severity(), Severity::Warning);
    }

    #[test]
    fn one_that_goes_on_grows_and_counts_once_until_it_is_over() {
        let going_on = |until| Poll {
            ongoing: true,
            ..poll(2, 12, 100..until)
        };
        let mut polls = vec![poll(1, 12, 0..30), going_on(120), going_on(6000)];
        let now = told(&polls);
        assert_eq!((now.count, now.ongoing), (2, true));
        assert_eq!(now.total_ns, 5_930_000_000);
        assert_eq!(
            now.occurrences.last().map(|last| last.duration_ns),
            Some(5_900_000_000)
        );
        assert!(now.message.contains("has been"), "{}", now.message);
        polls.push(poll(2, 12, 100..7000));
        let over = told(&polls);
        assert_eq!((over.count, over.ongoing), (2, false));
        assert_eq!(
            (over.occurrences.len(), over.longest_ns),
            (2, 6_900_000_000)
        );
        assert!(over.message.contains("was in one poll"), "{}", over.message);
    }

    #[test]
    fn of_one_that_computes_the_message_says_how_to_get_its_line() {
        let computed = Poll {
            rule: "cpu",
            cause: Cause::OnCpu,
            ..poll(1, 12, 0..150)
        };
        let with_line = told(std::slice::from_ref(&computed)).message;
        let without = Poll {
            stack: Vec::new(),
            ..computed
        };
        insta::assert_snapshot!(format!("{with_line}\n{}", told(&[without]).message));
    }

    #[test]
    fn only_the_latest_occurrences_are_told_one_by_one() {
        let polls: Vec<_> = (0..40)
            .map(|n| poll(n, 12, 100 * n..100 * n + 30))
            .collect();
        let mut told = told(&polls);
        assert_eq!((told.count, told.occurrences.len()), (40, OCCURRENCES));
        assert_eq!(told.occurrences.remove(0).at_unix_ns, BEGAN + 800_000_000);
    }
}
