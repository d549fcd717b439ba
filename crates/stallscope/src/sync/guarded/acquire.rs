//! The future of a lock: tokio's own, and what is told of its wait.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::sync::{AcquireError, SemaphorePermit};
use tokio::task::coop;

use super::super::perturb;
use super::super::track::{Ask, Held, Track, Wait};

pin_project! {
    pub(super) struct Acquire<'a, F> {
        // Before the inner future: who is dropped is out of the list before the next one gets its turn.
        wait: Option<Wait>,
        #[pin]
        inner: F,
        track: &'a Track,
        ask: Ask,
        // Others go first so many times. Tests only.
        turns: u64,
    }
}

impl<'a, F> Acquire<'a, F> {
    #[inline]
    pub(super) fn new(inner: F, track: &'a Track, ask: Ask) -> Self {
        Acquire {
            wait: None,
            inner,
            track,
            ask,
            turns: perturb::turns(),
        }
    }
}

impl<'a, F> Future for Acquire<'a, F>
where
    F: Future<Output = Result<SemaphorePermit<'a>, AcquireError>>,
{
    type Output = Held;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Held> {
        let this = self.project();
        if *this.turns > 0 {
            *this.turns -= 1;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        // Nobody closes the semaphore; if somebody did, nobody would have the lock.
        let Poll::Ready(Ok(permit)) = this.inner.poll(context) else {
            waits(this.wait, this.track, *this.ask);
            return Poll::Pending;
        };
        permit.forget();
        let held = this.track.took(*this.ask);
        if let Some(wait) = this.wait.take() {
            wait.ends();
        }
        Poll::Ready(held)
    }
}

#[cold]
fn waits(wait: &mut Option<Wait>, track: &Track, ask: Ask) {
    match wait {
        Some(wait) => wait.is_polled(),
        // A task whose budget is spent comes back without having asked: it is not in the queue.
        None if coop::has_budget_remaining() => *wait = track.waits(ask),
        None => {}
    }
}
