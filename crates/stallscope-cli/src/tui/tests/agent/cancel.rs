//! How the agent of the sessions cancels a task: by the rules of the real one, in a program that allows it or not.

use std::cell::RefCell;
use std::collections::BTreeSet;

use stallscope_wire::message::{Cancellation, EndedTask, Outcome};

use super::FakeAgent;

/// What clients may do to the program.
#[derive(Clone, Default)]
pub(crate) struct Control {
    pub(crate) is_allowed: bool,
    /// How a task ends that is aborted; `None`: it will not die.
    pub(crate) outcome: Option<Outcome>,
    aborted: RefCell<BTreeSet<u64>>,
}

impl Control {
    /// Those that were aborted.
    pub(crate) fn aborted(&self) -> Vec<u64> {
        self.aborted.borrow().iter().copied().collect()
    }
}

impl FakeAgent {
    /// One that allows `cancel`; its tasks end as they are told.
    pub(crate) fn with_control(mut self) -> Self {
        self.control = Control {
            is_allowed: true,
            outcome: Some(Outcome::Aborted),
            ..Control::default()
        };
        self
    }

    pub(super) fn cancel(&self, id: u64) -> Result<Cancellation, String> {
        let control = &self.control;
        if !control.is_allowed {
            return Err(
                "this program can only be looked at: start it with STALLSCOPE_CONTROL=on to allow `cancel`"
                    .to_owned(),
            );
        }
        let Some(task) = self.tasks.get(&id) else {
            return Err(format!(
                "no live task that could be aborted has the id {id}: it has ended, or was spawned without stallscope; see `stallscope ps`"
            ));
        };
        let is_first = control.aborted.borrow_mut().insert(id);
        match control.outcome {
            Some(outcome) if !is_first => Ok(Cancellation {
                ended: Some(EndedTask {
                    outcome: outcome.into(),
                    ..EndedTask::default()
                }),
                ..Cancellation::default()
            }),
            _ => Ok(Cancellation {
                alive: true,
                task: Some(task.clone()),
                ..Cancellation::default()
            }),
        }
    }
}
