//! Where the agent leaves its question and a worker finds it: room for one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::super::{Silent, Standing};
use crate::recorder::TaskId;

pub(super) struct Desk {
    /// The task that is asked; [`NOBODY`] most of the time.
    asked: AtomicU64,
    /// Who waits for the answer, and of whom.
    reply: Mutex<Option<(TaskId, SyncSender<Standing>)>>,
    /// Held while a question is open.
    turn: Mutex<()>,
}

/// No task has this id: tokio counts from 1.
const NOBODY: u64 = 0;

/// A question that a worker has taken. Unanswered, it tells by its end that there will be no answer.
pub(super) struct Request(SyncSender<Standing>);

impl Desk {
    pub(super) const fn new() -> Self {
        Desk {
            asked: AtomicU64::new(NOBODY),
            reply: Mutex::new(None),
            turn: Mutex::new(()),
        }
    }

    /// Asks a task, which is then to be woken.
    pub(super) fn ask(
        &self,
        id: TaskId,
        patience: Duration,
        wake: impl FnOnce(),
    ) -> Result<Standing, Silent> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let (reply, answer) = sync_channel(1);
        *self.reply() = Some((id, reply));
        // Before the wake, which the next poll comes after: that poll sees it.
        self.asked.store(id.0, Ordering::Release);
        wake();
        let answer = answer.recv_timeout(patience);
        // Also if it was taken: what is left of it belongs to this question.
        self.asked.store(NOBODY, Ordering::Relaxed);
        self.reply().take();
        answer.map_err(|error| match error {
            RecvTimeoutError::Timeout => Silent::NotInTime,
            RecvTimeoutError::Disconnected => Silent::Ended,
        })
    }

    #[inline]
    pub(super) fn is_anybody_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed) != NOBODY
    }

    /// The question, if it is put to this task.
    pub(super) fn request_for(&self, id: TaskId) -> Option<Request> {
        // Others, which are polled while one is asked, stay away from the lock.
        if self.asked.load(Ordering::Acquire) != id.0 {
            return None;
        }
        let (_, reply) = self.reply().take_if(|(asked, _)| *asked == id)?;
        self.asked.store(NOBODY, Ordering::Relaxed);
        Some(Request(reply))
    }

    fn reply(&self) -> MutexGuard<'_, Option<(TaskId, SyncSender<Standing>)>> {
        self.reply.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Request {
    pub(super) fn answer(self, standing: Standing) {
        // There is room for it; who asked may have lost patience.
        let _ = self.0.try_send(standing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(120);

    fn standing(address: u64) -> Standing {
        Standing {
            branches: vec![vec![address]],
            more: 0,
        }
    }

    #[test]
    fn only_the_task_that_is_asked_answers() {
        let desk = Desk::new();
        let answer = desk.ask(TaskId(7), LONG, || {
            assert!(desk.is_anybody_asked());
            assert!(desk.request_for(TaskId(8)).is_none());
            let request = desk.request_for(TaskId(7)).expect("it is asked");
            assert!(desk.request_for(TaskId(7)).is_none(), "once");
            request.answer(standing(1));
        });
        assert_eq!(answer.expect("answered").branches, [[1]]);
        assert!(!desk.is_anybody_asked());
    }

    #[test]
    fn an_answer_that_comes_too_late_is_no_answer_to_the_next_question() {
        let desk = Desk::new();
        let mut late = None;
        let lost = desk.ask(TaskId(7), Duration::ZERO, || {
            late = desk.request_for(TaskId(7));
        });
        assert_eq!(lost.err(), Some(Silent::NotInTime));
        let answer = desk.ask(TaskId(8), LONG, || {
            late.take().expect("taken in time").answer(standing(1));
            desk.request_for(TaskId(8))
                .expect("it is asked")
                .answer(standing(2));
        });
        assert_eq!(answer.expect("answered").branches, [[2]]);
    }

    #[test]
    fn a_question_nobody_comes_for_is_taken_back() {
        let desk = Desk::new();
        let lost = desk.ask(TaskId(7), Duration::ZERO, || ());
        assert_eq!(lost.err(), Some(Silent::NotInTime));
        assert!(!desk.is_anybody_asked());
        assert!(desk.request_for(TaskId(7)).is_none());
    }

    #[test]
    fn a_task_that_ends_with_the_question_is_not_waited_for() {
        let desk = Desk::new();
        let ended = desk.ask(TaskId(7), LONG, || drop(desk.request_for(TaskId(7))));
        assert_eq!(ended.err(), Some(Silent::Ended));
    }
}
