//! Looks that were made up: what holds is told once it has held long enough, what changed in between never.

use super::*;

const MS: fn(u64) -> Duration = Duration::from_millis;

fn task(id: u64, state: State) -> Task {
    Task {
        id,
        address: id * 0x100,
        kind: Kind::Task,
        state,
        future: "service::serve".to_owned(),
        detached: Some(true),
        wakers: Some(1),
        suspended_at: None,
        waits_for: None,
        stack: Vec::new(),
        never_polled: false,
        notes: Vec::new(),
    }
}

/// A look at these tasks, after so many milliseconds.
type Look<'t> = (u64, &'t [Task]);

/// What the last look tells.
fn found(looks: &[Look<'_>]) -> Vec<(Rule, u64, Duration)> {
    let mut watch = Watch::new(Limits::default());
    let mut told = Vec::new();
    for (at, tasks) in looks {
        told = watch.note(MS(*at), tasks);
    }
    told.iter()
        .map(|finding| (finding.rule, finding.task.id, finding.held))
        .collect()
}

#[test]
fn a_detached_task_without_a_waker_is_told_from_the_second_look_on() {
    let lost = [Task {
        wakers: Some(0),
        ..task(1, State::Idle)
    }];
    let looks = [0, 10, 20].map(|at| (at, &lost[..]));
    assert_eq!(found(&looks[..1]), [], "one moment proves nothing");
    assert_eq!(found(&looks[..2]), [(Rule::Unwakeable, 1, MS(10))]);
    assert_eq!(found(&looks), [(Rule::Unwakeable, 1, MS(20))]);
}

#[test]
fn what_is_told_for_the_first_time_says_so() {
    let lost = |id| Task {
        wakers: Some(0),
        ..task(id, State::Idle)
    };
    let mut watch = Watch::new(Limits::default());
    let mut fresh = |at, tasks: &[Task]| {
        let told = watch.note(MS(at), tasks);
        let new = told.iter().filter(|finding| finding.is_new);
        new.map(|finding| finding.task.id).collect::<Vec<_>>()
    };
    assert_eq!(fresh(0, &[lost(1)]), []);
    assert_eq!(fresh(10, &[lost(1), lost(2)]), [1]);
    assert_eq!(fresh(20, &[lost(1), lost(2)]), [2]);
    assert_eq!(fresh(30, &[lost(1), lost(2)]), []);
}

#[test]
fn what_can_be_woken_is_left_alone() {
    let joined = Task {
        detached: Some(false),
        wakers: Some(0),
        ..task(1, State::Idle)
    };
    let unknown = Task {
        wakers: None,
        ..task(2, State::Idle)
    };
    let woken = Task {
        wakers: Some(0),
        ..task(3, State::Scheduled)
    };
    let tasks = [joined, unknown, woken, task(4, State::Idle)];
    assert_eq!(found(&[(0, &tasks), (5000, &tasks)]), []);
}

#[test]
fn another_task_with_the_same_number_is_another_task() {
    let lost = Task {
        wakers: Some(0),
        ..task(1, State::Idle)
    };
    let other = Task {
        address: 0x9000,
        ..lost.clone()
    };
    assert_eq!(found(&[(0, &[lost]), (10, &[other])]), []);
}

#[test]
fn a_task_that_waits_two_seconds_for_its_first_poll_is_told() {
    let fresh = [Task {
        never_polled: true,
        ..task(1, State::Scheduled)
    }];
    let looks = [0, 1999, 2000].map(|at| (at, &fresh[..]));
    assert_eq!(found(&looks[..2]), []);
    assert_eq!(found(&looks), [(Rule::NeverPolled, 1, MS(2000))]);
    let polled = [task(1, State::Idle)];
    let [first, _, last] = looks;
    assert_eq!(found(&[first, (1000, &polled), last]), []);
}

#[test]
fn what_does_not_hold_any_more_is_not_told() {
    let fresh = [Task {
        never_polled: true,
        ..task(1, State::Scheduled)
    }];
    let polled = [task(1, State::Idle)];
    assert_eq!(found(&[(0, &fresh), (3000, &fresh), (4000, &polled)]), []);
}
