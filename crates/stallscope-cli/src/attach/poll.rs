//! A poll that was too long, as it was seen from outside: whose it is, by which rule it is told, and at which line.

use std::ops::Range;
use std::time::Duration;

use stallscope_attach::tasks::{Kind, Task};
use stallscope_attach::watch::LongPoll;
use stallscope_attach::watch::blame::{self, Caller};
use stallscope_stack as stack;
use stallscope_stack::kernel::Cause;
use stallscope_wire::message::{FindingTask, Frame, Location, TaskKind};

use super::{thread, words};

/// A poll that is told.
#[derive(Debug, Clone)]
pub(crate) struct Poll {
    /// Tells it from every other poll of the same watch.
    pub(super) number: u64,
    pub(super) rule: &'static str,
    pub(super) cause: Cause,
    pub(super) task: FindingTask,
    pub(super) tid: u32,
    /// From the first to the last look at it, since the watch began; and for how much of that it was this one poll, at least.
    pub(super) seen: Range<Duration>,
    pub(super) held: Duration,
    pub(super) ongoing: bool,
    /// Innermost first; empty where it could not be read.
    pub(super) stack: Vec<Frame>,
}

impl Poll {
    /// `None`: it is no poll of a task, it is intended, or it cannot be told whose it is.
    pub(super) fn judge<E>(
        poll: &LongPoll<E>,
        frames: &[stack::Frame],
        task: Option<&Task>,
    ) -> Option<Self> {
        let cause = poll.cause();
        let caller = blame::caller(frames);
        if caller == Caller::Pool || !poll.is_of(task) {
            return None;
        }
        let task = match task {
            Some(task) => who(task),
            // It came and went between two looks at all tasks, but its thread has told where it is.
            None if caller == Caller::Poll => FindingTask {
                id: poll.polled.task,
                name: blame::future(frames).unwrap_or_default().to_owned(),
                ..FindingTask::default()
            },
            None => return None,
        };
        Some(Self {
            number: poll.number,
            rule: blame::rule(&cause, poll.polled.turn, frames)?,
            cause,
            task,
            tid: poll.thread.tid,
            seen: poll.seen.clone(),
            held: poll.held(),
            ongoing: poll.ongoing,
            stack: frames.iter().map(thread::frame).collect(),
        })
    }

    /// The same poll is seen again.
    pub(super) fn see<E>(&mut self, poll: &LongPoll<E>) {
        self.seen = poll.seen.clone();
        self.held = poll.held();
        self.ongoing = poll.ongoing;
    }

    /// The innermost of the program's own frames: the line to change.
    pub(super) fn location(&self) -> Option<Location> {
        let frame = self.stack.iter().find(|frame| frame.in_app)?;
        Some(Location {
            function: frame.function.clone(),
            file: frame.file.clone(),
            line: frame.line,
            column: frame.column,
        })
    }

    /// One line is one finding, whichever task came by; without a line, one function that was spawned is.
    pub(super) fn is_where(&self, other: &Self) -> bool {
        let line = |poll: &Self| {
            let frame = poll.stack.iter().find(|frame| frame.in_app)?;
            (!frame.file.is_empty()).then(|| (frame.file.clone(), frame.line))
        };
        self.rule == other.rule
            && match (line(self), line(other)) {
                (None, None) => self.task.name == other.task.name,
                (one, other) => one == other,
            }
    }
}

pub(super) fn who(task: &Task) -> FindingTask {
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

#[cfg(test)]
pub(super) mod samples {
    use super::super::words::samples::task;
    use super::*;

    /// A poll that slept at `line` during these milliseconds, and is over.
    pub(in crate::attach) fn poll(number: u64, line: u32, seen: Range<u64>) -> Poll {
        let frame = |function: &str, line, origin: &str| Frame {
            function: function.to_owned(),
            file: "src/stock.rs".to_owned(),
            line,
            column: 9,
            in_app: origin == "app",
            origin: origin.to_owned(),
            ..Frame::default()
        };
        let ms = Duration::from_millis;
        Poll {
            number,
            rule: "sleep",
            cause: Cause::Sleep,
            task: who(&task(7)),
            tid: 4713,
            seen: ms(seen.start)..ms(seen.end),
            held: ms(seen.end - seen.start),
            ongoing: false,
            stack: vec![
                frame("std::thread::sleep", 289, "std"),
                frame("shop::stock::reserve", line, "app"),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::samples::poll;
    use super::*;

    #[test]
    fn a_place_is_a_line_and_where_there_is_none_a_function() {
        assert!(poll(1, 12, 0..50).is_where(&poll(2, 12, 100..150)));
        assert!(!poll(1, 12, 0..50).is_where(&poll(2, 13, 100..150)));
        let blind = |name: &str| {
            let poll = poll(1, 12, 0..50);
            let task = FindingTask {
                name: name.to_owned(),
                ..poll.task
            };
            Poll {
                task,
                stack: Vec::new(),
                ..poll
            }
        };
        assert!(blind("shop::serve").is_where(&blind("shop::serve")));
        assert!(!blind("shop::serve").is_where(&blind("shop::load")));
        assert!(!blind("shop::serve").is_where(&poll(1, 12, 0..50)));
    }
}
