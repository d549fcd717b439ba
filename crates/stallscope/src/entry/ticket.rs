//! What is known of a task spawned through stallscope, and who records it: the hooks, its spawner, or itself.

use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicU64, Ordering};

use tokio::task::AbortHandle;

use super::async_stack::Wake;
use crate::control::HANDLES;
use crate::ended::{self, EndedTask, Outcome};
use crate::process;
use crate::recorder::{LastLook, RECORDER, Spawned, TaskId};
use crate::runtimes::{self, RuntimeIndex};

/// What is known of a task before it has an id, and who records it.
///
/// Without hooks, the task is recorded by the thread that spawned it, or by its first poll if
/// another worker is faster; a task can even end before its spawner comes round to it. The state
/// decides, so that each task is recorded once and none is left behind as alive. Polls that end while
/// its spawner, preempted perhaps, is still recording it are counted by whoever is last to know.
pub(crate) struct Ticket {
    state: AtomicU8,
    /// Polls that found no record to be counted in.
    uncounted: AtomicU16,
    id: AtomicU64,
    name: Option<Arc<str>>,
    place: &'static Location<'static>,
    parent: Option<TaskId>,
    runtime: RuntimeIndex,
    /// What wakes it, where it can be asked what it waits for.
    wake: Wake,
    /// Its future is gone, so what others keep of it has to go too.
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
            uncounted: AtomicU16::new(0),
            id: AtomicU64::new(0),
            name,
            place,
            parent: running.or_else(|| RECORDER.current_root()),
            runtime: runtimes::current_index(),
            wake: Wake::new(),
            has_ended: AtomicBool::new(false),
        }
    }

    /// Leaves the task to the hooks, which have taken its announcement.
    #[cfg(tokio_unstable)]
    fn hand_to_hooks(&self) {
        self.state.store(HOOKED, Ordering::Release);
    }

    pub(super) fn record(&self, id: TaskId) {
        if self.begins_to_be_recorded() {
            self.record_now(id);
        }
    }

    fn begins_to_be_recorded(&self) -> bool {
        self.goes_from(NEW, RECORDING)
    }

    fn record_now(&self, id: TaskId) {
        self.id.store(id.0, Ordering::Relaxed);
        RECORDER.task_spawned(Spawned {
            id,
            parent: self.parent,
            place: self.place,
            runtime: self.runtime,
            name: self.name.clone(),
        });
        let is_alive = self.goes_from(RECORDING, RECORDED);
        self.count_polls(id);
        if !is_alive {
            RECORDER.task_ended(id); // it ended meanwhile, on another worker
        }
    }

    /// A poll of the task begins on this thread, and lasts as long as what is returned; none if others record it.
    pub(super) fn poll(&self) -> Option<PollOf<'_>> {
        let id = match self.state.load(Ordering::Acquire) {
            NEW => {
                let id = TaskId::of(tokio::task::try_id()?);
                self.record(id);
                id
            }
            // Its spawner, on another worker, is about to have recorded it.
            RECORDING => TaskId::of(tokio::task::try_id()?),
            RECORDED => TaskId(self.id.load(Ordering::Relaxed)),
            _ => return None,
        };
        let _ = RECORDER.poll_started(id, self.runtime);
        Some(PollOf { ticket: self, id })
    }

    #[cold]
    fn poll_was_not_counted(&self, id: TaskId) {
        // This before the look at the state, its counterpart after the state has changed: one of the two sees the other.
        self.uncounted.fetch_add(1, Ordering::SeqCst);
        if self.state.load(Ordering::SeqCst) == RECORDED {
            self.count_polls(id);
        }
    }

    fn count_polls(&self, id: TaskId) {
        if self.uncounted.load(Ordering::SeqCst) > 0 {
            for _ in 0..self.uncounted.swap(0, Ordering::SeqCst) {
                RECORDER.poll_had_been(id);
            }
        }
    }

    /// Lets clients ask the task while it lives, and abort it if there is a handle.
    pub(super) fn can_be_reached(self: &Arc<Self>, id: TaskId, handle: Option<AbortHandle>) {
        Wake::until_end(id, self);
        if let Some(handle) = handle {
            HANDLES.spawned(handle);
        }
        // It may have ended on another worker just before: then nobody else takes them away. If it ends after this look, its end
        // finds them, for both went through the same locks.
        if self.has_ended.load(Ordering::Acquire) {
            self.cannot_be_reached(id);
        }
    }

    fn cannot_be_reached(&self, id: TaskId) {
        self.wake.end(id);
        if process::allows_control() {
            HANDLES.ended(id);
        }
    }

    /// What wakes the task.
    pub(super) fn wake(&self) -> &Wake {
        &self.wake
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
            self.cannot_be_reached(id);
        }
        if self.state.load(Ordering::Acquire) != HOOKED
            && self.state.swap(ENDED, Ordering::AcqRel) == RECORDED
        {
            RECORDER.task_ended(TaskId(self.id.load(Ordering::Relaxed)));
        }
    }

    fn goes_from(&self, from: u8, to: u8) -> bool {
        self.state
            .compare_exchange(from, to, Ordering::SeqCst, Ordering::Acquire)
            .is_ok()
    }
}

/// A poll in progress; it ends when this is dropped, also by a panic.
pub(super) struct PollOf<'a> {
    ticket: &'a Ticket,
    id: TaskId,
}

impl Drop for PollOf<'_> {
    fn drop(&mut self) {
        if !RECORDER.poll_ended(self.id) {
            self.ticket.poll_was_not_counted(self.id);
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::Totals;

    fn totals(id: TaskId) -> Totals {
        RECORDER.last_look(id).totals
    }

    #[tokio::test]
    async fn a_poll_that_ends_before_the_spawner_has_recorded_the_task_is_counted() {
        tokio::spawn(async {
            let ticket = Ticket::new(None, Location::caller());
            let id = TaskId::of(tokio::task::id());
            // The spawner is preempted here …
            assert!(ticket.begins_to_be_recorded());
            for _ in 0..2 {
                drop(ticket.poll());
            }
            assert_eq!(totals(id).polls, 0);
            // … and goes on.
            ticket.record_now(id);
            assert_eq!(totals(id).polls, 2);
            drop(ticket.poll());
            assert_eq!(totals(id).polls, 3);
            ticket.end(Outcome::Finished);
        })
        .await
        .expect("no panic");
    }
}
