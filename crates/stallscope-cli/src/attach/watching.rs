//! What looks at a process from outside prove, taken in one after the other. Pure: looks, names of stacks and times are arguments.
//!
//! What is kept grows neither with time nor with what was seen: polls that are not judged yet, those that go on, and a finding for each
//! rule and place.

use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

use stallscope_attach::memory::Thread;
use stallscope_attach::tasks::{Kind, Polled, Task};
use stallscope_attach::watch::{Due, Limits, LongPoll, Polls, Watch};
use stallscope_stack::Frame;

use super::found::Found;
use super::poll::Poll;

/// Long polls that are looked into at once. Of more, those that come later are not told.
const MOST_AT_ONCE: usize = 1024;

/// `E` is a stack without names.
#[derive(Debug)]
pub(crate) struct Watching<E> {
    polls: Polls<E>,
    lost: Watch,
    /// All tasks by number, as they were listed last.
    tasks: Rc<Vec<Task>>,
    /// Long polls that are not over or not judged yet, by number.
    episodes: BTreeMap<u64, Episode<E>>,
    found: Found,
}

#[derive(Debug)]
struct Episode<E> {
    ongoing: bool,
    state: State<E>,
}

/// What has been found out about a long poll.
#[derive(Debug)]
enum State<E> {
    /// Something is still to come.
    Open {
        poll: Box<LongPoll<E>>,
        stack: Naming,
        task: Whose,
    },
    Told(Poll),
    /// It is not to be told.
    Dismissed,
}

#[derive(Debug)]
enum Naming {
    Awaited,
    /// Innermost first; empty if there is none.
    Here(Vec<Frame>),
}

#[derive(Debug)]
enum Whose {
    /// Its task was not there when tasks were listed last: it may be new.
    Unlisted,
    /// Nor was it there the next time.
    Gone,
    Known(Task),
}

impl<E: Clone> Watching<E> {
    pub(crate) fn new() -> Self {
        let limits = Limits::default();
        Watching {
            polls: Polls::new(limits.long_poll),
            lost: Watch::new(limits),
            tasks: Rc::default(),
            episodes: BTreeMap::new(),
            found: Found::default(),
        }
    }

    /// Takes in a look at all tasks. `at`: when it began, since the watch did.
    pub(crate) fn tasks(&mut self, at: Duration, tasks: Rc<Vec<Task>>) {
        self.found.tasks(at, self.lost.note(at, &tasks));
        self.tasks = tasks;
        self.assign();
        self.judge();
    }

    /// Whether a task's polls can be too long. A closure on the blocking pool is there to block.
    pub(crate) fn watches(&self, task: u64) -> bool {
        listed(&self.tasks, task).is_none_or(|task| task.kind != Kind::Blocking)
    }

    /// Takes in a look at all threads that poll a task [to be watched](Self::watches). `look`: when it began and ended, since the watch
    /// began. `walk` reads a stack that is due. What comes back needs [names](Self::named).
    pub(crate) fn threads(
        &mut self,
        look: &Range<Duration>,
        threads: &[(Thread, Polled)],
        mut walk: impl FnMut(&Due) -> Option<E>,
    ) -> Vec<(u64, E)> {
        for due in self.polls.note(look, threads) {
            if let Some(evidence) = walk(&due) {
                self.polls.keep(due.number, evidence);
            }
        }
        let mut nameless = Vec::new();
        let ended = self.polls.take_ended();
        for poll in self.polls.ongoing().chain(&ended) {
            if let Some(episode) = self.episodes.get_mut(&poll.number) {
                episode.see(poll);
            } else if self.episodes.len() < MOST_AT_ONCE {
                let episode = Episode::begin(poll, &self.tasks);
                self.episodes.insert(poll.number, episode);
                let evidence = poll.evidence.clone();
                nameless.extend(evidence.map(|evidence| (poll.number, evidence)));
            }
        }
        self.judge();
        nameless
    }

    /// The stack of a poll has got its names; none if there is nobody to name it.
    pub(crate) fn named(&mut self, number: u64, frames: Vec<Frame>) {
        if let Some(episode) = self.episodes.get_mut(&number)
            && let State::Open { stack, .. } = &mut episode.state
        {
            *stack = Naming::Here(frames);
        }
        self.judge();
    }

    /// Whether there is a long poll of a task that was not listed yet.
    pub(crate) fn misses_a_task(&self) -> bool {
        let mut episodes = self.episodes.values();
        episodes.any(|episode| match &episode.state {
            State::Open { task, .. } => matches!(task, Whose::Unlisted),
            State::Told(_) | State::Dismissed => false,
        })
    }

    /// No look comes after this. `ended`: for the process has.
    pub(crate) fn finish(mut self, ended: bool) -> Found {
        self.assign();
        self.judge();
        if ended {
            self.found.end();
        }
        self.found
    }

    /// All tasks, as they were listed last.
    pub(crate) fn listed(&self) -> &Rc<Vec<Task>> {
        &self.tasks
    }

    pub(crate) fn found(&self) -> &Found {
        &self.found
    }

    /// Gives the tasks that are listed now to the polls that wait for theirs.
    fn assign(&mut self) {
        for episode in self.episodes.values_mut() {
            if let State::Open { poll, task, .. } = &mut episode.state
                && matches!(task, Whose::Unlisted)
            {
                *task = listed(&self.tasks, poll.polled.task)
                    .map_or(Whose::Gone, |task| Whose::Known(task.clone()));
            }
        }
    }

    /// Tells what is new of every poll, and forgets those of which nothing more can come.
    fn judge(&mut self) {
        self.episodes.retain(|_, episode| {
            episode.settle();
            if let State::Told(told) = &episode.state {
                self.found.poll(told);
            }
            episode.ongoing || matches!(episode.state, State::Open { .. })
        });
    }
}

impl<E: Clone> Episode<E> {
    fn begin(poll: &LongPoll<E>, tasks: &[Task]) -> Self {
        let task = listed(tasks, poll.polled.task);
        Episode {
            ongoing: poll.ongoing,
            state: State::Open {
                poll: Box::new(poll.clone()),
                stack: match poll.evidence {
                    Some(_) => Naming::Awaited,
                    None => Naming::Here(Vec::new()),
                },
                task: task.map_or(Whose::Unlisted, |task| Whose::Known(task.clone())),
            },
        }
    }

    /// The poll is seen again.
    fn see(&mut self, seen: &LongPoll<E>) {
        self.ongoing = seen.ongoing;
        match &mut self.state {
            State::Open { poll, .. } => (**poll).clone_from(seen),
            State::Told(told) => told.see(seen),
            State::Dismissed => {}
        }
    }

    /// Judges it once everything is there.
    fn settle(&mut self) {
        let State::Open {
            poll,
            stack: Naming::Here(frames),
            task,
        } = &self.state
        else {
            return;
        };
        let task = match task {
            Whose::Unlisted => return,
            Whose::Gone => None,
            Whose::Known(task) => Some(task),
        };
        self.state = Poll::judge(poll, frames, task).map_or(State::Dismissed, State::Told);
    }
}

fn listed(tasks: &[Task], number: u64) -> Option<&Task> {
    let at = tasks.binary_search_by_key(&number, |task| task.id);
    tasks.get(at.ok()?)
}

#[cfg(test)]
mod tests;
