//! What has the application called its tasks?

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::id::TaskId;

/// None until it is needed: a map cannot be made in a constant.
type Shard = Option<HashMap<TaskId, Arc<str>>>;

/// Names of live tasks. Locked at the spawn and the end of named tasks only, never at a poll.
pub(crate) struct Names {
    shards: [Mutex<Shard>; 16],
}

impl Names {
    pub(super) const fn new() -> Self {
        Names {
            shards: [const { Mutex::new(None) }; 16],
        }
    }

    pub(crate) fn insert(&self, id: TaskId, name: Arc<str>) {
        self.with(id, |names| names.get_or_insert_default().insert(id, name));
    }

    pub(super) fn remove(&self, id: TaskId) {
        let removed = self.with(id, |names| {
            let name = names.as_mut()?.remove(&id);
            if names.as_ref().is_some_and(HashMap::is_empty) {
                *names = None;
            }
            name
        });
        drop(removed); // outside of the lock
    }

    pub(crate) fn get(&self, id: TaskId) -> Option<Arc<str>> {
        self.with(id, |names| names.as_ref()?.get(&id).cloned())
    }

    fn with<R>(&self, id: TaskId, body: impl FnOnce(&mut Shard) -> R) -> R {
        let shard = &self.shards[id.0 as usize % self.shards.len()];
        body(&mut shard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
