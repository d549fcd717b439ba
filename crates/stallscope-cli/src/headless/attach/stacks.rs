//! `stallscope stacks` with `--attach PID` or `--core FILE`: what every thread of a process does, with its stack, and which task it polls.

use std::io::Write;
use std::time::Duration;

use stallscope_attach::Options;
use stallscope_attach::tasks::{Kind, Task};
use stallscope_attach::threads::Running;
use stallscope_wire::message::Stacks;

use crate::attach::{self, Source, thread};
use crate::cli::StacksArgs;
use crate::failure::Failure;
use crate::headless::about::About;
use crate::headless::stacks;

pub(super) fn run(
    source: Source<'_>,
    args: &StacksArgs,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let running = if args.stop {
        Running::Stop
    } else {
        Running::Leave
    };
    let (about, tasks, mut threads) = attach::open_target(source, |target, process| {
        let tasks = process.tasks(&Options::default());
        let count = tasks.len() as u64;
        let about = match source {
            Source::Process(pid) => About::from_outside(pid, count, Duration::ZERO),
            Source::Core(..) => {
                let pid = target.pid().unwrap_or_default();
                About::from_core(attach::ended_process(pid, target.program()), count)
            }
        };
        Ok((about, tasks, process.stacks_with(running)))
    })?;
    for thread in &mut threads {
        let polled = tasks.iter().find(|task| Some(task.id) == thread.polls);
        if polled.is_some_and(is_worker) {
            thread.polls = None;
        }
    }
    let threads = threads.iter().map(thread::convert).collect();
    stacks::write(out, &about, &Stacks { threads }, args.json)
}

/// A worker of tokio's is itself a closure on the blocking pool, from its start to its end: it polls no task by that.
fn is_worker(task: &Task) -> bool {
    task.kind == Kind::Blocking
        && task
            .future
            .contains("BlockingTask<tokio::runtime::scheduler::")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attach::words::samples;

    #[test]
    fn a_worker_that_is_idle_polls_nothing() {
        let blocking = |closure: &str| Task {
            kind: Kind::Blocking,
            future: format!("tokio::runtime::blocking::task::BlockingTask<{closure}>"),
            ..samples::task(2)
        };
        let launch =
            "tokio::runtime::scheduler::multi_thread::worker::{impl#0}::launch::{closure_env#0}";
        assert!(is_worker(&blocking(launch)));
        assert!(!is_worker(&blocking("shop::resize::{closure_env#0}")));
    }
}
