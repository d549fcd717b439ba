//! A poll that computes for too long is found; one of many that are short never is, however much it looks the same.

use std::thread::sleep;
use std::time::{Duration, Instant};

use stallscope_attach::memory::Thread;
use stallscope_attach::tasks::{Polled, Task};
use stallscope_attach::threads::{Namer, Walked};
use stallscope_attach::watch::{Doing, LongPoll, Polls, blame};
use stallscope_attach::{Options, Process, Target};
use stallscope_stack::Frame;
use stallscope_stack::kernel::{Cause, RunState};

use crate::marks::line_of;
use crate::program::{Zoo, programs};

const PATIENCE: Duration = Duration::from_secs(120);

/// From here on a poll is too long; none of the zoo's short ones comes near.
const THRESHOLD: Duration = Duration::from_millis(20);

/// So long what must not be told is looked at, by the time in which it looked as if it had to be.
const LOOKED: Duration = Duration::from_secs(2);

#[test]
fn a_poll_that_computes_is_told_and_a_stop_names_its_line() {
    for program in programs() {
        let zoo = Zoo::start(program, &["--compute"]);
        with(&zoo, |process| {
            process.prepare_stacks();
            let marks = ["computing_for_long", "computing_on_a_single_thread"];
            let deadline = Instant::now() + PATIENCE;
            let mut watch = Watching::new();
            let mut found = [None, None];
            // They take long: no look is to wait for them.
            let tasks = process.tasks(&Options::default());
            let mut namer = process.namer();
            while found.contains(&None) {
                assert!(Instant::now() < deadline, "found up to now: {found:?}");
                watch.look(process);
                for poll in watch.polls.take_ended() {
                    let task = tasks.iter().find(|task| task.id == poll.polled.task);
                    let (Some(task), Some(line)) = (task, line(&mut namer, &poll)) else {
                        continue;
                    };
                    assert!(poll.is_of(Some(task)), "{poll:?}");
                    assert_eq!((poll.doing, poll.cause()), (Doing::Computes, Cause::OnCpu));
                    for (mark, found) in marks.iter().zip(&mut found) {
                        if is_of(task, mark) {
                            *found = Some(line);
                        }
                    }
                }
            }
            assert_eq!(found, marks.map(|mark| Some(line_of("polls", mark))));
        });
    }
}

#[test]
fn a_task_that_yields_all_the_time_is_not_told() {
    nothing_is_told_of("--yield", "yielding", Some(Blind::ToTurns));
}

#[test]
fn tasks_that_wake_each_other_are_not_told() {
    nothing_is_told_of("--ping-pong", "playing", None);
}

#[test]
fn a_task_of_a_local_set_that_wakes_itself_is_not_told() {
    let name = "waking_itself_in_a_local_set";
    nothing_is_told_of("--local", name, Some(Blind::ToKinds));
}

/// Who would tell a task that is polled for a moment, again and again.
#[derive(Clone, Copy, PartialEq)]
enum Blind {
    /// Who takes all turns for one.
    ToTurns,
    /// Who takes a task of a `LocalSet` for one of a worker.
    ToKinds,
}

/// The zoo's task of that name is polled all the time, and each poll is short. Whoever is `blind` would tell it.
fn nothing_is_told_of(flag: &str, name: &str, blind: Option<Blind>) {
    for program in programs() {
        let zoo = Zoo::start(program, &[flag]);
        with(&zoo, |process| {
            let tasks = process.tasks(&Options::default());
            let named = |task: u64| {
                let known = tasks.iter().find(|known| known.id == task);
                known.filter(|known| is_of(known, name))
            };
            let deadline = Instant::now() + PATIENCE;
            let mut watch = Watching::new();
            let (mut without_turns, mut first) = (Polls::<()>::new(THRESHOLD), None);
            let mut deceived = blind.is_none();
            let mut polled = Duration::ZERO;
            let mut before: Option<(Duration, u32)> = None;
            while polled < LOOKED || !deceived {
                assert!(Instant::now() < deadline, "{polled:?}, {deceived}");
                let (mut threads, at) = watch.look(process);
                let busy = threads.iter().find(|(thread, polled)| {
                    named(polled.task).is_some() && thread.run_state() == RunState::Running
                });
                let busy = busy.map(|(thread, _)| (at, thread.tid));
                if let (Some((from, before)), Some((to, now))) = (before, busy)
                    && before == now
                {
                    polled += to.saturating_sub(from);
                }
                before = busy;
                let ongoing = watch.polls.ongoing().cloned().collect::<Vec<_>>();
                for poll in ongoing.into_iter().chain(watch.polls.take_ended()) {
                    let task = named(poll.polled.task);
                    assert!(task.is_none() || !poll.is_of(task), "{poll:?}");
                    deceived |= blind == Some(Blind::ToKinds) && task.is_some();
                }
                for (_, polled) in &mut threads {
                    if named(polled.task).is_some() {
                        first = first.or(polled.turn);
                        polled.turn = first;
                    }
                }
                without_turns.note(&(at..at), &threads);
                let mut told = without_turns.ongoing();
                deceived |= blind == Some(Blind::ToTurns)
                    && told.any(|poll| named(poll.polled.task).is_some());
            }
        });
    }
}

/// Looks at the threads of a process, and stops those that may compute for too long.
struct Watching {
    polls: Polls<Walked>,
    began: Instant,
}

impl Watching {
    fn new() -> Self {
        Self {
            polls: Polls::new(THRESHOLD),
            began: Instant::now(),
        }
    }

    /// The threads that poll a task, and when they were looked at.
    fn look(&mut self, process: &Process<'_>) -> (Vec<(Thread, Polled)>, Duration) {
        sleep(Duration::from_millis(4));
        let start = self.began.elapsed();
        let threads = process.polling(|_| true);
        let end = self.began.elapsed();
        for due in self.polls.note(&(start..end), &threads) {
            if due.doing == Doing::Computes
                && let Ok(walked) = process.walk_running(&due.thread, due.polled)
            {
                self.polls.keep(due.number, walked);
            }
        }
        (threads, end)
    }
}

/// The line of the task's own function that such a poll was in: there it calls `compute`.
fn line(namer: &mut Namer, poll: &LongPoll<Walked>) -> Option<u32> {
    let stack = namer.name(poll.evidence.as_ref()?);
    assert!(stack.stopped.is_some(), "it ran");
    let rule = blame::rule(&poll.cause(), poll.polled.turn, &stack.frames);
    assert_eq!(rule, Some("cpu"));
    let of_task = |frame: &&Frame| {
        let function = frame.function.as_deref();
        function.is_some_and(|function| function.starts_with("zoo::polls::computing_"))
    };
    stack.frames.iter().find(of_task)?.line
}

fn is_of(task: &Task, function: &str) -> bool {
    task.future
        .starts_with(&format!("zoo::polls::{function}::"))
}

fn with(zoo: &Zoo, look: impl FnOnce(&Process<'_>)) {
    let target = Target::live(zoo.pid()).unwrap_or_else(|error| panic!("{error}"));
    let process = Process::of(&target).unwrap_or_else(|error| panic!("{error}"));
    look(&process);
}
