//! Aborts a task, where that is allowed, and says how far that is.

use std::collections::VecDeque;

use stallscope_wire::message::{CancelQuery, Cancellation, EndedTask as WireEnded, TaskKind};

use super::ended::ended;
use super::live::Live;
use super::source::{Row, Source, places, task};
use crate::control::Handles;
use crate::ended::EndedTask;
use crate::recorder::{RECORDER, TaskId};

/// The tasks that clients had aborted lately: a task is aborted once, and asked about until it is gone.
#[derive(Default)]
pub(super) struct Cancels {
    aborted: VecDeque<TaskId>,
}

/// Of those that were aborted longer ago, nobody asks any more.
const MOST_ABORTED: usize = 1024;

impl Cancels {
    pub(super) fn cancel(
        &mut self,
        query: CancelQuery,
        is_allowed: bool,
        handles: &Handles,
        latest: impl FnOnce() -> Vec<EndedTask>,
        live: &Live<'_>,
    ) -> Result<Cancellation, String> {
        if !is_allowed {
            return Err(
                "this program can only be looked at: start it with STALLSCOPE_CONTROL=on to allow `cancel`"
                    .to_owned(),
            );
        }
        let id = TaskId(query.task);
        let row = live.get(query.task);
        if let Some(handle) = handles.of(id) {
            if !self.aborted.contains(&id) {
                self.remember(id);
                tracing::info!(target: "stallscope", task = id.0, "task {} is aborted, as a client has asked for", id.0);
                handle.abort();
            }
            return Ok(Cancellation {
                alive: true,
                sites: places(row.iter().map(|row| row.site), live),
                task: row.map(|row| task(&row, live)),
                ended: None,
            });
        }
        if !self.aborted.contains(&id) {
            return Err(why_not(query.task, row.as_ref()));
        }
        let known = latest().into_iter().find(|ended| ended.id == id);
        let site = known.as_ref().map(|ended| RECORDER.site_of(ended.place).0);
        Ok(Cancellation {
            alive: false,
            task: None,
            ended: Some(match (&known, site) {
                (Some(known), Some(site)) => ended(known, site, &live.rate, live),
                _ => WireEnded::default(),
            }),
            sites: places(site.into_iter(), live),
        })
    }

    fn remember(&mut self, id: TaskId) {
        if self.aborted.len() >= MOST_ABORTED {
            self.aborted.pop_front();
        }
        self.aborted.push_back(id);
    }
}

fn why_not(id: u64, row: Option<&Row>) -> String {
    match row.map(|row| row.kind) {
        None => format!(
            "no live task that could be aborted has the id {id}: it has ended, or was spawned without stallscope; see `stallscope ps`"
        ),
        Some(TaskKind::Root) => {
            format!("{id} is the root future, which nothing can abort: end the program")
        }
        Some(TaskKind::Blocking) => {
            format!("{id} is a blocking closure, which nothing can abort once it runs")
        }
        Some(_) => format!(
            "task {id} was spawned without stallscope: use `stallscope::spawn`, or give its AbortHandle to `stallscope::cancellable`"
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use crate::recorder::Keeper;

    fn cancel(
        cancels: &mut Cancels,
        task: u64,
        is_allowed: bool,
        handles: &Handles,
        keeper: &Keeper,
    ) -> Result<Cancellation, String> {
        let live = Live::now(keeper);
        cancels.cancel(CancelQuery { task }, is_allowed, handles, Vec::new, &live)
    }

    #[tokio::test]
    async fn a_task_is_aborted_once_and_followed_until_it_is_gone() {
        let (handles, keeper) = (Handles::new(), RECORDER.keeper());
        let mut cancels = Cancels::default();
        let task = tokio::spawn(pending::<()>());
        let id = TaskId::of(task.id()).0;
        handles.spawned(task.abort_handle());

        let refused = cancel(&mut cancels, id, false, &handles, &keeper).expect_err("not allowed");
        assert!(refused.contains("STALLSCOPE_CONTROL=on"), "{refused}");
        tokio::task::yield_now().await;
        assert!(!task.is_finished());

        for _ in 0..2 {
            let told = cancel(&mut cancels, id, true, &handles, &keeper).expect("it can be");
            assert!(told.alive);
        }
        assert_eq!(cancels.aborted.len(), 1);
        assert!(task.await.expect_err("it never ends").is_cancelled());
        handles.ended(TaskId(id));
        let told = cancel(&mut cancels, id, true, &handles, &keeper).expect("it was known");
        assert!(!told.alive && told.ended.is_some());
    }

    #[test]
    fn what_cannot_be_aborted_is_told_with_the_reason() {
        let why = |kind| {
            let mut fake = super::super::source::fake::Fake::default();
            fake.add(7, Some(0), 1).kind = kind;
            why_not(7, fake.get(7).as_ref())
        };
        assert!(why(TaskKind::Task).contains("stallscope::cancellable"));
        assert!(why(TaskKind::Root).contains("end the program"));
        assert!(why(TaskKind::Blocking).contains("once it runs"));
        assert!(why_not(7, None).contains("has ended"));
    }

    #[test]
    fn only_the_latest_are_remembered() {
        let mut cancels = Cancels::default();
        (0..2_000).for_each(|id| cancels.remember(TaskId(id)));
        assert_eq!(cancels.aborted.len(), MOST_ABORTED);
        assert_eq!(cancels.aborted.back(), Some(&TaskId(1_999)));
    }
}
