//! The stack of a thread that blocks in a task leads to the line that blocks, and names the task.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use stallscope_attach::threads::{Stack, ThreadStack, Unseen};
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
        let blocked = number(&process, "zoo::lives::blocked::");
        let seen = see(&process, blocked, |seen| seen.stack.is_ok());
        let stack = seen.stack.expect("seen");
        assert_at_the_mark(&stack, "blocked");
        let tokio = |origin: &Origin| *origin == Origin::Tokio;
        assert!(
            stack.frames.iter().any(|frame| tokio(&frame.origin)),
            "who polls it"
        );
        let computing = number(&process, "zoo::lives::computing::");
        let runs = |seen: &ThreadStack| {
            seen.stack
                .as_ref()
                .is_err_and(|why| *why == Unseen::Running)
        };
        see(&process, computing, runs);
    }
}

#[test]
fn frames_are_named_from_what_runs_when_its_file_was_replaced_or_is_gone() {
    let [running, other] = programs() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let installed = folder.path().join("zoo");
    for replacement in [Some(other), None] {
        install(running, &installed);
        let zoo = Zoo::start(&installed, &["--busy"]);
        fs::remove_file(&installed).expect("it is ours");
        if let Some(other) = replacement {
            install(other, &installed);
        }
        let target = Target::live(zoo.pid()).unwrap_or_else(|error| panic!("{error}"));
        let process = Process::of(&target).unwrap_or_else(|error| panic!("{error}"));
        let blocked = number(&process, "zoo::lives::blocked::");
        let seen = see(&process, blocked, |seen| seen.stack.is_ok());
        assert_at_the_mark(&seen.stack.expect("seen"), "blocked");
        drop(zoo);
        let _ = fs::remove_file(&installed);
    }
}

/// Copies a program. Not by ourselves: a child that another test starts meanwhile would have the copy open for writing, and what is
/// open so cannot be started.
fn install(program: &Path, to: &Path) {
    let copied = Command::new("cp").arg(program).arg(to).status();
    assert!(copied.expect("cp can be started").success());
}

/// The number of the only task whose future's type begins so.
fn number(process: &Process<'_>, future: &str) -> u64 {
    let mut tasks = process.tasks(&Options::default()).into_iter();
    let task = tasks.find(|task| task.future.starts_with(future));
    task.unwrap_or_else(|| panic!("{future} is not listed")).id
}

/// The innermost frame of the user's own is at that mark.
fn assert_at_the_mark(stack: &Stack, mark: &str) {
    let own = stack.frames.iter().find(|frame| frame.is_app());
    let own = own.unwrap_or_else(|| panic!("{:#?}", stack.frames));
    let file = own.file.as_deref().unwrap_or_default();
    assert!(file.ends_with("src/lives.rs"), "{own}");
    assert_eq!(own.line, Some(line_of("lives", mark)), "{own}");
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
