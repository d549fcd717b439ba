//! The agent wants to know where a task stands, and wakes it; whichever worker polls the task next has it answer.
//!
//! One task is asked at a time. A poll that is not asked costs one relaxed load of a line that hardly ever changes: 1 ns, beside some 12 ns
//! that tokio takes for its feature. A spawn costs 90 ns more, most of it the map of tasks that can be asked.
//!
//! What the application sees of it: the task is polled three times where nothing had woken it, which any future has to bear. First as
//! ever, so that all that is ready happens in a poll like any other, and the wakers are where they have to be. Then at once again, in tokio's tracing:
//! now every future of tokio's says where it is and is `Pending` without a look at what it waits for; tokio wakes the task for that, so it is polled
//! once more. Were the second poll the only one, a task that is ready could run on within it, and what it waits for there in a
//! `block_in_place` of its own would not be woken: tokio keeps the wakes of a trace until the worker is back, which waits for them.
//!
//! A panic passes through as it would from any poll; the agent is told by the sender that is gone.

mod branches;
mod desk;

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::task::{Context, Poll, Waker};

use tokio::runtime::dump::{Trace, trace_with};

use self::branches::Branches;
use self::desk::Desk;
use super::{PATIENCE, Silent, Standing};
use crate::by_id::ById;
use crate::entry::ticket::Ticket;
use crate::recorder::TaskId;

/// The live tasks that can be asked.
static TASKS: ById<Arc<Ticket>> = ById::new();

static DESK: Desk = Desk::new();

/// Where a task stands. Waits for its worker, so only the agent may ask.
pub(crate) fn ask(id: TaskId) -> Result<Standing, Silent> {
    let ticket = TASKS.get(id).ok_or(Silent::NotOurs)?;
    // A copy, for nothing of tokio's may run under a lock that a poll takes. If it is the last of the task's references, that frees memory
    // and drops nothing of the application's: the future was dropped before the ticket's own was given up.
    let waker = ticket.wake().lock().clone().ok_or(Silent::NeverPolled)?;
    drop(ticket);
    DESK.ask(id, PATIENCE, || waker.wake()).map_err(|silent| {
        if TASKS.get(id).is_some() {
            silent
        } else {
            Silent::Ended
        }
    })
}

/// Whether it lives and was spawned through stallscope.
pub(crate) fn is_ours(id: TaskId) -> bool {
    TASKS.get(id).is_some()
}

/// What wakes a task, from its first poll to its end. Kept in its ticket.
pub(in crate::entry) struct Wake(Mutex<Option<Waker>>);

impl Wake {
    pub(in crate::entry) const fn new() -> Self {
        Wake(Mutex::new(None))
    }

    /// The task can be asked from now on.
    pub(in crate::entry) fn until_end(id: TaskId, ticket: &Arc<Ticket>) {
        TASKS.insert(id, ticket.clone());
    }

    /// The task's future is gone. The waker has to go too: it keeps the task's memory.
    pub(in crate::entry) fn end(&self, id: TaskId) {
        TASKS.remove(id);
        let waker = self.lock().take();
        drop(waker); // outside of the lock
    }

    /// Whether that was possible: a poll does not wait for the agent, who may be looking just now.
    fn keep(&self, waker: &Waker) -> bool {
        match self.0.try_lock() {
            Ok(mut kept) => *kept = Some(waker.clone()),
            Err(TryLockError::Poisoned(kept)) => *kept.into_inner() = Some(waker.clone()),
            Err(TryLockError::WouldBlock) => return false,
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, Option<Waker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Polls a task's future, and has it answer where it is asked. Kept beside the future.
pub(in crate::entry) struct Answering {
    /// Its waker is where the agent finds it. It stays the same: tokio's scheduler polls the task, and nothing else can.
    can_be_woken: bool,
}

impl Answering {
    pub(in crate::entry) const fn new() -> Self {
        Answering {
            can_be_woken: false,
        }
    }

    #[inline]
    pub(in crate::entry) fn poll<F: Future>(
        &mut self,
        wake: &Wake,
        future: Pin<&mut F>,
        context: &mut Context<'_>,
    ) -> Poll<F::Output> {
        if !self.can_be_woken {
            self.can_be_woken = wake.keep(context.waker());
        }
        if DESK.is_anybody_asked() {
            poll_and_answer(future, context)
        } else {
            future.poll(context)
        }
    }
}

#[cold]
fn poll_and_answer<F: Future>(
    mut future: Pin<&mut F>,
    context: &mut Context<'_>,
) -> Poll<F::Output> {
    let request = tokio::task::try_id().and_then(|id| DESK.request_for(TaskId::of(id)));
    let Some(request) = request else {
        return future.poll(context);
    };
    if let Poll::Ready(output) = future.as_mut().poll(context) {
        return Poll::Ready(output);
    }
    let mut branches = Branches::default();
    // Above the root no frame is looked at.
    let traced = pin!(Trace::root(poll_fn(|context| {
        let poll = || future.as_mut().poll(context);
        Poll::Ready(trace_with(poll, |meta| branches.add(meta)))
    })));
    let Poll::Ready(polled) = traced.poll(context) else {
        return Poll::Pending; // never: the closure above is always ready
    };
    if polled.is_pending() {
        request.answer(branches.into());
    }
    polled
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::panic::Location;

    use super::*;

    struct Nothing;

    impl std::task::Wake for Nothing {
        fn wake(self: Arc<Self>) {}
    }

    #[test]
    fn the_waker_which_keeps_a_tasks_memory_goes_with_its_future() {
        let woken = Arc::new(Nothing);
        let waker = Waker::from(woken.clone());
        let ticket = Arc::new(Ticket::new(None, Location::caller()));
        let id = TaskId(u64::MAX);
        Wake::until_end(id, &ticket);
        assert_eq!(ask(id).err(), Some(Silent::NeverPolled));

        let mut answering = Answering::new();
        for _ in 0..3 {
            let mut context = Context::from_waker(&waker);
            let polled = answering.poll(ticket.wake(), pin!(pending::<()>()), &mut context);
            assert!(polled.is_pending());
        }
        assert_eq!(Arc::strong_count(&woken), 3, "kept once");
        ticket.wake().end(id);
        assert_eq!(Arc::strong_count(&woken), 2);
        assert_eq!(Arc::strong_count(&ticket), 1);
        assert_eq!(ask(id).err(), Some(Silent::NotOurs));
    }
}
