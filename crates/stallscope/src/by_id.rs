//! What is kept of live tasks outside of the recorder, by their ids: many small maps, so that workers that spawn do not wait for one another.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::recorder::TaskId;

/// A map that is locked at the spawn and the end of tasks, and by the agent. Values are dropped outside of its locks.
pub(crate) struct ById<V> {
    /// None until it is needed: a map cannot be made in a constant.
    shards: [Mutex<Option<HashMap<TaskId, V>>>; 16],
}

impl<V> ById<V> {
    pub(crate) const fn new() -> Self {
        ById {
            shards: [const { Mutex::new(None) }; 16],
        }
    }

    pub(crate) fn insert(&self, id: TaskId, value: V) {
        let before = self.shard(id).get_or_insert_default().insert(id, value);
        drop(before); // outside of the lock
    }

    pub(crate) fn remove(&self, id: TaskId) {
        let value = self.shard(id).as_mut().and_then(|map| map.remove(&id));
        drop(value); // outside of the lock
    }

    pub(crate) fn get(&self, id: TaskId) -> Option<V>
    where
        V: Clone,
    {
        self.shard(id).as_ref()?.get(&id).cloned()
    }

    fn shard(&self, id: TaskId) -> MutexGuard<'_, Option<HashMap<TaskId, V>>> {
        self.shards[id.0 as usize % self.shards.len()]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
