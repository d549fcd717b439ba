//! Whether a header is that of a task which lives: one that stands in its owner's list.
//!
//! Memory is full of headers that are none. Who makes a task may build it on the stack first, and what is written over it there later
//! leaves any bytes in any member. Two things tell: a task of a runtime or `LocalSet` has the number of that owner's list, and
//! a closure of `spawn_blocking`, which stands in no list, does not lie on a stack.

use std::cell::RefCell;
use std::collections::HashMap;

use super::view::{Value, View};
use crate::memory::{Area, Thread};

/// Where a scheduler has its list of tasks.
const LISTS: [&str; 2] = ["shared.owned.id", "local_state.owned.id"];

/// The numbers of the lists of the schedulers that were met, by the address of what is shared of each.
#[derive(Default)]
pub(super) struct Owners(RefCell<HashMap<u64, Option<u64>>>);

impl Owners {
    /// Whether the list that the task's scheduler has is the one that has numbered it.
    pub(super) fn own(&self, view: &View<'_, '_>, cell: &Value) -> bool {
        let owner = view.find(cell, "header.owner_id");
        let owner = owner.and_then(|owner| view.memory.u64(owner.at).ok());
        let Some(owner) = owner.filter(|owner| *owner != 0) else {
            return false;
        };
        let Some(shared) = view.find(cell, "core.scheduler.*.data") else {
            return false;
        };
        let known = self.0.borrow().get(&shared.at).copied();
        let number = known.unwrap_or_else(|| {
            let number = LISTS.iter().find_map(|way| view.number_at(&shared, way));
            self.0.borrow_mut().insert(shared.at, number);
            number
        });
        number == Some(owner)
    }
}

/// The stacks among `areas`: each ends where its thread's own block begins.
pub(super) fn stacks(areas: &[Area], threads: &[Thread]) -> Vec<(u64, u64)> {
    let pointers = threads.iter().filter_map(|thread| {
        let pointer = thread.thread_pointer?;
        let area = areas
            .iter()
            .find(|area| (area.start..area.end).contains(&pointer))?;
        Some((area.start, pointer))
    });
    pointers.collect()
}
