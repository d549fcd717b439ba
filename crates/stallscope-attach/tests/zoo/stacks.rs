//! The stack of a thread that blocks in a task leads to the line that blocks, and names the task.

use std::thread::sleep;
use std::time::{Duration, Instant};

use stallscope_attach::threads::{ThreadStack, Unseen};
use stallscope_attach::{Options, Process, Target};
use stallscope_stack::Origin;

use crate::marks::line_of;
use crate::program::{Zoo, programs};

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn the_worker_that_sleeps_in_a_poll_is_at_that_line_and_the_one_that_computes_says_that_it_runs() {
    for program in programs() {
        let zoo = Zoo::start(program, &["--busy"]);
        let target = Target::live(zoo.pid()).unwrap_or_else(|error| panic!("{error}"));
        let process = Process::of(&target).unwrap_or_else(|error| panic!("{error}"));
        let number = |function: &str| {
            let tasks = process.tasks(&Options::default());
            let task = tasks
                .into_iter()
                .find(|task| task.future.starts_with(function));
            task.unwrap_or_else(|| panic!("{function} is not listed"))
                .id
        };
        let blocked = number("zoo::lives::blocked::");
        let seen = see(&process, blocked, |seen| seen.stack.is_ok());
        let stack = seen.stack.expect("seen");
        let own = stack.frames.iter().find(|frame| frame.is_app());
        let own = own.unwrap_or_else(|| panic!("{:#?}", stack.frames));
        assert!(
            own.file
                .as_deref()
                .is_some_and(|file| file.ends_with("src/lives.rs")),
            "{own}"
        );
        assert_eq!(own.line, Some(line_of("lives", "blocked")), "{own}");
        let tokio = |origin: &Origin| *origin == Origin::Tokio;
        assert!(
            stack.frames.iter().any(|frame| tokio(&frame.origin)),
            "who polls it"
        );
        let computing = number("zoo::lives::computing::");
        let runs = |seen: &ThreadStack| {
            seen.stack
                .as_ref()
                .is_err_and(|why| *why == Unseen::Running)
        };
        see(&process, computing, runs);
    }
}

/// What is seen of the thread that polls a task, once it is as wanted.
fn see(process: &Process<'_>, task: u64, wanted: impl Fn(&ThreadStack) -> bool) -> ThreadStack {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut seen = process.stacks();
        let of_task = seen.iter().position(|seen| seen.polls == Some(task));
        match of_task.map(|index| seen.swap_remove(index)) {
            Some(seen) if wanted(&seen) => return seen,
            other => assert!(Instant::now() < deadline, "{other:?} of {seen:?}"),
        }
        sleep(Duration::from_millis(20));
    }
}
