//! What answers are made from: live tasks as plain rows, whoever has them.

use std::collections::BTreeSet;
use std::sync::Arc;

use stallscope_wire::message::{Site, Task, TaskKind, TaskState};

/// A live task. Times in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: u64,
    pub(crate) parent: Option<u64>,
    pub(crate) kind: TaskKind,
    pub(crate) state: TaskState,
    pub(crate) named: bool,
    pub(crate) site: u32,
    pub(crate) runtime: u32,
    pub(crate) worker: Option<u32>,
    pub(crate) age: u64,
    pub(crate) idle: u64,
    pub(crate) polls: u64,
    pub(crate) busy: u64,
    pub(crate) longest: u64,
    /// How long the poll in progress has lasted; 0 if there is none.
    pub(crate) polling: u64,
}

/// Where rows come from: the recorder, or a test's list.
pub(crate) trait Source {
    /// Shows every live task once, in no particular order.
    fn for_each(&self, look: &mut dyn FnMut(&Row));
    /// One live task.
    fn get(&self, id: u64) -> Option<Row>;
    fn is_live(&self, id: u64) -> bool;
    fn name(&self, id: u64) -> Option<Arc<str>>;
    /// A spawn place; none for id 0.
    fn site(&self, id: u32) -> Option<Site>;
    /// All spawn places.
    fn sites(&self) -> Vec<Site>;
}

/// A row as it goes over the wire.
pub(super) fn task(row: &Row, source: &dyn Source) -> Task {
    Task {
        id: row.id,
        parent: row.parent,
        parent_ended: row.parent.is_some_and(|parent| !source.is_live(parent)),
        name: name_of(row, source)
            .map(|name| name.to_string())
            .unwrap_or_default(),
        kind: row.kind.into(),
        state: row.state.into(),
        site: row.site,
        age_ns: row.age,
        idle_ns: row.idle,
        polls: row.polls,
        busy_ns: row.busy,
        longest_poll_ns: row.longest,
        worker: row.worker,
        runtime: row.runtime,
        polling_ns: row.polling,
    }
}

pub(super) fn name_of(row: &Row, source: &dyn Source) -> Option<Arc<str>> {
    if row.named { source.name(row.id) } else { None }
}

/// The places that an answer refers to.
pub(super) fn places(used: impl Iterator<Item = u32>, source: &dyn Source) -> Vec<Site> {
    used.collect::<BTreeSet<u32>>()
        .into_iter()
        .filter_map(|id| source.site(id))
        .collect()
}

#[cfg(test)]
pub(crate) mod fake {
    use super::*;

    /// A source of made-up tasks.
    #[derive(Default)]
    pub(crate) struct Fake {
        pub(crate) rows: Vec<Row>,
        pub(crate) names: Vec<(u64, &'static str)>,
        /// Place `n` is line `n` of a file of this name.
        pub(crate) files: Vec<&'static str>,
    }

    impl Fake {
        pub(crate) fn add(&mut self, id: u64, parent: Option<u64>, site: u32) -> &mut Row {
            let row = Row {
                id,
                parent,
                kind: if parent.is_none() && site == 0 {
                    TaskKind::Root
                } else {
                    TaskKind::Task
                },
                state: TaskState::Idle,
                named: false,
                site,
                runtime: 0,
                worker: Some(0),
                age: 1000_u64.saturating_sub(id),
                idle: id,
                polls: 1,
                busy: id * 10,
                longest: id,
                polling: 0,
            };
            self.rows.push(row);
            self.rows.last_mut().expect("just pushed")
        }
    }

    impl Source for Fake {
        fn for_each(&self, look: &mut dyn FnMut(&Row)) {
            self.rows.iter().for_each(look);
        }

        fn get(&self, id: u64) -> Option<Row> {
            self.rows.iter().find(|row| row.id == id).copied()
        }

        fn is_live(&self, id: u64) -> bool {
            self.get(id).is_some()
        }

        fn name(&self, id: u64) -> Option<Arc<str>> {
            self.names
                .iter()
                .find(|(named, _)| *named == id)
                .map(|(_, name)| Arc::from(*name))
        }

        fn site(&self, id: u32) -> Option<Site> {
            let file = self.files.get((id as usize).checked_sub(1)?)?;
            Some(Site {
                id,
                file: (*file).to_owned(),
                line: id,
                column: 5,
            })
        }

        fn sites(&self) -> Vec<Site> {
            (1..=self.files.len())
                .filter_map(|id| self.site(id as u32))
                .collect()
        }
    }
}
