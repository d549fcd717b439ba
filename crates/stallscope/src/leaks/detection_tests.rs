//! How long does each rule take? With a clock of the test's own, a look four times a second as the agent looks, and the default thresholds.

use std::time::Duration;

use super::*;
use crate::answer::source::fake::Fake;
use crate::config::Config;

const S: u64 = 1_000_000_000;
const SITE: u32 = 7;

/// Tasks as they are at some moment, in quarters of a second since the start: born, and last polled if ever.
struct Born {
    at: u64,
    parent: u64,
    polled: Option<u64>,
}

/// The moment, in quarters of a second, at which a rule tells of the place first.
fn told(rule: Rule, until: u64, tasks: impl Fn(u64) -> Vec<Born>) -> Option<u64> {
    told_beside(Workers::Parked, rule, until, tasks)
}

fn told_beside(
    workers: Workers,
    rule: Rule,
    until: u64,
    tasks: impl Fn(u64) -> Vec<Born>,
) -> Option<u64> {
    let mut leaks = Leaks::new(Thresholds::of(&Config::default()));
    (1..=until).find(|&moment| {
        let now = Duration::from_millis(moment * 250);
        let tasks = tasks(moment);
        let mut source = Fake::default();
        source.add(0, None, 0);
        for (id, task) in (1..).zip(&tasks) {
            let row = source.add(id, Some(task.parent), SITE);
            row.age = (moment - task.at) * S / 4;
            row.idle = (moment - task.polled.unwrap_or(task.at)) * S / 4;
            row.polls = u64::from(task.polled.is_some());
        }
        let sample = Sample {
            spawned: tasks.len() as u64,
            ended: 0,
        };
        let signs = leaks.look(now, || vec![(SITE, sample)], &source, || now, |_| workers);
        signs.iter().any(|sign| sign.rule == rule)
    })
}

fn seconds(quarters: u64) -> u64 {
    quarters * 4
}

#[test]
fn growth_is_told_a_second_after_its_window_is_full() {
    // Five more each second, of a parent that lives.
    let tasks = |now: u64| {
        let born = |number: u64| number * 4 / 5;
        let live = (0..).take_while(|&number| born(number) < now);
        live.map(|number| Born {
            at: born(number),
            parent: 0,
            polled: Some(born(number)),
        })
        .collect()
    };
    let window = 600;
    let at = told(Rule::Growth, seconds(window + 5), tasks).expect("growth");
    assert!(
        (seconds(window)..=seconds(window + 1)).contains(&at),
        "{} s",
        at / 4
    );
}

#[test]
fn orphans_are_told_at_the_look_after_enough_of_them_have_passed_the_grace_time() {
    // Each minute a request leaves a task behind.
    let tasks = |now: u64| {
        let request = |number: u64| Born {
            at: number * seconds(60),
            parent: 1_000_000 + number,
            polled: Some(number * seconds(60)),
        };
        (0..=(now - 1) / seconds(60)).map(request).collect()
    };
    // They have to be an eighth of the grace time apart: the third is born after two minutes.
    let (grace, third) = (600, 120);
    let at = told(Rule::Orphan, seconds(grace + third + 5), tasks).expect("orphans");
    let soonest = seconds(grace + third);
    assert!(
        (soonest..=soonest + seconds(1)).contains(&at),
        "{} s",
        at / 4
    );
}

#[test]
fn a_task_that_is_never_polled_is_told_within_two_seconds_or_six_if_nobody_drives_its_runtime() {
    let born = seconds(10);
    let tasks = |now: u64| {
        let never = (now >= born).then_some(Born {
            at: born,
            parent: 0,
            polled: None,
        });
        never.into_iter().collect()
    };
    let told = |workers| told_beside(workers, Rule::NeverPolled, seconds(20), tasks);
    let at = told(Workers::Parked).expect("never polled");
    assert!(
        (born + seconds(1)..=born + seconds(2)).contains(&at),
        "{at}"
    );
    let at = told(Workers::None).expect("never polled");
    assert!(
        (born + seconds(5)..=born + seconds(6)).contains(&at),
        "{at}"
    );
    assert_eq!(told(Workers::Busy), None);
}
