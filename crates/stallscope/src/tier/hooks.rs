//! The hooks tier: every task of a runtime, told by tokio's own hooks (`--cfg tokio_unstable`).
//!
//! What the hooks leave out, and what is made of it:
//! - They do not fire for the future given to `block_on` (watched by [`crate::root`]) nor for a
//!   `LocalSet`: what its tasks spawn is shown as spawned by the root future that drives it.
//! - `spawn_blocking` tells only the end. A closure that spawns a task is then known by that; other
//!   ends match no record and are passed over.
//! - The end of a task is told before the end of its last poll.

use std::sync::Arc;

use tokio::runtime::{Builder, TaskMeta};

use crate::entry::hooks::Hooks;
use crate::entry::ticket::announcement;
use crate::recorder::{RECORDER, Spawned, TaskId};
use crate::runtimes::{RuntimeIndex, Watched, canary, on_pool_thread};

/// Sets the four task hooks of a builder: ours, with the application's own inside of them.
pub(crate) fn install(
    builder: &mut Builder,
    runtime: RuntimeIndex,
    watched: &Arc<Watched>,
    hooks: Hooks,
) {
    let theirs = hooks.task_spawn;
    let of_canary = watched.clone();
    builder.on_task_spawn(move |task| {
        if canary::is_caught_by(&of_canary) {
            return;
        }
        spawned(task, runtime);
        if let Some(theirs) = &theirs {
            theirs(task);
        }
    });
    // Without hooks of the application's own, the poll path has no branch to ask for them.
    let watched = watched.clone();
    match hooks.before_task_poll {
        None => builder.on_before_task_poll(move |task| poll_started(task, runtime, &watched)),
        Some(theirs) => builder.on_before_task_poll(move |task| {
            poll_started(task, runtime, &watched);
            theirs(task);
        }),
    };
    match hooks.after_task_poll {
        None => builder.on_after_task_poll(|task| {
            RECORDER.poll_ended(TaskId::of(task.id()));
        }),
        Some(theirs) => builder.on_after_task_poll(move |task| {
            theirs(task);
            RECORDER.poll_ended(TaskId::of(task.id()));
        }),
    };
    let theirs = hooks.task_terminate;
    builder.on_task_terminate(move |task| {
        if let Some(theirs) = &theirs {
            theirs(task);
        }
        RECORDER.task_ended(TaskId::of(task.id()));
    });
}

#[inline]
fn poll_started(task: &TaskMeta<'_>, runtime: RuntimeIndex, watched: &Watched) {
    if RECORDER
        .poll_started(TaskId::of(task.id()), runtime)
        .is_time_to_look()
    {
        watched.identify();
    }
}

fn spawned(task: &TaskMeta<'_>, runtime: RuntimeIndex) {
    RECORDER.task_spawned(Spawned {
        id: TaskId::of(task.id()),
        parent: parent(runtime),
        place: task.spawned_at(),
        runtime,
        name: announcement::take(),
    });
}

/// The task that is spawning on this thread.
fn parent(runtime: RuntimeIndex) -> Option<TaskId> {
    let Some(running) = tokio::task::try_id().map(TaskId::of) else {
        return RECORDER.current_root();
    };
    if RECORDER.knows(running) {
        return Some(running);
    }
    if let Some(root) = RECORDER.current_root() {
        return Some(root); // a task of a LocalSet that this root future drives
    }
    // A thread that polls nothing but runs a task, and is none of a runtime we do not watch: a
    // blocking closure.
    if !RECORDER.is_polling() && on_pool_thread() {
        RECORDER.blocking_task_seen(running, runtime);
    }
    Some(running)
}
