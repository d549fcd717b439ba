//! Which waits of a test were found to lead nowhere, and how is a test ended that they keep from ending?
//!
//! The agent finds them, from what it sees of the locks, and knows of a party its number alone: that need not say whose it is, so each is noted as
//! the test's where it comes to a lock. What waits for good, a body waits for too, so the finding ends the test: its body is woken and polled no more.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;
use stallscope_stack::Tid;
use stallscope_stack::kernel::ThreadState;

use super::Trial;
use crate::findings::Rule;
use crate::locks::Sign;
use crate::sync::Party;

/// Parties that are known as the test's: those beyond are nobody's.
const MOST_PARTIES: usize = 1 << 20;
/// Occurrences that are kept.
const MOST_SIGNS: usize = 64;

/// Of one test.
#[derive(Default)]
pub(super) struct Standstill {
    parties: Mutex<HashSet<Party>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// In the order in which they were found.
    signs: Vec<Sign>,
    /// The test does not go on by itself.
    stuck: Option<Stuck>,
    body: Option<Body>,
}

/// From when on it has been known, and what the body's thread did then.
struct Stuck {
    since: Instant,
    thread: Option<ThreadState>,
}

/// Who is to be woken, and the thread on which it was polled last.
struct Body {
    waker: Waker,
    thread: Option<Tid>,
}

impl Standstill {
    /// This one is of the test.
    pub(super) fn meets(&self, party: Party) {
        let mut parties = self.parties.lock().unwrap_or_else(PoisonError::into_inner);
        if parties.len() < MOST_PARTIES {
            parties.insert(party);
        }
    }

    /// Whether one of those that wait or hold is of the test.
    pub(super) fn is_about(&self, sign: &Sign) -> bool {
        let parties = self.parties.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = std::iter::once(&sign.at).chain(sign.others.iter().map(|(_, side)| side));
        all.any(|side| parties.contains(&side.party))
    }

    /// The agent has found this, or more of it, or that it is over.
    pub(super) fn note(&self, sign: &Sign) {
        let mut state = self.state();
        let is_it = |known: &&mut Sign| known.episode == sign.episode;
        if let Some(known) = state.signs.iter_mut().find(is_it) {
            known.clone_from(sign);
        } else if state.signs.len() < MOST_SIGNS {
            state.signs.push(sign.clone());
        }
        // Those behind a convoy get on.
        if sign.rule == Rule::Convoy || sign.is_over || state.stuck.is_some() {
            return;
        }
        let thread = state.body.as_ref().and_then(|body| body.thread);
        state.stuck = Some(Stuck {
            since: Instant::now(),
            thread: thread.map(ThreadState::read),
        });
        let waker = state.body.as_ref().map(|body| body.waker.clone());
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(super) fn signs(&self) -> Vec<Sign> {
        self.state().signs.clone()
    }

    /// Whether it has been known for so long that the test does not go on, and its own thread has slept ever since: it is blocked, and
    /// polls nothing any more.
    pub(super) fn is_blocked_for(&self, long: Duration) -> bool {
        let state = self.state();
        let Some(stuck) = &state.stuck else {
            return false;
        };
        let sleeps = |before: &ThreadState| {
            let slept = before.slept_until(&ThreadState::read(before.tid));
            slept.unwrap_or(true) // nobody can tell
        };
        stuck.since.elapsed() >= long && stuck.thread.as_ref().is_none_or(sleeps)
    }

    /// The body is about to be polled. False: not any more.
    fn goes_on(&self, context: &Context<'_>) -> bool {
        let mut state = self.state();
        if state.stuck.is_some() {
            return false;
        }
        match &mut state.body {
            Some(body) => body.waker.clone_from(context.waker()),
            None => {
                state.body = Some(Body {
                    waker: context.waker().clone(),
                    thread: Tid::current(),
                });
            }
        }
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pin_project! {
    /// The body of a test, until it ends or is found to stand still: then there is no output.
    pub(crate) struct UnlessStuck<F> {
        #[pin]
        body: F,
        trial: Arc<Trial>,
    }
}

impl Trial {
    /// `body`, which is polled no more when it is known that it waits for nothing.
    pub(crate) fn unless_stuck<F: Future>(self: &Arc<Self>, body: F) -> UnlessStuck<F> {
        UnlessStuck {
            body,
            trial: self.clone(),
        }
    }
}

impl<F: Future> Future for UnlessStuck<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let this = self.project();
        if this.trial.standstill.goes_on(context) {
            this.body.poll(context).map(Some)
        } else {
            Poll::Ready(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use stallscope_wire::message::Certainty;

    use super::*;
    use crate::locks::Doing;
    use crate::recorder::TaskId;
    use crate::sync::Side;
    use crate::sync::conflict::Place;

    fn sign(rule: Rule, episode: u64) -> Sign {
        let side = |id| Side {
            party: Party::Task(TaskId(id)),
            place: Place {
                file: "src/transfer.rs",
                line: 7,
                column: 9,
            },
            tid: 0,
        };
        Sign {
            rule,
            certainty: Certainty::Proven,
            episode,
            at: side(1),
            others: vec![(Doing::Waits, side(2))],
            queued: 0,
            lasts: 0,
            is_over: false,
        }
    }

    fn known(standstill: &Standstill) -> Vec<(Rule, u64)> {
        let signs = standstill.signs();
        signs.iter().map(|sign| (sign.rule, sign.queued)).collect()
    }

    #[test]
    fn a_sign_is_about_those_who_came_to_a_lock_of_the_test() {
        let standstill = Standstill::default();
        assert!(!standstill.is_about(&sign(Rule::Deadlock, 1)));
        standstill.meets(Party::Thread(2));
        assert!(!standstill.is_about(&sign(Rule::Deadlock, 1)));
        standstill.meets(Party::Task(TaskId(2)));
        assert!(standstill.is_about(&sign(Rule::Deadlock, 1)));
    }

    #[test]
    fn an_occurrence_is_kept_once_as_it_was_told_last() {
        let standstill = Standstill::default();
        for queued in [8, 30] {
            standstill.note(&Sign {
                queued,
                ..sign(Rule::Convoy, 1)
            });
        }
        standstill.note(&sign(Rule::Futurelock, 2));
        assert_eq!(
            known(&standstill),
            [(Rule::Convoy, 30), (Rule::Futurelock, 0)]
        );
    }

    #[test]
    fn a_body_that_waits_for_good_is_woken_and_one_behind_a_convoy_goes_on() {
        let ends = |rule| {
            let trial = Trial::new("tests::transfers", None, false);
            let (told, found) = (trial.clone(), sign(rule, 1));
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let body =
                    tokio::spawn(
                        async move { trial.unless_stuck(pending::<()>()).await.is_none() },
                    );
                tokio::task::yield_now().await;
                told.standstill.note(&found);
                let limit = Duration::from_millis(if rule == Rule::Convoy { 20 } else { 60_000 });
                tokio::time::timeout(limit, body).await.is_ok()
            })
        };
        assert!(ends(Rule::Deadlock));
        assert!(ends(Rule::Futurelock));
        assert!(!ends(Rule::Convoy));
    }

    #[test]
    fn only_a_thread_that_has_slept_ever_since_is_blocked() {
        let standstill = Standstill::default();
        assert!(!standstill.is_blocked_for(Duration::ZERO));
        assert!(standstill.goes_on(&Context::from_waker(Waker::noop())));
        standstill.note(&sign(Rule::Deadlock, 1));
        assert!(!standstill.goes_on(&Context::from_waker(Waker::noop())));
        assert!(!standstill.is_blocked_for(Duration::from_secs(3600)));
        // This is its thread, and it runs.
        assert!(!standstill.is_blocked_for(Duration::ZERO));
    }
}
