//! Which tasks a handle or a `JoinSet` waits for, which closure of the blocking pool, which process.

use std::collections::HashSet;

use super::Seen;
use crate::tasks::found::StateWord;
use crate::tasks::model::{Kind, State, Waiting, WaitsFor};
use crate::tasks::names;
use crate::tasks::view::Value;

/// Of a set of more tasks no more numbers are told.
const MOST_NUMBERS: usize = 16;

/// A task that is joined.
enum Joined {
    Task { id: Option<u64>, has_ended: bool },
    Blocking { closure: String },
}

impl Seen<'_, '_, '_> {
    /// "task 27", "task 27, which has ended", "3 tasks: 33, 34, 35"; a closure of the blocking pool by its type.
    pub(super) fn join(&self) -> WaitsFor {
        let is_set = self
            .tail
            .last()
            .is_some_and(|leaf| leaf.name.starts_with("tokio::task::join_set::JoinSet<"));
        let detail = if is_set {
            self.set()
        } else {
            match self.handle() {
                Some(Joined::Blocking { closure }) => {
                    return WaitsFor {
                        kind: Waiting::Blocking,
                        detail: closure,
                    };
                }
                Some(Joined::Task { id, has_ended }) => {
                    let id = id.map_or_else(|| "a task".to_owned(), |id| format!("task {id}"));
                    Some(if has_ended {
                        format!("{id}, which has ended")
                    } else {
                        id
                    })
                }
                None => None,
            }
        };
        WaitsFor {
            kind: Waiting::Join,
            detail: detail.unwrap_or_default(),
        }
    }

    /// "process 4711".
    pub(super) fn child(&self) -> Option<String> {
        let child = self.reach("std::process::Child")?;
        let pid = self.view.number_within(&child, "pid")?;
        (pid != 0 && i32::try_from(pid).is_ok()).then(|| format!("process {pid}"))
    }

    fn handle(&self) -> Option<Joined> {
        self.joined(&self.reach("tokio::runtime::task::join::JoinHandle<")?)
    }

    fn joined(&self, handle: &Value) -> Option<Joined> {
        let header = self.view.pointed_to(handle)?;
        let breed = self
            .view
            .breeds
            .get(self.view.number_at(&header, "vtable")?)?;
        if breed.kind == Kind::Blocking {
            let task = self.view.program.type_of(breed.future);
            let closure = task.parameter("T").map(|id| self.view.program.type_of(id));
            let closure = closure.map_or_else(|| task.name.clone(), |closure| closure.name.clone());
            return Some(Joined::Blocking {
                closure: names::of_future(&closure),
            });
        }
        let cell = self.view.value(breed.cell, header.at);
        let word = StateWord(self.view.memory.u64(header.at).ok()?);
        Some(Joined::Task {
            id: self.view.number_at(&cell, "core.task_id"),
            has_ended: word.state() == State::Ended,
        })
    }

    fn set(&self) -> Option<String> {
        let set = &self.tail.last()?.value;
        let len = self.view.number_within(set, "length")?;
        let lists = self
            .view
            .reach(set, "tokio::util::idle_notified_set::ListsInner<");
        let mut ids = Vec::new();
        for list in lists
            .iter()
            .flat_map(|lists| ["notified", "idle"].map(|name| self.view.find(lists, name)))
        {
            self.add_ids(list, &mut ids);
        }
        ids.sort_unstable();
        let tasks = super::count(super::plausible(len)?, "task");
        if ids.is_empty() {
            return Some(tasks);
        }
        let cut = if (ids.len() as u64) < len {
            ", …"
        } else {
            ""
        };
        let ids: Vec<_> = ids.iter().map(u64::to_string).collect();
        Some(format!("{tasks}: {}{cut}", ids.join(", ")))
    }

    /// Add the numbers of the tasks in one of the lists of a `JoinSet`.
    fn add_ids(&self, list: Option<Value>, ids: &mut Vec<u64>) {
        let mut seen = HashSet::new();
        let mut next = list.and_then(|list| self.view.find(&list, "head"));
        while let Some(entry) = next.and_then(|next| self.some_pointed_to(&next)) {
            if ids.len() >= MOST_NUMBERS || !seen.insert(entry.at) {
                return;
            }
            let handle = self.view.find(&entry, "value").and_then(|value| {
                self.view
                    .reach(&value, "tokio::runtime::task::join::JoinHandle<")
            });
            if let Some(Joined::Task { id, .. }) = handle.and_then(|handle| self.joined(&handle)) {
                ids.extend(id);
            }
            next = self
                .view
                .find(&entry, "pointers")
                .and_then(|pointers| self.view.within(&pointers, "next"));
        }
    }

    /// What an `Option<NonNull<_>>` points to.
    fn some_pointed_to(&self, of: &Value) -> Option<Value> {
        let (variant, _, data) = self.view.active(of)?;
        (variant == "Some").then(|| self.view.pointed_to(&data))?
    }
}
