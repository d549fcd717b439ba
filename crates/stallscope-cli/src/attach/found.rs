//! What was found of a process from outside: one finding per rule and place, with a count. It stays small however long there is a watch.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use stallscope_attach::watch;
use stallscope_wire::message::{Finding, Findings, FindingsQuery};

use super::long_polls::LongPolls;
use super::lost::{LostTasks, Seen, Where};
use super::poll::Poll;
use crate::time::nanoseconds;

/// Places that are kept of either kind. A process that has more keeps the first.
const MOST: usize = 1000;

/// Findings of one answer that asks for no number.
const DEFAULT_LIMIT: usize = 1000;

/// When a watch began: makes moments of its times.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clock {
    began_unix_ns: u64,
}

impl Clock {
    /// Nanoseconds since 1970.
    pub(crate) fn began_at(began_unix_ns: u64) -> Self {
        Clock { began_unix_ns }
    }

    pub(super) fn unix_ns(self, time: Duration) -> u64 {
        self.began_unix_ns.saturating_add(nanoseconds(time))
    }
}

/// All findings.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The number of the latest.
    last_id: u64,
    polls: Vec<LongPolls>,
    /// Polls that go on, by number, and where in `polls` they belong.
    open: HashMap<u64, usize>,
    lost: Vec<LostTasks>,
}

impl Found {
    /// A long poll is seen, for the first time or again while it goes on, and once more when it is over.
    pub(super) fn poll(&mut self, poll: &Poll) {
        let Some(at) = self.place_of(poll) else {
            return;
        };
        if poll.ongoing {
            self.open.insert(poll.number, at);
        } else {
            self.open.remove(&poll.number);
        }
        self.polls[at].note(poll);
    }

    /// Where in `polls` it belongs; `None` if there is no room for another place.
    fn place_of(&mut self, poll: &Poll) -> Option<usize> {
        let known = self.open.get(&poll.number).copied();
        let known = known.or_else(|| self.polls.iter().position(|polls| polls.are_where(poll)));
        if known.is_some() || self.polls.len() >= MOST {
            return known;
        }
        self.last_id += 1;
        self.polls.push(LongPolls::new(self.last_id, poll));
        Some(self.polls.len() - 1)
    }

    /// Everything that holds at a look at all tasks. `at`: since the watch began.
    pub(super) fn tasks(&mut self, at: Duration, findings: Vec<watch::Finding<'_>>) {
        let mut by_place: HashMap<Where<'_>, usize> = HashMap::new();
        let mut seen: Vec<Seen<'_>> = Vec::new();
        for finding in findings {
            let place = Where::of(finding.rule, finding.task);
            if let Some(seen) = by_place.get(&place).and_then(|at| seen.get_mut(*at)) {
                seen.another(finding);
            } else {
                by_place.insert(place, seen.len());
                seen.push(Seen::first(at, finding));
            }
        }
        for lost in &mut self.lost {
            lost.end();
        }
        for seen in &seen {
            let mut known = self.lost.iter_mut();
            if let Some(lost) = known.find(|lost| lost.place() == seen.place()) {
                lost.note(seen);
            } else if self.lost.len() < MOST {
                self.last_id += 1;
                self.lost.push(LostTasks::new(self.last_id, seen));
            }
        }
    }

    /// The process has ended: nothing goes on.
    pub(crate) fn end(&mut self) {
        self.open.clear();
        self.polls.iter_mut().for_each(LongPolls::end);
        self.lost.iter_mut().for_each(LostTasks::end);
    }

    pub(super) fn count(&self) -> usize {
        self.polls.len() + self.lost.len()
    }

    /// The worst first, as an agent would tell them.
    pub(crate) fn window(&self, query: &FindingsQuery, clock: Clock) -> Findings {
        let polls = self.polls.iter().map(|polls| polls.to_message(clock));
        let lost = self.lost.iter().map(|lost| lost.to_message(clock));
        let since = clock.unix_ns(Duration::from_nanos(query.since_ns));
        let mut findings: Vec<Finding> = polls
            .chain(lost)
            .filter(|finding| finding.ongoing || finding.last_seen_unix_ns >= since)
            .collect();
        findings.sort_by_key(|finding| (Reverse(finding.severity), finding.id));
        let total = findings.len() as u64;
        findings.truncate(match query.limit {
            0 => DEFAULT_LIMIT,
            limit => limit as usize,
        });
        Findings { total, findings }
    }
}

#[cfg(test)]
pub(crate) mod samples {
    use stallscope_attach::watch::Rule;
    use stallscope_stack::kernel::Cause;

    use super::super::poll::samples::poll;
    use super::super::words::samples::select;
    use super::*;

    /// A line that stalls since two minutes after the watch began and does so now, one that did once, a task that computes, and one that
    /// nothing can wake.
    pub(crate) fn stalls() -> Found {
        let mut found = Found::default();
        let minutes = 120_000;
        for number in 0..5 {
            let at = minutes + 200 * number;
            found.poll(&poll(number, 12, at..at + 151));
        }
        found.poll(&Poll {
            ongoing: true,
            ..poll(5, 12, minutes + 2000..minutes + 2850)
        });
        found.poll(&poll(6, 31, 90_000..90_042));
        found.poll(&Poll {
            rule: "cpu",
            cause: Cause::OnCpu,
            stack: Vec::new(),
            ..poll(7, 12, 100_000..100_030)
        });
        let lost = select(3);
        let finding = watch::Finding {
            rule: Rule::Unwakeable,
            task: &lost,
            held: Duration::from_secs(60),
            is_new: true,
        };
        found.tasks(Duration::from_millis(minutes), vec![finding]);
        found
    }
}

#[cfg(test)]
mod tests {
    use stallscope_attach::tasks::Task;
    use stallscope_attach::watch::Rule;
    use stallscope_wire::message::Severity;

    use super::super::poll::samples::poll;
    use super::super::words::samples::{select, task};
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn told(found: &Found, query: &FindingsQuery) -> Vec<Finding> {
        found.window(query, Clock::default()).findings
    }

    fn all(found: &Found) -> Vec<Finding> {
        told(found, &FindingsQuery::default())
    }

    fn unwakeable(task: &Task, held: u64, is_new: bool) -> watch::Finding<'_> {
        watch::Finding {
            rule: Rule::Unwakeable,
            task,
            held: MS(held),
            is_new,
        }
    }

    #[test]
    fn each_line_is_a_finding_and_keeps_its_number() {
        let mut found = Found::default();
        found.poll(&poll(1, 12, 100..130));
        found.poll(&poll(2, 31, 600..640));
        found.poll(&poll(3, 12, 700..900));
        let told = all(&found);
        let counts: Vec<_> = told.iter().map(|one| (one.id, one.count)).collect();
        assert_eq!(counts, [(1, 2), (2, 1)]);
        assert_eq!(told[0].severity(), Severity::High, "the worst comes first");
    }

    #[test]
    fn a_poll_that_goes_on_belongs_to_its_finding_until_it_is_over() {
        let mut found = Found::default();
        for until in [30, 40, 50] {
            found.poll(&Poll {
                ongoing: true,
                ..poll(1, 12, 0..until)
            });
        }
        assert!(all(&found)[0].ongoing);
        found.poll(&poll(1, 12, 0..60));
        let told = all(&found);
        assert_eq!((told[0].count, told[0].ongoing), (1, false));
        assert!(found.open.is_empty());
    }

    #[test]
    fn tasks_that_hang_in_one_line_are_one_finding() {
        let mut found = Found::default();
        let (one, other) = (select(3), select(4));
        found.tasks(
            MS(10),
            vec![unwakeable(&one, 10, true), unwakeable(&other, 5, true)],
        );
        found.tasks(
            MS(20),
            vec![unwakeable(&one, 20, false), unwakeable(&other, 15, false)],
        );
        let told = all(&found);
        assert_eq!((told.len(), told[0].count, told[0].ongoing), (1, 2, true));
        assert_eq!(told[0].longest_ns, 20_000_000);
        found.tasks(MS(30), Vec::new());
        assert!(!all(&found)[0].ongoing, "they are gone");
        found.tasks(MS(40), vec![unwakeable(&task(9), 10, true)]);
        let told = all(&found);
        assert_eq!((told.len(), told[1].id, told[1].ongoing), (2, 2, true));
    }

    #[test]
    fn there_is_an_end_to_the_places_that_are_kept() {
        let mut found = Found::default();
        for line in 0..3000 {
            found.poll(&poll(line.into(), line, 0..50));
        }
        assert_eq!(found.count(), MOST);
        found.poll(&poll(9000, 7, 100..150));
        let known = all(&found).into_iter().find(|one| one.count == 2);
        assert!(known.is_some(), "what is known is counted on");
    }

    #[test]
    fn a_client_gets_what_it_asked_for() {
        let mut found = Found::default();
        found.poll(&poll(1, 12, 0..50));
        found.poll(&poll(2, 13, 400..450));
        let late = FindingsQuery {
            since_ns: 100_000_000,
            ..FindingsQuery::default()
        };
        assert_eq!(told(&found, &late).len(), 1);
        let one = FindingsQuery {
            limit: 1,
            ..FindingsQuery::default()
        };
        let window = found.window(&one, Clock::default());
        assert_eq!((window.findings.len(), window.total), (1, 2));
    }

    #[test]
    fn of_a_process_that_has_ended_nothing_goes_on() {
        let mut found = Found::default();
        found.poll(&Poll {
            ongoing: true,
            ..poll(1, 12, 0..50)
        });
        found.tasks(MS(10), vec![unwakeable(&select(3), 10, true)]);
        found.end();
        assert!(all(&found).iter().all(|finding| !finding.ongoing));
    }
}
