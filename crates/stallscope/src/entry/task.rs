//! Tasks spawned through stallscope: seen on every tier, with how they end, and they can have a name.

use std::panic::Location;
use std::sync::Arc;

use tokio::task::JoinHandle;

use super::outcome::Watched;
use super::ticket::{Ticket, announcement};
use crate::process;
use crate::recorder::TaskId;

/// Spawns a task that is seen on every tier, also on plain stable tokio. Otherwise as
/// [`tokio::spawn`].
///
/// How it ended is known for a while: `stallscope ps --ended` lists the latest tasks that finished, panicked or were aborted. With
/// [`Config::control`](crate::Config::control), `stallscope cancel` can abort it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let handle = stallscope::spawn(async { 6 * 7 });
/// assert_eq!(handle.await.unwrap(), 42);
/// # }
/// ```
///
/// # Panics
/// Outside of a runtime, as `tokio::spawn` does.
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    spawn_as(None, future)
}

/// A task with a name: [`task("name").spawn(future)`](TaskBuilder::spawn).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let handle = stallscope::task("accept loop").spawn(async { /* … */ });
/// let handle = stallscope::task(format!("session {}", 7)).spawn(async { /* … */ });
/// # handle.await.unwrap();
/// # }
/// ```
pub fn task(name: impl Into<Arc<str>>) -> TaskBuilder {
    TaskBuilder { name: name.into() }
}

/// A task that is about to be spawned; made by [`task`].
#[derive(Clone, Debug)]
#[must_use = "a task is spawned by `spawn`"]
pub struct TaskBuilder {
    name: Arc<str>,
}

impl TaskBuilder {
    /// Spawns the task, as [`spawn`] does.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// stallscope::task("sweeper").spawn(async {}).await.unwrap();
    /// # }
    /// ```
    ///
    /// # Panics
    /// Outside of a runtime, as `tokio::spawn` does.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        spawn_as(Some(self.name), future)
    }
}

#[track_caller]
fn spawn_as<F>(name: Option<Arc<str>>, future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    if !process::start() {
        return tokio::spawn(future);
    }
    let ticket = Arc::new(Ticket::new(name, Location::caller()));
    let watched = Watched::new(future, ticket.clone());
    let handle = {
        let _announced = announcement::make(ticket.clone());
        tokio::spawn(watched)
    };
    let id = TaskId::of(handle.id());
    ticket.record(id);
    ticket.can_be_reached(id, process::allows_control().then(|| handle.abort_handle()));
    handle
}
