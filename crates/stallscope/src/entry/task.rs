//! Tasks spawned through stallscope: seen on every tier, and they can have a name.

use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::task::JoinHandle;

use super::root::PollGuard;
use crate::process;
use crate::recorder::{RECORDER, Spawned, TaskId};
use crate::runtimes::{self, RuntimeIndex};

/// Spawns a task that is seen on every tier, also on plain stable tokio. Otherwise as
/// [`tokio::spawn`].
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
    let watched = Watched {
        future,
        held: Held(ticket.clone()),
    };
    let handle = {
        let _announced = announcement::make(ticket.clone());
        tokio::spawn(watched)
    };
    ticket.record(TaskId::of(handle.id()));
    handle
}

pin_project! {
    /// The task's future. On the hooks tier it only passes polls on.
    struct Watched<F> {
        #[pin]
        future: F,
        // After `future`: the destructors of the future's own values are still part of the task.
        held: Held,
    }
}

impl<F: Future> Future for Watched<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let ticket = &this.held.0;
        let _poll = ticket
            .id_to_record_polls_of()
            .map(|id| PollGuard::begin(id, ticket.runtime));
        this.future.poll(context)
    }
}

/// Ends the task's record together with its future.
struct Held(Arc<Ticket>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// What is known of a task before it has an id, and who records it.
///
/// Without hooks, the task is recorded by the thread that spawned it, or by its first poll if
/// another worker is faster; a task can even end before its spawner comes round to it. The state
/// decides, so that each task is recorded once and none is left behind as alive.
struct Ticket {
    state: AtomicU8,
    id: AtomicU64,
    name: Option<Arc<str>>,
    place: &'static Location<'static>,
    parent: Option<TaskId>,
    runtime: RuntimeIndex,
}

/// Nobody has recorded the task.
const NEW: u8 = 0;
/// The hooks record it and its polls.
const HOOKED: u8 = 1;
/// Somebody is recording it.
const RECORDING: u8 = 2;
/// It is recorded; its polls are recorded by [`Watched`].
const RECORDED: u8 = 3;
/// Its future is gone.
const ENDED: u8 = 4;

impl Ticket {
    fn new(name: Option<Arc<str>>, place: &'static Location<'static>) -> Self {
        let running = tokio::task::try_id()
            .map(TaskId::of)
            .filter(|&task| RECORDER.knows(task));
        Ticket {
            state: AtomicU8::new(NEW),
            id: AtomicU64::new(0),
            name,
            place,
            parent: running.or_else(|| RECORDER.current_root()),
            runtime: runtimes::current_index(),
        }
    }

    /// Leaves the task to the hooks, which have taken its announcement.
    #[cfg(tokio_unstable)]
    fn hand_to_hooks(&self) {
        self.state.store(HOOKED, Ordering::Release);
    }

    fn record(&self, id: TaskId) {
        if !self.goes_from(NEW, RECORDING) {
            return;
        }
        self.id.store(id.0, Ordering::Relaxed);
        RECORDER.task_spawned(Spawned {
            id,
            parent: self.parent,
            place: self.place,
            runtime: self.runtime,
            name: self.name.clone(),
        });
        if !self.goes_from(RECORDING, RECORDED) {
            RECORDER.task_ended(id); // it ended meanwhile, on another worker
        }
    }

    /// The id under which this poll is to be recorded; none if others do that.
    fn id_to_record_polls_of(&self) -> Option<TaskId> {
        match self.state.load(Ordering::Acquire) {
            NEW => {
                let id = TaskId::of(tokio::task::try_id()?);
                self.record(id);
                Some(id)
            }
            // Its spawner, on another worker, is about to have recorded it.
            RECORDING => tokio::task::try_id().map(TaskId::of),
            RECORDED => Some(TaskId(self.id.load(Ordering::Relaxed))),
            _ => None,
        }
    }

    fn end(&self) {
        if self.state.load(Ordering::Acquire) != HOOKED
            && self.state.swap(ENDED, Ordering::AcqRel) == RECORDED
        {
            RECORDER.task_ended(TaskId(self.id.load(Ordering::Relaxed)));
        }
    }

    fn goes_from(&self, from: u8, to: u8) -> bool {
        self.state
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

/// Tells the spawn hook, which runs within `tokio::spawn` on the same thread, what it cannot know.
pub(crate) mod announcement {
    use std::cell::RefCell;
    use std::sync::Arc;

    use super::Ticket;

    thread_local! {
        static TICKET: RefCell<Option<Arc<Ticket>>> = const { RefCell::new(None) };
    }

    /// Announces the next task this thread spawns; taken back when dropped.
    pub(super) fn make(ticket: Arc<Ticket>) -> impl Drop {
        replace(Some(ticket));
        Made
    }

    /// The announced name of the task being spawned. From here on, the hooks record the task.
    #[cfg(tokio_unstable)]
    pub(crate) fn take() -> Option<Arc<str>> {
        let ticket = replace(None)?;
        ticket.hand_to_hooks();
        ticket.name.clone()
    }

    struct Made;

    impl Drop for Made {
        fn drop(&mut self) {
            drop(replace(None));
        }
    }

    fn replace(ticket: Option<Arc<Ticket>>) -> Option<Arc<Ticket>> {
        TICKET
            .try_with(|place| {
                place
                    .try_borrow_mut()
                    .ok()
                    .and_then(|mut place| std::mem::replace(&mut *place, ticket))
            })
            .ok()?
    }
}
