//! Looks that were made up: a thread that sleeps on is told, one that may have run in between never.

use proptest::prelude::*;
use stallscope_stack::Tid;
use stallscope_stack::kernel::{SchedTimes, SystemCall, ThreadState};

use super::*;

const MS: fn(u64) -> Duration = Duration::from_millis;

/// A thread asleep in `clock_nanosleep`, put on a processor so often before.
fn asleep(switches: u64) -> Thread {
    let call = SystemCall {
        number: 230,
        arguments: [0; 6],
    };
    let kernel = ThreadState {
        tid: Tid::new(7).expect("a number"),
        run_state: RunState::Sleeping,
        position: Position::InSystemCall {
            call,
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
        tid: 7,
        kernel: Some(kernel),
        ..Thread::default()
    }
}

fn with(change: impl FnOnce(&mut ThreadState)) -> Thread {
    let mut thread = asleep(5);
    change(thread.kernel.as_mut().expect("it has one"));
    thread
}

/// Looks that take no time at these milliseconds, at one thread that polls task 1.
struct Session(Polls<&'static str>);

impl Session {
    fn new() -> Self {
        Self(Polls::new(MS(20)))
    }

    fn look(&mut self, at: u64, thread: &Thread) -> Vec<(u64, What)> {
        self.look_at(at, &[(thread.clone(), Some(1))])
    }

    fn look_at(&mut self, at: u64, threads: &[(Thread, Option<u64>)]) -> Vec<(u64, What)> {
        let due = self.0.note(&(MS(at)..MS(at)), threads);
        due.into_iter().map(|due| (due.number, due.what)).collect()
    }

    fn told(self) -> Vec<(u64, Duration, bool)> {
        let told = self.0.finish().into_iter();
        told.map(|poll| (poll.task, poll.held(), poll.ongoing))
            .collect()
    }
}

#[test]
fn of_a_thread_that_sleeps_on_the_stack_is_asked_for_early_and_the_task_when_it_is_told() {
    let mut session = Session::new();
    assert_eq!(session.look(0, &asleep(5)), []);
    assert_eq!(session.look(9, &asleep(5)), []);
    assert_eq!(session.look(10, &asleep(5)), [(1, What::Stack)]);
    session.0.keep(1, "its stack");
    assert_eq!(session.look(14, &asleep(5)), [], "once");
    assert_eq!(session.look(20, &asleep(5)), [(1, What::Task)]);
    assert_eq!(session.look(900, &asleep(5)), []);
    let told = session.0.finish();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].held(), told[0].ongoing), (MS(900), true));
    assert_eq!(told[0].evidence, Some("its stack"));
}

#[test]
fn after_a_long_time_without_a_look_both_are_asked_for() {
    let mut session = Session::new();
    session.look(0, &asleep(5));
    let asked = session.look(300, &asleep(5));
    assert_eq!(asked, [(1, What::Stack), (1, What::Task)]);
    assert_eq!(session.look(600, &asleep(5)), []);
}

#[test]
fn what_ends_in_between_is_told_with_the_time_it_was_seen() {
    let mut session = Session::new();
    for at in [0, 10, 20, 25] {
        session.look(at, &asleep(5));
    }
    session.look(30, &asleep(6));
    session.look(45, &asleep(6));
    session.look_at(50, &[]);
    assert_eq!(session.told(), [(1, MS(25), false)]);
}

#[test]
fn a_thread_that_ran_in_between_may_have_begun_another_poll() {
    let mut session = Session::new();
    for look in 0..50 {
        assert_eq!(session.look(10 * look, &asleep(look)), []);
    }
    assert_eq!(session.told(), []);
}

#[test]
fn one_that_computes_is_not_told_however_long_it_is_seen_in_the_same_task() {
    let computes = with(|kernel| {
        kernel.run_state = RunState::Running;
        kernel.position = Position::Running;
    });
    let mut session = Session::new();
    session.look(0, &computes);
    session.look(5000, &computes);
    assert_eq!(session.told(), []);
}

#[test]
fn without_the_count_of_switches_nothing_is_proven() {
    let mut session = Session::new();
    let unknown = with(|kernel| kernel.times = None);
    session.look(0, &unknown);
    session.look(5000, &unknown);
    assert_eq!(session.told(), []);
}

#[test]
fn a_thread_outside_of_any_task_may_sleep() {
    let mut session = Session::new();
    session.look_at(0, &[(asleep(5), None)]);
    session.look_at(5000, &[(asleep(5), None)]);
    assert_eq!(session.told(), []);
}

#[test]
fn a_page_that_is_read_from_disk_counts_too() {
    let faults = with(|kernel| {
        kernel.run_state = RunState::Uninterruptible;
        kernel.position = Position::InFault {
            sp: 0x7ffe,
            pc: 0x4010,
        };
    });
    let mut session = Session::new();
    session.look(0, &faults);
    session.look(30, &faults);
    assert_eq!(session.told(), [(1, MS(30), true)]);
}

#[test]
fn the_time_that_a_look_took_is_not_counted() {
    let mut polls = Polls::<()>::new(MS(20));
    let threads = [(asleep(5), Some(1))];
    polls.note(&(MS(0)..MS(15)), &threads);
    polls.note(&(MS(30)..MS(45)), &threads);
    assert_eq!(polls.finish(), [], "from 15 to 30 it slept for certain");
}

proptest! {
    /// Whatever is seen: no more than the time between the looks is told, and of one thread no moment twice.
    #[test]
    fn what_is_told_fits_between_the_looks(looks in prop::collection::vec((0..40_u64, 0..3_u64, prop::option::of(1..3_u64)), 0..60)) {
        let mut session = Session::new();
        let mut at = 0;
        for (later, switches, task) in looks {
            at += later;
            session.look_at(at, &[(asleep(switches), task)]);
        }
        let told = session.0.finish();
        for poll in &told {
            prop_assert!(poll.held() >= MS(20) && poll.slept.end <= MS(at));
        }
        for pair in told.windows(2) {
            prop_assert!(pair[0].slept.end <= pair[1].slept.start);
        }
    }
}
