//! What is known of a task spawned through stallscope, and who records it: the hooks, its spawner, or itself.

use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use tokio::task::AbortHandle;

use crate::control::HANDLES;
use crate::ended::{self, EndedTask, Outcome};
use crate::process;
use crate::recorder::{LastLook, RECORDER, Spawned, TaskId};
use crate::runtimes::{self, RuntimeIndex};

/// What is known of a task before it has an id, and who records it.
///
/// Without hooks, the task is recorded by the thread that spawned it, or by its first poll if
/// another worker is faster; a task can even end before its spawner comes round to it. The state
/// decides, so that each task is recorded once and none is left behind as alive.
pub(crate) struct Ticket {
    state: AtomicU8,
    id: AtomicU64,
    name: Option<Arc<str>>,
    place: &'static Location<'static>,
    parent: Option<TaskId>,
    pub(super) runtime: RuntimeIndex,
    /// Its future is gone, so its handle has to go too.
    has_ended: AtomicBool,
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
    pub(super) fn new(name: Option<Arc<str>>, place: &'static Location<'static>) -> Self {
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
            has_ended: AtomicBool::new(false),
        }
    }

    /// Leaves the task to the hooks, which have taken its announcement.
    #[cfg(tokio_unstable)]
    fn hand_to_hooks(&self) {
        self.state.store(HOOKED, Ordering::Release);
    }

    pub(super) fn record(&self, id: TaskId) {
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
    pub(super) fn id_to_record_polls_of(&self) -> Option<TaskId> {
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

    /// Lets clients abort the task while it lives.
    pub(super) fn can_be_aborted(&self, handle: AbortHandle) {
        let id = TaskId::of(handle.id());
        HANDLES.spawned(handle);
        // It may have ended on another worker just before: then nobody else takes the handle away. If it ends after this look, its end
        // finds the handle, for both went through the same lock.
        if self.has_ended.load(Ordering::Acquire) {
            HANDLES.ended(id);
        }
    }

    /// The task's future is gone. To be told on the thread on which it went.
    pub(super) fn end(&self, outcome: Outcome) {
        // None, or the spawner's: it never became a task, for the spawn panicked.
        let id = tokio::task::try_id()
            .map(TaskId::of)
            .filter(|&id| Some(id) != self.parent);
        if let Some(id) = id {
            let last = RECORDER.last_look(id);
            ended::ENDED.push(EndedTask {
                id,
                name: self.name.clone(),
                place: self.place,
                outcome,
                last: LastLook {
                    parent: last.parent.or(self.parent),
                    ..last
                },
            });
            self.has_ended.store(true, Ordering::Release);
            if process::allows_control() {
                HANDLES.ended(id);
            }
        }
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
    pub(in crate::entry) fn make(ticket: Arc<Ticket>) -> impl Drop {
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
