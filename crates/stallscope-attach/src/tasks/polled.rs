//! Which task each thread polls, and in which turn of its worker, as tokio has it in the thread's own memory.

use super::view::{Value, View};
use crate::debug::ThreadLocal;
use crate::memory::Thread;

/// What a thread polls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Polled {
    /// The number of the task.
    pub task: u64,
    /// In which turn of its worker. `None`: the thread drives no runtime at the moment (`block_in_place` has handed that on), or it cannot be
    /// told.
    pub turn: Option<Turn>,
}

/// A turn of a worker's loop, in which it takes one task from its queues and has it polled.
///
/// A worker of a multi-thread runtime polls up to three others in the same turn, one after the other, if each was woken by the one before it
/// (tokio's "LIFO slot"). A task cannot come by that way after itself: one that wakes itself goes to the end of the queue. So the same task is polled
/// in one turn at most twice, with another's poll in between; on a current-thread runtime once. Tasks of a `LocalSet` are no tasks of a worker:
/// very many polls of theirs fit into one turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Where the core of the worker lies: its state, which goes from thread to thread.
    pub(crate) core: u64,
    /// How many turns that core has taken, modulo 2³².
    pub(crate) tick: u32,
}

impl View<'_, '_> {
    /// What `thread` polls now. `None`: no task, one that is not `wanted`, or it cannot be told (its thread pointer is not known).
    pub(super) fn polled_by(
        &self,
        context: &ThreadLocal,
        thread: &Thread,
        wanted: impl Fn(u64) -> bool,
    ) -> Option<Polled> {
        let storage = self.value(context.of, context.address(thread.thread_pointer?)?);
        // Most threads poll nothing that is wanted, and a look costs what it reads.
        self.current_task(&storage).filter(|task| wanted(*task))?;
        let before = self.turn(&storage);
        let task = self.current_task(&storage)?;
        // The three were read one after the other: a turn that goes on behind it was that task's.
        let turn = before.filter(|before| self.turn(&storage) == Some(*before));
        Some(Polled { task, turn })
    }

    fn current_task(&self, storage: &Value) -> Option<u64> {
        let current = self.find(storage, "val.current_task_id")?;
        // An `Option`: of a number that may be 0 in older versions, which has a tag beside it.
        let (variant, _, id) = self.active(&self.unwrap(current))?;
        let id = (variant == "Some").then(|| self.number(&id))??;
        u64::try_from(id).ok()
    }

    /// The turn of the worker that the thread is. Its core is within reach only while a task is polled, or the worker is parked.
    fn turn(&self, storage: &Value) -> Option<Turn> {
        let scheduler = self.find(storage, "val.scheduler.inner.*")?;
        let (variant, _, worker) = self.active(&scheduler)?;
        // Of another kind of scheduler we do not know what a turn is.
        if !matches!(variant.as_str(), "MultiThread" | "CurrentThread") {
            return None;
        }
        let core = self.find(&worker, "core.value")?;
        let (variant, _, core) = self.active(&self.unwrap(core))?;
        let core = (variant == "Some").then(|| self.pointed_to(&core))??;
        let tick = u32::try_from(self.number_at(&core, "tick")?).ok()?;
        Some(Turn {
            core: core.at,
            tick,
        })
    }
}
