//! Which task each thread polls, as tokio has it in the thread's own memory.

use super::view::View;
use crate::debug::ThreadLocal;
use crate::memory::Thread;

impl View<'_, '_> {
    /// The number of the task that `thread` polls now. `None`: none, or it cannot be told (its thread pointer is not known).
    pub(super) fn polled_by(&self, context: &ThreadLocal, thread: &Thread) -> Option<u64> {
        let storage = self.value(context.of, context.address(thread.thread_pointer?)?);
        let current = self.find(&storage, "val.current_task_id")?;
        // An `Option`: of a number that may be 0 in older versions, which has a tag beside it.
        let (variant, _, id) = self.active(&self.unwrap(current))?;
        let id = (variant == "Some").then(|| self.number(&id))??;
        u64::try_from(id).ok()
    }
}
