//! Looks that were made up, at times that were: what is told of them, when, and that it stays small.

use stallscope_stack::kernel::{Position, RunState, SchedTimes, SystemCall, ThreadState};
use stallscope_stack::{Origin, Tid};
use stallscope_wire::message::{Finding, FindingsQuery};

use super::super::found::Clock;
use super::super::words::samples::{select, task};
use super::*;

const MS: fn(u64) -> Duration = Duration::from_millis;

/// Asleep, and put on a processor so often before.
fn asleep(tid: u32, switches: u64) -> Thread {
    let kernel = ThreadState {
        tid: Tid::new(7).expect("a number"),
        run_state: RunState::Sleeping,
        position: Position::InSystemCall {
            call: SystemCall {
                number: 230,
                arguments: [0; 6],
            },
            sp: 0x7ffe,
            pc: 0x4010,
        },
        wait_channel: None,
        times: Some(SchedTimes {
            on_cpu: MS(1),
            waiting_for_cpu: MS(0),
            switches,
        }),
        faults: None,
        descriptors: Vec::new(),
    };
    Thread {
        tid,
        kernel: Some(kernel),
        ..Thread::default()
    }
}

/// A poll of `shop::serve` that sleeps at that line.
fn frames(line: u32) -> Vec<Frame> {
    let frame = |function: &str, line, origin| Frame {
        function: Some(function.to_owned()),
        file: Some("src/stock.rs".to_owned()),
        line: Some(line),
        column: None,
        origin,
        inlined: false,
        address: 0,
        module: None,
        module_offset: None,
    };
    vec![
        frame("std::thread::sleep", 1, Origin::Std),
        frame("shop::stock::reserve", line, Origin::App),
        frame("shop::serve::{{closure}}", 3, Origin::App),
        frame("tokio::runtime::task::raw::poll", 4, Origin::Tokio),
    ]
}

/// A watch of one thread. A stack is the line it is at.
struct Session {
    watching: Watching<u32>,
    line: u32,
    nameless: Vec<(u64, u32)>,
}

impl Session {
    /// All tasks are listed at once.
    fn new(tasks: &[Task]) -> Self {
        let mut session = Session {
            watching: Watching::new(),
            line: 12,
            nameless: Vec::new(),
        };
        session.tasks(0, tasks);
        session
    }

    fn tasks(&mut self, at: u64, tasks: &[Task]) -> &mut Self {
        self.watching.tasks(MS(at), Rc::new(tasks.to_vec()));
        self
    }

    /// The thread polls task 7, and has been on a processor so often.
    fn look(&mut self, at: u64, switches: u64) -> &mut Self {
        let polled = Polled {
            task: 7,
            turn: None,
        };
        self.look_at(at, &[(asleep(7, switches), polled)])
    }

    fn look_at(&mut self, at: u64, threads: &[(Thread, Polled)]) -> &mut Self {
        let watched = |(_, polled): &&(Thread, Polled)| self.watching.watches(polled.task);
        let watched: Vec<_> = threads.iter().filter(watched).cloned().collect();
        let walk = |_: &Due| Some(self.line);
        let nameless = self.watching.threads(&(MS(at)..MS(at)), &watched, walk);
        self.nameless.extend(nameless);
        self
    }

    /// Whatever was asked for is named.
    fn name(&mut self) -> &mut Self {
        for (number, line) in self.nameless.drain(..) {
            self.watching.named(number, frames(line));
        }
        self
    }

    fn told(&self) -> Vec<Finding> {
        let found = self.watching.found();
        let query = FindingsQuery::default();
        found.window(&query, Clock::default()).findings
    }

    /// `line×count`, with a `!` if it goes on.
    fn summary(&self) -> Vec<String> {
        let summary = |finding: &Finding| {
            let line = finding.location.as_ref().map_or(0, |at| at.line);
            let ongoing = if finding.ongoing { "!" } else { "" };
            format!("{line}×{}{ongoing}", finding.count)
        };
        self.told().iter().map(summary).collect()
    }
}

#[test]
fn a_stall_is_told_while_it_lasts_and_is_over_when_the_thread_moves() {
    let mut session = Session::new(&[task(7)]);
    session.look(0, 1).look(10, 1).look(20, 1);
    assert_eq!(session.summary(), [""; 0], "its stack has no names yet");
    assert_eq!(session.name().summary(), ["12×1!"]);
    assert_eq!(session.look(500, 1).told()[0].longest_ns, 500_000_000);
    assert_eq!(session.look(510, 2).summary(), ["12×1"]);
    assert_eq!(session.told()[0].longest_ns, 500_000_000);
    assert_eq!(session.told()[0].task.as_ref().map(|task| task.id), Some(7));
}

#[test]
fn a_stall_that_was_over_before_its_stack_had_names_is_told_then() {
    let mut session = Session::new(&[task(7)]);
    session.look(0, 1).look(30, 1).look(40, 2).look(50, 3);
    assert_eq!(session.summary(), [""; 0]);
    assert_eq!(session.name().summary(), ["12×1"]);
    assert_eq!(session.told()[0].occurrences[0].duration_ns, 30_000_000);
}

#[test]
fn stalls_at_one_line_are_counted_and_another_line_is_another_finding() {
    let mut session = Session::new(&[task(7)]);
    for turn in 0..5 {
        let at = 100 * turn;
        session.line = if turn == 3 { 31 } else { 12 };
        session
            .look(at, turn)
            .look(at + 15, turn)
            .look(at + 30, turn);
        session.name();
    }
    session.look(900, 9);
    assert_eq!(session.summary(), ["12×4", "31×1"]);
}

#[test]
fn a_new_task_is_waited_for_until_tasks_are_listed_again() {
    let mut session = Session::new(&[]);
    session.look(0, 1).look(30, 1).name();
    assert!(session.watching.misses_a_task());
    assert_eq!(session.summary(), [""; 0]);
    session.tasks(40, &[task(7)]);
    assert!(!session.watching.misses_a_task());
    assert_eq!(session.summary(), ["12×1!"]);

    let mut session = Session::new(&[]);
    session
        .look(0, 1)
        .look(30, 1)
        .look(40, 2)
        .name()
        .tasks(50, &[]);
    let told = session.told();
    let task = told[0].task.as_ref().expect("its stack says whose it is");
    assert_eq!((task.id, task.name.as_str()), (7, "shop::serve"));
}

#[test]
fn a_closure_on_the_blocking_pool_may_block() {
    let closure = Task {
        kind: Kind::Blocking,
        ..task(7)
    };
    let mut session = Session::new(&[closure]);
    session.look(0, 1).look(5000, 1).name();
    assert_eq!(session.summary(), [""; 0]);
    assert!(session.watching.episodes.is_empty());
}

#[test]
fn what_nothing_can_wake_is_told_between_stalls() {
    let lost = Task {
        detached: Some(true),
        ..select(3)
    };
    let mut session = Session::new(std::slice::from_ref(&lost));
    session.tasks(500, std::slice::from_ref(&lost));
    session.look(510, 1).look(540, 1).name();
    session.tasks(1000, &[lost, task(7)]);
    assert_eq!(session.summary(), ["40×1!", "12×1!"]);
    assert_eq!(session.tasks(1500, &[task(7)]).summary(), ["40×1", "12×1!"]);
    let rules: Vec<_> = session.told().into_iter().map(|told| told.rule).collect();
    assert_eq!(rules, ["unwakeable", "sleep"]);
}

/// A program that stalls ten times a second, each time in another task, watched for half an hour.
#[test]
fn what_is_kept_does_not_grow_with_time() {
    let mut session = Session::new(&[]);
    for turn in 0..20_000 {
        let at = 100 * turn;
        let polled = Polled {
            task: turn,
            turn: None,
        };
        for later in [0, 15, 30] {
            session.look_at(at + later, &[(asleep(7, turn), polled)]);
        }
        if turn % 5 == 0 {
            session.name().tasks(at, &[]);
        }
    }
    session.name().tasks(3_000_000, &[]);
    assert!(session.watching.episodes.len() <= 1);
    let told = session.told();
    assert_eq!((told.len(), told[0].count), (1, 20_000));
    assert_eq!(told[0].occurrences.len(), 32);
}

#[test]
fn many_stalls_that_nobody_names_are_not_all_kept() {
    let mut session = Session::new(&[task(7)]);
    for turn in 0..3000 {
        session.look(100 * turn, turn).look(100 * turn + 30, turn);
    }
    assert_eq!(session.watching.episodes.len(), MOST_AT_ONCE);
    assert_eq!(session.nameless.len(), MOST_AT_ONCE);
    session.look(400_000, 9000).name();
    assert!(session.watching.episodes.is_empty());
}

#[test]
fn at_the_end_what_is_missing_is_missing_and_of_an_ended_process_nothing_goes_on() {
    for ended in [false, true] {
        let mut session = Session::new(&[]);
        session.look(0, 1).look(30, 1).name();
        let found = session.watching.finish(ended);
        let told = found.window(&FindingsQuery::default(), Clock::default());
        assert_eq!(told.findings[0].ongoing, !ended);
    }
}
