//! Looks that were made up: a thread that sleeps on or computes on is told, one that may have begun another poll in between never.

use proptest::prelude::*;
use stallscope_stack::Tid;
use stallscope_stack::kernel::{SchedTimes, SystemCall, ThreadState};

use super::*;
use crate::tasks::State;

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

/// Polls that task, in a turn that is not known.
fn task(task: u64) -> Polled {
    Polled { task, turn: None }
}

/// Polls that task, in that turn.
fn in_turn(task: u64, tick: u32) -> Polled {
    let turn = Some(Turn { core: 0x5000, tick });
    Polled { task, turn }
}

/// A thread that runs, and was on a processor for so many milliseconds up to now.
fn running(on_cpu: u64) -> Thread {
    with(|kernel| {
        kernel.run_state = RunState::Running;
        kernel.position = Position::Running;
        kernel.times = Some(SchedTimes {
            on_cpu: MS(on_cpu),
            waiting_for_cpu: MS(0),
            switches: on_cpu,
        });
    })
}

/// Looks that take no time at these milliseconds, at one thread that polls task 1.
struct Session(Polls<&'static str>);

impl Session {
    fn new() -> Self {
        Self(Polls::new(MS(20)))
    }

    fn look(&mut self, at: u64, thread: &Thread) -> Vec<u64> {
        self.look_at(at, &[(thread.clone(), task(1))])
    }

    /// The numbers of the polls whose stacks are asked for.
    fn look_at(&mut self, at: u64, threads: &[(Thread, Polled)]) -> Vec<u64> {
        let due = self.0.note(&(MS(at)..MS(at)), threads);
        due.into_iter().map(|due| due.number).collect()
    }

    fn all(mut self) -> Vec<LongPoll<&'static str>> {
        let ended = self.0.take_ended();
        ended.into_iter().chain(self.0.ongoing().cloned()).collect()
    }

    fn told(self) -> Vec<(u64, Duration, bool)> {
        let told = self.all().into_iter();
        told.map(|poll| (poll.polled.task, poll.held(), poll.ongoing))
            .collect()
    }
}

#[test]
fn of_a_thread_that_sleeps_on_the_stack_is_asked_for_before_it_is_told() {
    let mut session = Session::new();
    assert_eq!(session.look(0, &asleep(5)), []);
    assert_eq!(session.look(9, &asleep(5)), []);
    assert_eq!(session.look(10, &asleep(5)), [1]);
    session.0.keep(1, "its stack");
    assert_eq!(session.look(14, &asleep(5)), [], "once");
    assert_eq!(session.0.ongoing().count(), 0, "it is not too long yet");
    assert_eq!(session.look(900, &asleep(5)), []);
    let told = session.all();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].held(), told[0].ongoing), (MS(900), true));
    assert_eq!(told[0].evidence, Some("its stack"));
}

#[test]
fn after_a_long_time_without_a_look_the_stack_is_asked_for_still() {
    let mut session = Session::new();
    session.look(0, &asleep(5));
    assert_eq!(session.look(300, &asleep(5)), [1]);
    assert_eq!(session.look(600, &asleep(5)), []);
}

#[test]
fn what_has_ended_is_handed_over_once() {
    let mut session = Session::new();
    session.look(0, &asleep(5));
    session.look(30, &asleep(5));
    assert!(session.0.take_ended().is_empty(), "it goes on");
    session.look(40, &asleep(6));
    let ended = session.0.take_ended();
    assert_eq!((ended.len(), ended[0].ongoing), (1, false));
    assert!(session.0.take_ended().is_empty());
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

/// A thread that is on a processor all the time, looked at each 4 ms; what it polls by the number of the look.
fn computing(looks: u64, polls: impl Fn(u64) -> Polled) -> Session {
    let mut session = Session::new();
    for look in 0..looks {
        let at = 4 * look;
        session.look_at(at, &[(running(at), polls(look))]);
    }
    session
}

#[test]
fn one_that_computes_on_in_the_same_turn_is_told_but_for_the_most_that_it_may_have_done_else() {
    let session = computing(26, |_| in_turn(1, 7));
    assert_eq!(session.told(), [(1, MS(96), true)]);
    let mut session = computing(26, |_| in_turn(1, 7));
    // In these 400 ms it may have polled another task, and then the first once more.
    session.look_at(500, &[(running(500), in_turn(1, 7))]);
    let told = session.all();
    assert_eq!((told[0].held(), told[0].cause()), (MS(100), Cause::OnCpu));
}

#[test]
fn the_stack_of_one_that_computes_is_asked_for_early_and_once() {
    let mut session = Session::new();
    let asked = (0..10).flat_map(|look| {
        let at = 4 * look;
        let asked = session.look_at(at, &[(running(at), in_turn(1, 7))]);
        asked.into_iter().map(move |number| (at, number))
    });
    assert_eq!(asked.collect::<Vec<_>>(), [(16, 1)]);
}

#[test]
fn a_task_that_is_polled_again_and_again_is_in_another_turn_each_time() {
    let polled_often = computing(500, |look| in_turn(1, u32::try_from(look).unwrap_or(0)));
    assert_eq!(polled_often.told(), []);
    let twice = computing(8, |look| in_turn(1, u32::from(look >= 4)));
    assert_eq!(twice.told(), []);
}

#[test]
fn tasks_that_take_turns_within_a_turn_are_not_told() {
    let ping_pong = computing(500, |look| in_turn(1 + look % 2, 7));
    assert_eq!(ping_pong.told(), []);
}

#[test]
fn a_turn_of_another_worker_is_another_turn() {
    let moved = computing(8, |look| {
        let core = if look < 4 { 0x5000 } else { 0x6000 };
        let turn = Some(Turn { core, tick: 7 });
        Polled { task: 1, turn }
    });
    assert_eq!(moved.told(), []);
}

#[test]
fn one_that_computes_in_a_turn_that_cannot_be_told_is_not_told() {
    assert_eq!(computing(500, |_| task(1)).told(), []);
}

#[test]
fn the_time_without_a_processor_is_not_the_tasks_fault() {
    let starved = |on_cpu: fn(u64) -> u64| {
        let mut session = Session::new();
        for look in 0..=100 {
            let at = 4 * look;
            session.look_at(at, &[(running(on_cpu(at)), in_turn(1, 7))]);
        }
        session.told()
    };
    assert_eq!(starved(|_| 5), []);
    assert_eq!(starved(|at| at / 20), []);
    assert_eq!(starved(|at| at / 4), [(1, MS(100 - 1), true)]);
}

#[test]
fn one_that_sleeps_first_and_computes_then_is_told_for_each_by_itself() {
    let mut session = Session::new();
    for at in [0, 15, 30] {
        session.look_at(at, &[(asleep(5), in_turn(1, 7))]);
    }
    for at in [34, 38, 42, 46, 50, 54, 58, 62] {
        session.look_at(at, &[(running(at), in_turn(1, 7))]);
    }
    let told = session.all();
    let told: Vec<_> = told.iter().map(|poll| (poll.doing, poll.held())).collect();
    assert_eq!(told, [(Doing::Sleeps, MS(30)), (Doing::Computes, MS(24))]);
}

#[test]
fn of_a_local_set_or_of_nobody_knows_whom_no_computing_is_told() {
    let of_kind = |kind| Task {
        id: 1,
        address: 0x7000,
        kind,
        state: State::Running,
        future: "service::serve".to_owned(),
        detached: None,
        wakers: None,
        suspended_at: None,
        waits_for: None,
        stack: Vec::new(),
        never_polled: false,
        notes: Vec::new(),
    };
    let (task, local, closure) = (
        of_kind(Kind::Task),
        of_kind(Kind::Local),
        of_kind(Kind::Blocking),
    );
    let poll = &computing(26, |_| in_turn(1, 7)).all()[0];
    assert!(poll.is_of(Some(&task)) && !poll.is_of(None));
    assert!(!poll.is_of(Some(&local)) && !poll.is_of(Some(&closure)));

    let mut session = Session::new();
    session.look(0, &asleep(5));
    session.look(30, &asleep(5));
    let poll = &session.all()[0];
    assert!(poll.is_of(Some(&local)) && poll.is_of(None) && !poll.is_of(Some(&closure)));
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
    for at in [0, 15] {
        session.look(at, &asleep(5));
    }
    session.look_at(30, &[]);
    session.look(45, &asleep(5));
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
    let threads = [(asleep(5), task(1))];
    polls.note(&(MS(0)..MS(15)), &threads);
    polls.note(&(MS(30)..MS(45)), &threads);
    assert_eq!(
        polls.ongoing().count(),
        0,
        "from 15 to 30 it slept for certain"
    );
}

#[test]
fn what_may_have_been_another_tasks_during_a_look_is_not_counted_of_one_that_computes() {
    let mut polls = Polls::<()>::new(MS(20));
    for at in (0..=120).step_by(12) {
        let threads = [(running(at), in_turn(1, 7))];
        polls.note(&(MS(at)..MS(at + 10)), &threads);
    }
    let told: Vec<_> = polls.ongoing().map(LongPoll::held).collect();
    // Of the 110 from the end of the first look to the last: those between two looks.
    assert_eq!(told, [MS(98)]);
    let mut polls = Polls::<()>::new(MS(20));
    for at in (0..=28).step_by(4) {
        let threads = [(running(at), in_turn(1, 7))];
        polls.note(&(MS(at)..MS(at + 15)), &threads);
    }
    assert_eq!(polls.ongoing().count(), 0, "one look took 15 of the 28");
}

proptest! {
    /// Whatever is seen: no more than the time between the looks is told, and of one thread no moment twice.
    #[test]
    fn what_is_told_fits_between_the_looks(looks in prop::collection::vec((0..40_u64, 0..3_u64, prop::option::of(1..3_u64)), 0..60)) {
        let mut session = Session::new();
        let mut at = 0;
        for (later, switches, polled) in looks {
            at += later;
            let polling = polled.map(|polled| (asleep(switches), task(polled)));
            session.look_at(at, polling.as_slice());
        }
        let told = session.all();
        for poll in &told {
            prop_assert!(poll.held() >= MS(20) && poll.seen.end <= MS(at));
        }
        for pair in told.windows(2) {
            prop_assert!(pair[0].seen.end <= pair[1].seen.start);
        }
    }
}
