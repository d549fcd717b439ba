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

fn look(at: Duration, tasks: &[Task]) -> Look {
    Look {
        at,
        tasks: tasks.to_vec(),
    }
}

fn found(looks: &[Look]) -> Vec<(Rule, u64, Duration)> {
    let mut watch = Watch::new(Limits::default());
    for look in looks {
        watch.note(look);
    }
    let findings = watch.findings().iter();
    findings
        .map(|finding| (finding.rule, finding.task.id, finding.held))
        .collect()
}

#[test]
fn a_detached_task_without_a_waker_is_told_at_the_second_look_and_once() {
    let lost = Task {
        wakers: Some(0),
        ..task(1, State::Idle)
    };
    let looks = [0, 10, 20].map(|at| look(MS(at), std::slice::from_ref(&lost)));
    assert_eq!(found(&looks[..1]), [], "one moment proves nothing");
    assert_eq!(found(&looks), [(Rule::Unwakeable, 1, MS(20))]);
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
    assert_eq!(found(&[look(MS(0), &tasks), look(MS(5000), &tasks)]), []);
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
    assert_eq!(found(&[look(MS(0), &[lost]), look(MS(10), &[other])]), []);
}

#[test]
fn a_task_that_waits_two_seconds_for_its_first_poll_is_told() {
    let fresh = Task {
        never_polled: true,
        ..task(1, State::Scheduled)
    };
    let looks = [0, 1999, 2000].map(|at| look(MS(at), std::slice::from_ref(&fresh)));
    assert_eq!(found(&looks[..2]), []);
    assert_eq!(found(&looks), [(Rule::NeverPolled, 1, MS(2000))]);
    let polled = look(MS(1000), &[task(1, State::Idle)]);
    let [first, _, last] = looks;
    assert_eq!(found(&[first, polled, last]), []);
}

#[test]
fn what_has_ended_meanwhile_stays_told_and_does_not_go_on() {
    let fresh = Task {
        never_polled: true,
        ..task(1, State::Scheduled)
    };
    let mut watch = Watch::new(Limits::default());
    for at in [0, 3000] {
        watch.note(&look(MS(at), std::slice::from_ref(&fresh)));
    }
    assert!(watch.findings()[0].ongoing);
    watch.note(&look(MS(4000), &[task(1, State::Idle)]));
    assert!(!watch.findings()[0].ongoing);
    assert_eq!(watch.findings()[0].held, MS(3000));
}
