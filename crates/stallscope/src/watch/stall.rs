//! Which polls have lasted too long, and when is the next look due? Pure: polls and a time in, what to
//! do out.
//!
//! A poll is *noted* at half the threshold (what the kernel says of its thread then is the first of two readings) and
//! *captured* at the threshold and each time its age has doubled, so a stall that never ends is told early and goes on being told, ever
//! more rarely.

use std::collections::HashMap;

use crate::recorder::TaskId;

/// Time in nanoseconds since the start of recording.
pub(super) type Now = u64;

/// A poll in progress.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Poll {
    /// The number of the thread's record.
    pub(super) thread: u16,
    /// None on a runtime that does not tell its polls.
    pub(super) task: Option<TaskId>,
    /// When it began, in the recorder's own ticks: tells it from the task's next poll.
    pub(super) key: u64,
    pub(super) since: Now,
}

/// What to do about a poll.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Act {
    /// Take the first reading.
    Note(Poll),
    /// Take the second reading and the stack. `length`: how long the poll has lasted, pauses of the whole process left out.
    Capture { poll: Poll, length: u64 },
    /// A captured poll is over. `length` as above; `forgiven` is what was left out.
    Over {
        poll: Poll,
        length: u64,
        forgiven: u64,
    },
    /// The whole process stood still for this long: a stopped process or machine. No poll is to blame.
    Paused(u64),
}

/// The polls under watch.
pub(super) struct Stalls {
    threshold: u64,
    watched: HashMap<u16, Watched>,
    /// When the next look was due.
    due: Option<Now>,
}

struct Watched {
    poll: Poll,
    /// Time in which the process as a whole stood still.
    forgiven: u64,
    /// The age at which it is captured next.
    next: u64,
    noted: bool,
    captured: bool,
}

impl Stalls {
    pub(super) fn new(threshold: u64) -> Self {
        Stalls {
            threshold,
            watched: HashMap::new(),
            due: None,
        }
    }

    /// Looks at the polls in progress; `busy`: something runs, though no poll may be told. Returns what to do, and when to look again.
    pub(super) fn look(&mut self, now: Now, polls: &[Poll], busy: bool) -> (Vec<Act>, Now) {
        let mut acts = Vec::new();
        self.forgive_pause(now, &mut acts);
        self.end_finished(now, polls, &mut acts);
        // While something runs, often enough to see a poll at half the threshold; in an idle application half as often.
        let busy = busy || !polls.is_empty() || !self.watched.is_empty();
        let mut due = now
            + if busy {
                self.threshold / 2
            } else {
                self.threshold
            };
        for &poll in polls {
            let watched = self.watched.entry(poll.thread).or_insert_with(|| Watched {
                poll,
                forgiven: 0,
                next: self.threshold,
                noted: false,
                captured: false,
            });
            let age = now
                .saturating_sub(poll.since)
                .saturating_sub(watched.forgiven);
            if !watched.noted && age >= self.threshold / 2 {
                watched.noted = true;
                // A look that came late still needs some time between the two readings.
                watched.next = self.threshold.max(age + self.threshold / 2);
                acts.push(Act::Note(poll));
            } else if age >= watched.next {
                watched.captured = true;
                watched.next = (age * 2).max(watched.next * 2);
                acts.push(Act::Capture { poll, length: age });
            }
            let until = if watched.noted {
                watched.next
            } else {
                self.threshold / 2
            };
            due = due.min(now + until.saturating_sub(age));
        }
        self.due = Some(due);
        (acts, due)
    }

    /// The watchdog has worked until now: that the next look comes late is no sign that anything stood still.
    pub(super) fn worked_until(&mut self, now: Now) {
        self.due = self.due.map(|due| due.max(now));
    }

    /// A look that comes much too late says that this thread did not run either: then no poll could have got on.
    fn forgive_pause(&mut self, now: Now, acts: &mut Vec<Act>) {
        let late = now.saturating_sub(self.due.unwrap_or(now));
        if late >= self.threshold / 2 {
            for watched in self.watched.values_mut() {
                watched.forgiven += late;
            }
            if late >= self.threshold {
                acts.push(Act::Paused(late));
            }
        }
    }

    fn end_finished(&mut self, now: Now, polls: &[Poll], acts: &mut Vec<Act>) {
        self.watched.retain(|thread, watched| {
            let goes_on = polls
                .iter()
                .any(|poll| poll.thread == *thread && poll.key == watched.poll.key);
            if !goes_on && watched.captured {
                let length = now
                    .saturating_sub(watched.poll.since)
                    .saturating_sub(watched.forgiven);
                acts.push(Act::Over {
                    poll: watched.poll,
                    length,
                    forgiven: watched.forgiven,
                });
            }
            goes_on
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn poll(thread: u16, since: u64) -> Poll {
        Poll {
            thread,
            task: Some(TaskId(7)),
            key: since,
            since: since * MS,
        }
    }

    /// Looks at every moment that is asked for, until `end`, at one poll that is there from `since` to `until`; what was done, with the time.
    fn watch(poll: Poll, until: u64, end: u64) -> Vec<(u64, &'static str)> {
        let mut stalls = Stalls::new(20 * MS);
        let (mut now, mut done) = (0, Vec::new());
        while now <= end * MS {
            let polls: &[Poll] = if (poll.since..until * MS).contains(&now) {
                &[poll]
            } else {
                &[]
            };
            let (acts, due) = stalls.look(now, polls, false);
            for act in acts {
                let what = match act {
                    Act::Note(_) => "note",
                    Act::Capture { .. } => "capture",
                    Act::Over { .. } => "over",
                    Act::Paused(_) => "paused",
                };
                done.push((now / MS, what));
            }
            assert!(due > now, "a look must not be due at once again");
            now = due;
        }
        done
    }

    #[test]
    fn a_stall_is_captured_at_the_threshold_and_as_it_doubles() {
        let done = watch(poll(0, 5), 200, 250);
        assert_eq!(done[..2], [(20, "note"), (30, "capture")]);
        let captures: Vec<u64> = done
            .iter()
            .filter(|(_, what)| *what == "capture")
            .map(|(at, _)| *at)
            .collect();
        assert_eq!(captures, [30, 55, 105]);
        assert_eq!(done.last().map(|(_, what)| *what), Some("over"));
    }

    #[test]
    fn a_stall_that_never_ends_is_captured_ever_more_rarely() {
        let captures = watch(poll(0, 0), u64::MAX / MS, 60_000);
        let captures = captures
            .iter()
            .filter(|(_, what)| *what == "capture")
            .count();
        assert!(
            (10..=14).contains(&captures),
            "{captures} captures in a minute"
        );
    }

    #[test]
    fn a_poll_shorter_than_the_threshold_is_never_captured() {
        assert_eq!(watch(poll(0, 3), 22, 100), [(20, "note")]);
    }

    #[test]
    fn many_short_polls_are_no_long_one() {
        let mut stalls = Stalls::new(20 * MS);
        for at in 0..100 {
            let (acts, _) = stalls.look(at * 10 * MS, &[poll(0, at * 10)], false);
            assert_eq!(acts, []);
        }
    }

    #[test]
    fn when_the_whole_process_stood_still_nobody_is_blamed() {
        let mut stalls = Stalls::new(20 * MS);
        let stopped = poll(0, 0);
        let (_, due) = stalls.look(0, &[stopped], false);
        let (acts, _) = stalls.look(due + 5000 * MS, &[stopped], false);
        assert_eq!(acts, [Act::Paused(5000 * MS), Act::Note(stopped)]);
        let (acts, _) = stalls.look(due + 5010 * MS, &[stopped], false);
        assert!(
            matches!(acts[..], [Act::Capture { length, .. }] if length < 30 * MS),
            "{acts:?}"
        );
    }

    #[test]
    fn the_watchdogs_own_work_is_no_pause() {
        let mut stalls = Stalls::new(20 * MS);
        let long = poll(0, 0);
        stalls.look(0, &[long], false);
        stalls.look(10 * MS, &[long], false);
        stalls.worked_until(110 * MS);
        let (acts, _) = stalls.look(111 * MS, &[long], false);
        assert!(
            matches!(acts[..], [Act::Capture { length, .. }] if length == 111 * MS),
            "{acts:?}"
        );
    }

    #[test]
    fn threads_are_watched_independently() {
        let mut stalls = Stalls::new(20 * MS);
        let (one, other) = (poll(0, 0), poll(1, 15));
        stalls.look(10 * MS, &[one], false);
        let (acts, due) = stalls.look(20 * MS, &[one, other], false);
        assert_eq!(
            acts,
            [Act::Capture {
                poll: one,
                length: 20 * MS
            }]
        );
        assert_eq!(due, 25 * MS);
    }
}
