//! Which tasks of a runtime are left when none should be? tokio's own counter says whether there are any, the recorder says which.
//!
//! A task that is about to end needs its runtime for it, so the asking future yields, again and again, and takes no time of `tokio::time`.
//! What it waits for is counted in rounds rather than in milliseconds, and it waits longer while a thread of the runtime has work: on a loaded machine
//! both take longer by themselves, and no task is called left behind that only got no processor.

use std::fmt::Write;
use std::panic::Location;
use std::time::Duration;

use stallscope_stack::kernel::{RunState, ThreadState};
use stallscope_stack::{ThreadHandle, Tid};
use tokio::runtime::{Handle, worker_index};

use super::scout;
use crate::answer::roll::{self, Present};
use crate::process;
use crate::recorder::{RECORDER, TaskId, ThreadRecord};
use crate::runtimes::{RUNTIMES, RuntimeIndex, SHARED};

/// Rounds, of a millisecond or more each, in which no task has ended: then those that are left are left behind.
const GRACE: u32 = 100;
/// As long as threads of the runtime have work, so many.
const LONGEST_GRACE: u32 = 3000;
/// Rounds in which nobody sleeps: most tasks end at once.
const EAGER: u32 = 20;
/// Yields per round: a runtime of one thread polls some sixty tasks in one.
const YIELDS: u32 = 8;
/// How long the answer may take that says which they are.
const PATIENCE: Duration = Duration::from_secs(10);
/// Tasks that are told one by one.
const MOST_TOLD: usize = 10;

/// Panics if any task of the current runtime is alive, other than the one that asks, and lists them: id, name, spawn place, parent and age.
///
/// For tests, and for the end of `main`, when all work is supposed to be done. Tasks that are about to end are given the time: a tenth of a second without
/// any of them ending, longer while the runtime is busy; the clock of `tokio::time` does not matter to it and is not moved.
/// `#[stallscope::test]` asks the same at the end of each test.
///
/// Which tasks they are is known as far as the [tier](crate#tiers) sees them; *that* there are any, tokio always tells. Not looked
/// at are closures of `spawn_blocking` and tasks of a `LocalSet`. With `STALLSCOPE=off` nothing is asserted.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let (close, mut is_closed) = tokio::sync::mpsc::channel::<()>(1);
/// stallscope::task("session").spawn(async move { is_closed.recv().await });
/// drop(close); // without this, the session would be left behind
/// stallscope::assert_no_leaked_tasks().await;
/// # }
/// ```
///
/// # Panics
/// If tasks are left, and outside of a runtime.
#[track_caller]
pub fn assert_no_leaked_tasks() -> impl Future<Output = ()> + Send {
    let place = Location::caller();
    async move {
        if process::start()
            && let Some(left) = left().await
        {
            panic!("{}", left.tell(&format!("at {place}"), "the root future"));
        }
    }
}

/// Tasks that have been left behind.
#[derive(Debug)]
pub(super) struct Left {
    /// As tokio counts.
    count: usize,
    /// Those that are recorded, the oldest first.
    known: Vec<Present>,
    /// Why not all are.
    unknown: &'static str,
}

/// The tasks that are left in the current runtime, but for the calling one.
pub(super) async fn left() -> Option<Left> {
    let (runtime, watched) = RUNTIMES.current()?;
    let caller = caller(watched.is_hooked());
    let alive = {
        let metrics = Handle::try_current().ok()?.metrics();
        let ours = usize::from(caller.is_some());
        move || (metrics.num_alive_tasks()).saturating_sub(ours + scout::on_their_way())
    };
    if all_end(runtime, &alive).await {
        return None;
    }
    let unknown = match (runtime, watched.is_hooked()) {
        (SHARED, _) => "there are too many runtimes in this process to know which",
        (_, true) => "the recorder has not seen them",
        (_, false) => {
            "spawned by `tokio::spawn`, which tells which they are only with `--cfg tokio_unstable`"
        }
    };
    let mut known = Vec::new();
    // Runtimes beyond those that have an index share one.
    if runtime != SHARED {
        known = roll::call(runtime, PATIENCE).unwrap_or_default();
        known.retain(|task| Some(TaskId(task.id)) != caller);
    }
    let count = alive().max(known.len());
    (count > 0).then_some(Left {
        count,
        known,
        unknown,
    })
}

/// The task that asks; none if it is none that tokio counts: a root future, a blocking closure, or a task of a `LocalSet`.
fn caller(is_hooked: bool) -> Option<TaskId> {
    let running = TaskId::of(tokio::task::try_id()?);
    let is_counted = if is_hooked {
        RECORDER.knows(running)
    } else {
        worker_index().is_some()
    };
    is_counted.then_some(running)
}

/// Whether all tasks end, given some time.
async fn all_end(runtime: RuntimeIndex, alive: &impl Fn() -> usize) -> bool {
    let mut fewest = alive();
    let (mut rounds, mut since_last_end) = (0, 0);
    while fewest > 0 {
        let is_over = since_last_end >= GRACE && !has_work(runtime);
        if is_over || rounds >= LONGEST_GRACE {
            return false;
        }
        for _ in 0..YIELDS {
            tokio::task::yield_now().await;
        }
        if rounds >= EAGER {
            std::thread::sleep(Duration::from_millis(1));
        }
        rounds += 1;
        since_last_end += 1;
        let now = alive();
        if now < fewest {
            (fewest, rounds, since_last_end) = (now, 0, 0);
        }
    }
    true
}

/// Whether a thread of the runtime runs or waits for a processor, besides the calling one.
fn has_work(runtime: RuntimeIndex) -> bool {
    let own = Tid::current();
    let is_of_it = |thread: &&ThreadRecord| {
        let is_worker = thread.worker().is_some_and(|(of, _)| of == runtime);
        is_worker || thread.pool() == Some(runtime)
    };
    let threads = RECORDER.threads().iter().filter(is_of_it);
    threads
        .filter_map(|thread| thread.handle().as_ref().map(ThreadHandle::tid))
        .any(|tid| Some(tid) != own && ThreadState::read(tid).run_state == RunState::Running)
}

impl Left {
    /// A headline that says `when`, and the tasks; `root` is what is called the parent of those that the root future has spawned.
    pub(super) fn tell(&self, when: &str, root: &str) -> String {
        let mut told = match self.count {
            1 => format!("a task is still alive {when}\n"),
            count => format!("{count} tasks are still alive {when}\n"),
        };
        for task in self.known.iter().take(MOST_TOLD) {
            let name = task.name.as_deref().map(|name| format!(" `{name}`"));
            let parent = match task.parent {
                Some(parent) if TaskId(parent).root_index().is_some() => format!(" by {root}"),
                Some(parent) => format!(" by task {parent}"),
                None => String::new(),
            };
            let _ = write!(
                told,
                "\ntask {}{}, spawned at {}{parent}, {} old",
                task.id,
                name.unwrap_or_default(),
                task.spawned_at,
                age(task.age)
            );
        }
        if let more @ 1.. = self.known.len().saturating_sub(MOST_TOLD) {
            let _ = write!(told, "\n{more} more, younger ones");
        }
        if let unknown @ 1.. = self.count.saturating_sub(self.known.len()) {
            let other = if self.known.is_empty() { "" } else { " other" };
            let _ = write!(told, "\n{unknown}{other}: {}", self.unknown);
        }
        told.push_str("\n\nwhat it means and what to do: docs/findings.md#task-leak-alive-at-exit");
        told
    }
}

fn age(age: Duration) -> String {
    match age.as_millis() {
        0..10_000 => format!("{} ms", age.as_millis()),
        _ => format!("{:.1} s", age.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(id: u64, parent: Option<u64>) -> Present {
        Present {
            id,
            name: None,
            spawned_at: "src/feed.rs:12:5".to_owned(),
            parent,
            age: Duration::from_millis(120),
        }
    }

    #[test]
    fn each_task_is_told_with_all_that_is_known() {
        let named = Present {
            name: Some("miller".to_owned()),
            age: Duration::from_secs(83),
            ..task(7, Some(0))
        };
        let left = Left {
            count: 2,
            known: vec![named, task(9, Some(7))],
            unknown: "",
        };
        assert_eq!(
            left.tell("at the end of the test", "the body of the test"),
            "2 tasks are still alive at the end of the test\n\
             \n\
             task 7 `miller`, spawned at src/feed.rs:12:5 by the body of the test, 83.0 s old\n\
             task 9, spawned at src/feed.rs:12:5 by task 7, 120 ms old\n\
             \n\
             what it means and what to do: docs/findings.md#task-leak-alive-at-exit"
        );
    }

    #[test]
    fn those_that_only_tokio_knows_are_counted() {
        let left = |count, known| Left {
            count,
            known,
            unknown: "nobody knows which",
        };
        let told = left(3, vec![task(7, None)]).tell("here", "");
        assert!(
            told.contains("120 ms old\n2 other: nobody knows which\n"),
            "{told}"
        );
        let told = left(1, Vec::new()).tell("here", "");
        assert!(
            told.starts_with("a task is still alive here\n\n1: nobody knows which\n"),
            "{told}"
        );
    }

    #[test]
    fn of_many_the_oldest_are_told() {
        let known: Vec<Present> = (0..412).map(|id| task(id, None)).collect();
        let left = Left {
            count: 412,
            known,
            unknown: "",
        };
        let told = left.tell("here", "");
        assert!(told.contains("\n402 more, younger ones\n"), "{told}");
        assert_eq!(told.matches("spawned at").count(), MOST_TOLD);
    }
}
