//! What does not wait is told as it is, and does not disturb what is told of the rest.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use stallscope_attach::tasks::{State, Task};

use crate::marks::line_of;
use crate::program::{Zoo, programs};

/// How often a program under load is looked at.
const LOOKS: usize = 10;

fn of<'t>(tasks: &'t [Task], function: &str) -> Option<&'t Task> {
    tasks
        .iter()
        .find(|task| task.future.starts_with(&format!("zoo::{function}::")))
}

#[test]
fn a_task_that_computes_or_blocks_is_running_and_has_no_stack() {
    let zoo = Zoo::start(&programs()[0], &["--busy"]);
    zoo.patiently(|tasks| {
        for function in ["lives::computing", "lives::blocked"] {
            let task = of(tasks, function).ok_or_else(|| format!("{function} is not listed"))?;
            let is_running = task.state == State::Running && task.stack.is_empty();
            if !is_running || task.detached != Some(true) {
                return Err(format!("{task:#?}"));
            }
        }
        Ok(())
    });
}

#[test]
fn tasks_that_come_and_go_are_told_right_and_those_that_wait_as_ever() {
    let zoo = Zoo::start(&programs()[0], &["--load"]);
    let (short, sleeping) = (line_of("load", "short"), line_of("time", "sleeping"));
    let mut suspended = 0;
    zoo.watch(|tasks| {
        for _ in 0..LOOKS {
            let tasks = tasks();
            let told = of(&tasks, "time::sleeping").map(own_lines);
            assert_eq!(told, Some(vec![sleeping]));
            for task in tasks
                .iter()
                .filter(|task| task.future.starts_with("zoo::load::short::"))
            {
                let lines = own_lines(task);
                assert!(lines.iter().all(|line| *line == short), "{task:#?}");
                suspended += lines.len();
            }
        }
    });
    assert!(
        suspended > 0,
        "not one of the short tasks was seen in {LOOKS} looks"
    );
}

#[test]
fn a_task_that_is_gone_is_never_listed() {
    /// So many live at a time, says `load.rs`.
    const LIVE: usize = 100;
    /// A look takes a while, and a task may begin where another that it has listed was. The allocator keeps few such places.
    const MORE: usize = 20;
    /// A task is polled in turn: it does not live on while so many others begin.
    const LIFE: u64 = 20 * LIVE as u64;
    const PATIENCE: Duration = Duration::from_secs(60);
    for program in programs() {
        let zoo = Zoo::start(program, &["--load"]);
        zoo.watch(|tasks| {
            let deadline = Instant::now() + PATIENCE;
            let (mut newest, mut generations) = (0, 0);
            while generations < LOOKS {
                assert!(Instant::now() < deadline, "{newest} is the newest task");
                let tasks = tasks();
                let short = tasks
                    .iter()
                    .filter(|task| task.future.starts_with("zoo::load::short::"));
                let ids: BTreeSet<_> = short.map(|task| task.id).collect();
                let (Some(first), Some(last)) = (ids.first(), ids.last()) else {
                    continue;
                };
                assert!(ids.len() <= LIVE + MORE, "{} live: {ids:?}", ids.len());
                assert!(first + LIFE > newest, "{first} was gone before {newest}");
                // All of them have begun since the last look.
                generations += usize::from(*first > newest);
                newest = *last;
            }
        });
    }
}

/// The lines of the zoo's own frames.
fn own_lines(task: &Task) -> Vec<u32> {
    let own = task.stack.iter().filter(|frame| frame.in_app);
    own.filter_map(|frame| Some(frame.place.as_ref()?.line))
        .collect()
}
