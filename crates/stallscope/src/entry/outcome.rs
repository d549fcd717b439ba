//! How does a task end? Its future is wrapped, and the wrapper sees what the future returns, how it unwinds and when it is dropped.
//!
//! A panic passes through with the very payload it began with; it is looked at, once, on its way.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;

use pin_project_lite::pin_project;

use super::async_stack::Answering;
use super::ticket::Ticket;
use crate::ended::{Outcome, message_of};
use crate::sync::perturb;

pin_project! {
    /// The future of a task spawned through stallscope. On the hooks tier others record its polls.
    pub(super) struct Watched<F> {
        #[pin]
        future: F,
        answering: Answering,
        // So often in a row. Tests only.
        gave_way: u8,
        // After `future`: the destructors of the future's own values are still part of the task.
        end: End,
    }

    impl<F> PinnedDrop for Watched<F> {
        fn drop(this: Pin<&mut Self>) {
            this.project().end.begins();
        }
    }
}

impl<F> Watched<F> {
    pub(super) fn new(future: F, ticket: Arc<Ticket>) -> Self {
        Watched {
            future,
            answering: Answering::new(),
            gave_way: 0,
            end: End {
                ticket,
                outcome: Outcome::Aborted,
                was_unwinding: false,
            },
        }
    }
}

impl<F: Future> Future for Watched<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if perturb::gives_way(this.gave_way, context) {
            return Poll::Pending;
        }
        let _poll = this.end.ticket.poll();
        let wake = this.end.ticket.wake();
        let poll = || this.answering.poll(wake, this.future, context);
        // The panic goes on at once: nobody sees the future in between who would not have without us.
        match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(ready) => {
                this.end.outcome = Outcome::Finished;
                ready
            }
            Err(payload) => {
                this.end.outcome = Outcome::Panicked(message_of(&*payload));
                resume_unwind(payload)
            }
        }
    }
}

/// Tells the task's end when the future is gone.
struct End {
    ticket: Arc<Ticket>,
    /// If it ended now: a future that is dropped before it has returned or unwound was aborted.
    outcome: Outcome,
    /// Whether the thread was unwinding already when the drop began.
    was_unwinding: bool,
}

impl End {
    /// The future is about to be dropped.
    fn begins(&mut self) {
        self.was_unwinding = thread::panicking();
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let mut outcome = std::mem::replace(&mut self.outcome, Outcome::Aborted);
        // A destructor of the future's own values panicked: tokio takes that for a panic of the task.
        if !self.was_unwinding && thread::panicking() {
            outcome = Outcome::Panicked(None);
        }
        self.ticket.end(outcome);
    }
}
