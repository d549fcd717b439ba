//! The recorder's records as rows, at one moment.

use std::sync::Arc;

use stallscope_wire::message::{Site, TaskKind, TaskState};

use super::source::{Row, Source};
use crate::recorder::{Keeper, Kind, Life, RECORDER, Rate, Record, SiteId, TaskId, ThreadRecord};

/// The recorder as it is now.
pub(super) struct Live<'a> {
    keeper: &'a Keeper,
    pub(super) rate: Rate,
    /// Tasks that are being polled, with the time their polls have lasted: one per thread at most,
    /// so a list beats a map.
    polling: Vec<(TaskId, u64)>,
    /// By number of a thread, the worker it was when it last looked.
    workers: Vec<Option<u32>>,
}

impl<'a> Live<'a> {
    pub(super) fn now(keeper: &'a Keeper) -> Self {
        let rate = RECORDER.clock().rate();
        let mut workers = Vec::new();
        for thread in RECORDER.threads().iter() {
            let number = usize::from(thread.number());
            workers.resize(workers.len().max(number + 1), None);
            workers[number] = thread.worker().map(|(_, worker)| worker);
        }
        let polling = RECORDER.threads().iter().filter_map(ThreadRecord::polling);
        Live {
            keeper,
            rate,
            polling: polling
                .map(|poll| (poll.task, rate.nanos_since(poll.since)))
                .collect(),
            workers,
        }
    }

    fn row(&self, record: &Record) -> Row {
        let polling = self
            .polling
            .iter()
            .find(|(task, _)| *task == record.id)
            .map(|(_, lasted)| *lasted);
        let state = match record.kind {
            _ if polling.is_some() => TaskState::Running,
            // A closure that has not ended is running: there is nothing else for it to do.
            Kind::Blocking => TaskState::Running,
            _ if record.polled.is_none() => TaskState::Scheduled,
            _ => TaskState::Idle,
        };
        Row {
            id: record.id.0,
            parent: record.parent.map(|parent| parent.0),
            kind: match record.kind {
                Kind::Root => TaskKind::Root,
                Kind::Task => TaskKind::Task,
                Kind::Blocking => TaskKind::Blocking,
            },
            state,
            named: record.named,
            site: record.site.0,
            runtime: record.runtime,
            worker: record
                .thread
                .and_then(|thread| *self.workers.get(usize::from(thread))?),
            age: record.age_ns(&self.rate),
            idle: if state == TaskState::Running {
                0
            } else {
                record.idle_ns(&self.rate)
            },
            polls: record.totals.polls,
            busy: self.rate.nanos(record.totals.busy),
            longest: self.rate.nanos(record.totals.longest),
            polling: polling.unwrap_or(0),
        }
    }
}

impl Source for Live<'_> {
    fn for_each(&self, look: &mut dyn FnMut(&Row)) {
        self.keeper.for_each_live(|record| look(&self.row(&record)));
    }

    fn get(&self, id: u64) -> Option<Row> {
        let record = self
            .keeper
            .record(TaskId(id))
            .filter(|record| record.life == Life::Alive)?;
        Some(self.row(&record))
    }

    fn is_live(&self, id: u64) -> bool {
        self.keeper
            .record(TaskId(id))
            .is_some_and(|record| record.life == Life::Alive)
    }

    fn name(&self, id: u64) -> Option<Arc<str>> {
        RECORDER.name(TaskId(id))
    }

    fn site(&self, id: u32) -> Option<Site> {
        RECORDER
            .place(SiteId(id))
            .map(|place| site(SiteId(id), place))
    }

    fn sites(&self) -> Vec<Site> {
        let figures = RECORDER.site_figures();
        figures
            .iter()
            .filter_map(|figures| Some(site(figures.id, figures.place?)))
            .collect()
    }
}

pub(super) fn site(id: SiteId, place: &std::panic::Location<'_>) -> Site {
    Site {
        id: id.0,
        file: place.file().to_owned(),
        line: place.line(),
        column: place.column(),
    }
}
