//! Which tasks of one runtime are alive? Whoever is about to judge that asks; the agent, which alone reads the records, answers.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use stallscope_wire::message::TaskKind;
use stallscope_wire::text;

use super::source::{Row, Source, name_of};
use crate::runtimes::RuntimeIndex;
use crate::watch::{INBOX, Report};

/// The question; it travels with the watchdog's reports.
pub(crate) struct RollCall {
    runtime: RuntimeIndex,
    reply: SyncSender<Vec<Present>>,
}

/// A live task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Present {
    pub(crate) id: u64,
    pub(crate) name: Option<String>,
    /// `src/feed.rs:12:5`.
    pub(crate) spawned_at: String,
    pub(crate) parent: Option<u64>,
    pub(crate) age: Duration,
}

/// The tasks of a runtime that are alive and recorded, the oldest first. None if the answer takes longer than that, or there is no agent.
pub(crate) fn call(runtime: RuntimeIndex, at_most: Duration) -> Option<Vec<Present>> {
    let (reply, answer) = sync_channel(1);
    INBOX.put(Report::RollCall(RollCall { runtime, reply }));
    answer.recv_timeout(at_most).ok()
}

impl RollCall {
    pub(super) fn answer(self, source: &dyn Source) {
        // Gone: nobody waits any more.
        let _ = self.reply.try_send(of(self.runtime, source));
    }
}

fn of(runtime: RuntimeIndex, source: &dyn Source) -> Vec<Present> {
    let mut rows: Vec<Row> = Vec::new();
    source.for_each(&mut |row| {
        if row.runtime == runtime && row.kind == TaskKind::Task {
            rows.push(*row);
        }
    });
    rows.sort_by_key(|row| (std::cmp::Reverse(row.age), row.id));
    let present = |row: &Row| Present {
        id: row.id,
        name: name_of(row, source).map(|name| name.to_string()),
        spawned_at: source
            .site(row.site)
            .as_ref()
            .map(text::place)
            .unwrap_or_default(),
        parent: row.parent,
        age: Duration::from_nanos(row.age),
    };
    rows.iter().map(present).collect()
}

#[cfg(test)]
mod tests {
    use super::super::source::fake::Fake;
    use super::*;

    #[test]
    fn the_tasks_of_one_runtime_are_told_the_oldest_first() {
        let mut fake = Fake {
            files: vec!["a.rs", "b.rs"],
            names: vec![(7, "miller")],
            ..Fake::default()
        };
        fake.add(0, None, 0); // the root future is no task
        fake.add(9, Some(7), 1);
        fake.add(7, Some(0), 2).named = true;
        fake.add(8, None, 1).runtime = 3;
        let present = |runtime| -> Vec<(u64, Option<String>, String)> {
            let told = of(runtime, &fake).into_iter();
            told.map(|task| (task.id, task.name, task.spawned_at))
                .collect()
        };
        assert_eq!(
            present(0),
            [
                (7, Some("miller".to_owned()), "b.rs:2:5".to_owned()),
                (9, None, "a.rs:1:5".to_owned()),
            ]
        );
        assert_eq!(present(3).len(), 1);
        assert_eq!(present(4), []);
    }
}
