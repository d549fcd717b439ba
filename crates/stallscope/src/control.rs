//! Which tasks can be aborted from outside? Those spawned through stallscope and those the application has registered, and only with
//! `STALLSCOPE_CONTROL=on`: otherwise no handle is kept.
//!
//! A handle pins its task's memory, so that of a spawned task goes with the task's future, and that of a registered one soon after its end.
//!
//! The agent aborts by [`AbortHandle::abort`], on its own thread. That drops no future: it marks the task and hands it to its runtime, where
//! the future is dropped by whoever would have polled it. Nor does letting go of a handle, though it be the last: `AbortHandle` is
//! `Send` also for tasks of a `LocalSet` whose futures are not, so tokio must never drop a future, or what one returned, there. What
//! may be freed on our thread is the task's memory and its share of the runtime's handle.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;

use crate::by_id::ById;
use crate::recorder::TaskId;

/// The handles of this process.
pub(crate) static HANDLES: Handles = Handles::new();

pub(crate) struct Handles {
    /// Of live tasks spawned through stallscope.
    spawned: ById<AbortHandle>,
    /// None until it is needed: a map cannot be made in a constant.
    registered: Mutex<Option<HashMap<TaskId, AbortHandle>>>,
    refused: AtomicU64,
}

/// Registered tasks that are kept. A task that registers a thousand more of itself must not cost the application its memory.
pub(crate) const MOST_REGISTERED: usize = 4096;

impl Handles {
    pub(crate) const fn new() -> Self {
        Handles {
            spawned: ById::new(),
            registered: Mutex::new(None),
            refused: AtomicU64::new(0),
        }
    }

    /// Keeps the handle of a task that was spawned through stallscope, until [`Handles::ended`].
    pub(crate) fn spawned(&self, handle: AbortHandle) {
        self.spawned.insert(TaskId::of(handle.id()), handle);
    }

    /// The future of a task spawned through stallscope is gone.
    pub(crate) fn ended(&self, id: TaskId) {
        self.spawned.remove(id);
    }

    /// Keeps the handle of a task that the application has registered, if there is room.
    pub(crate) fn register(&self, handle: AbortHandle) {
        let mut registered = self.registered();
        let map = registered.get_or_insert_default();
        if map.len() < MOST_REGISTERED {
            let before = map.insert(TaskId::of(handle.id()), handle);
            drop(registered);
            drop(before); // outside of the lock
        } else {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The handle of a task that lives.
    pub(crate) fn of(&self, id: TaskId) -> Option<AbortHandle> {
        self.spawned
            .get(id)
            .or_else(|| self.registered().as_ref()?.get(&id).cloned())
            .filter(|handle| !handle.is_finished())
    }

    /// Lets go of registered tasks that have ended.
    pub(crate) fn tidy(&self) {
        let ended: Vec<_> = match self.registered().as_mut() {
            Some(map) => map.extract_if(|_, handle| handle.is_finished()).collect(),
            None => Vec::new(),
        };
        drop(ended); // outside of the lock
    }

    /// How many registrations found no room.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    fn registered(&self) -> MutexGuard<'_, Option<HashMap<TaskId, AbortHandle>>> {
        self.registered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    fn in_runtime(body: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime")
            .block_on(body);
    }

    #[test]
    fn a_registered_task_is_let_go_after_its_end() {
        in_runtime(async {
            let handles = Handles::new();
            let task = tokio::spawn(pending::<()>());
            let id = TaskId::of(task.id());
            handles.register(task.abort_handle());
            handles.tidy();
            handles.of(id).expect("it lives").abort();
            assert!(task.await.expect_err("it never ends").is_cancelled());
            assert!(handles.of(id).is_none(), "what has ended cannot be aborted");
            handles.tidy();
            assert!(handles.registered().as_ref().is_none_or(HashMap::is_empty));
        });
    }

    #[test]
    fn there_is_room_for_so_many_and_again_when_they_have_ended() {
        in_runtime(async {
            let handles = Handles::new();
            let tasks: Vec<_> = (0..MOST_REGISTERED)
                .map(|_| tokio::spawn(pending::<()>()))
                .collect();
            for task in &tasks {
                handles.register(task.abort_handle());
            }
            let one_more = tokio::spawn(pending::<()>());
            handles.register(one_more.abort_handle());
            assert!(handles.of(TaskId::of(one_more.id())).is_none());
            assert_eq!(handles.refused(), 1);

            tasks[0].abort();
            tokio::task::yield_now().await;
            handles.tidy();
            handles.register(one_more.abort_handle());
            assert!(handles.of(TaskId::of(one_more.id())).is_some());
        });
    }

    #[test]
    fn the_handle_of_a_spawned_task_goes_with_its_future() {
        in_runtime(async {
            let handles = Handles::new();
            let task = tokio::spawn(pending::<()>());
            let id = TaskId::of(task.id());
            handles.spawned(task.abort_handle());
            assert!(handles.of(id).is_some());
            handles.ended(id);
            assert!(handles.of(id).is_none());
        });
    }
}
