//! Which workers have been in one poll for long? For runtimes that do not tell their polls (plain stable tokio): from
//! their own gauges, and by a proof.
//!
//! A worker that polls has an even park counter, and the time it has been busy is told every 61 polls: if both stand
//! still, it is in a poll, or in up to 61 of them. That makes it a suspect. Whether it is one poll takes a [`Proof`] that it has
//! not returned to the scheduler. Gauges are loads of atomics; nothing is asked of the runtime.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use stallscope_stack::kernel::ThreadState;
use stallscope_stack::{RawStack, Unwinder, capture_within};
use tokio::runtime::Handle;

use super::inbox::INBOX;
use super::proof::{self, Proof};
use super::returns::POLL_RETURNS;
use super::stall::{Now, Poll};
use super::{PATIENCE, Report};
use crate::recorder::{RECORDER, ThreadRecord};
use crate::runtimes::{RuntimeIndex, Watched};

/// The watched workers of all such runtimes.
pub(super) struct Workers {
    threshold: u64,
    seen: HashMap<(RuntimeIndex, u32), Seen>,
    unwinder: Option<Unwinder>,
    /// When the agent may be asked again to find the scheduler on a stack.
    may_ask: Now,
}

/// Naming the functions of a stack is work for the agent; not more often than this.
const ASK_EVERY: Now = 1_000_000_000;
/// Without a proof, only gauges that stood still for this many thresholds are believed, and only if two stacks agree.
const UNPROVEN: u64 = 10;
/// Wires that are laid at one time where it is not known which return address it is: processors have four debug registers.
const MOST_WIRES: usize = 3;
/// Threads that are looked at to find a worker that has changed its thread.
const MOST_STRAYS: usize = 8;

/// What a worker's gauges have shown.
struct Seen {
    gauges: Gauges,
    /// Since when they stand still.
    since: Now,
    suspect: Option<Suspect>,
    /// The stack of the first suspicion in this time.
    first: Option<RawStack>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Gauges {
    /// Even: the worker is not parked.
    pub(super) parks: u64,
    pub(super) busy: Duration,
}

/// A thread that may be in one long poll.
struct Suspect {
    poll: Poll,
    /// That this poll goes on.
    proof: Proof,
}

/// Whether the poll is still the one that was suspected.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Standing {
    Proven,
    /// Nothing proves it. It is likely if this earlier stack shows the same poll.
    Likely(RawStack),
    /// Another one, or it cannot be told.
    Unknown,
}

impl Workers {
    pub(super) fn new(threshold: u64) -> Self {
        Workers {
            threshold,
            seen: HashMap::new(),
            unwinder: None,
            may_ask: 0,
        }
    }

    /// The suspected polls. Second: whether any worker is at work, so that another look is due soon.
    pub(super) fn look(
        &mut self,
        now: Now,
        runtimes: &[(RuntimeIndex, Arc<Watched>)],
    ) -> (Vec<Poll>, bool) {
        let (mut polls, mut busy) = (Vec::new(), false);
        let unhooked = runtimes.iter().filter(|(_, watched)| !watched.is_hooked());
        let alive: Vec<(RuntimeIndex, Handle)> = unhooked
            .filter_map(|(runtime, watched)| Some((*runtime, watched.handle()?)))
            .collect();
        self.seen
            .retain(|(of, _), _| alive.iter().any(|(runtime, _)| runtime == of));
        for (runtime, handle) in alive {
            let metrics = handle.metrics();
            for worker in 0..metrics.num_workers() {
                let gauges = Gauges {
                    parks: metrics.worker_park_unpark_count(worker),
                    busy: metrics.worker_total_busy_duration(worker),
                };
                let at = (runtime, worker as u32);
                let seen = self
                    .seen
                    .entry(at)
                    .or_insert_with(|| Seen::new(gauges, now));
                let still = seen.look(gauges, now);
                busy |= still.is_some();
                if still.is_some_and(|still| still >= self.threshold / 2) && seen.suspect.is_none()
                {
                    self.suspect(at, now);
                }
                let suspect = self.seen.get(&at).and_then(|seen| seen.suspect.as_ref());
                polls.extend(suspect.map(|suspect| suspect.poll));
            }
        }
        (polls, busy)
    }

    /// Whether a suspected poll still is the same, at a later reading of its thread.
    pub(super) fn standing(
        &mut self,
        poll: &Poll,
        later: Option<&ThreadState>,
        now: Now,
    ) -> Standing {
        let threshold = self.threshold;
        let find = |seen: &&mut Seen| {
            seen.suspect
                .as_ref()
                .is_some_and(|suspect| suspect.poll == *poll)
        };
        let Some(seen) = self.seen.values_mut().find(find) else {
            return Standing::Unknown;
        };
        let standing = seen.standing(later, now, threshold);
        if standing == Standing::Unknown {
            // Suspected anew at the next look, by then perhaps with a wire.
            seen.suspect = None;
        }
        standing
    }

    /// Whether nothing has shown since that a suspected poll is over.
    pub(super) fn goes_on(&self, poll: &Poll) -> bool {
        let mut suspects = self.seen.values().filter_map(|seen| seen.suspect.as_ref());
        suspects.any(|suspect| suspect.poll == *poll && !suspect.proof.is_over())
    }

    fn suspect(&mut self, at: (RuntimeIndex, u32), now: Now) {
        let mut fallback = None;
        for thread in candidates(at) {
            if thread.polling().is_some() {
                return; // a poll that tells itself
            }
            let Some(handle) = thread.handle() else {
                continue;
            };
            let accused = Accused {
                thread: thread.number(),
                state: ThreadState::read(handle.tid()),
                stack: capture_within(&handle, PATIENCE).ok(),
            };
            let trace = accused.stack.as_ref().map(|stack| {
                let unwinder = self.unwinder.get_or_insert_with(Unwinder::new);
                unwinder.unwind(stack)
            });
            if let Some(address) = trace.and_then(|trace| POLL_RETURNS.outermost(&trace)) {
                self.accuse(at, now, accused, std::iter::once(address));
                return;
            }
            if thread.worker() == Some(at) {
                fallback.get_or_insert(accused);
            }
        }
        let Some(accused) = fallback else {
            return;
        };
        match &accused.stack {
            Some(stack) => {
                if now >= self.may_ask {
                    self.may_ask = now + ASK_EVERY;
                    INBOX.put(Report::Unexplained(Box::new(stack.clone())));
                }
                self.accuse(at, now, accused, std::iter::empty());
            }
            // It computes inside the kernel, and answers when it comes out: its poll returns to one of these.
            None => self.accuse(at, now, accused, POLL_RETURNS.all().take(MOST_WIRES)),
        }
    }

    fn accuse(
        &mut self,
        at: (RuntimeIndex, u32),
        now: Now,
        accused: Accused,
        returns: impl Iterator<Item = u64>,
    ) {
        let Some(seen) = self.seen.get_mut(&at) else {
            return;
        };
        let poll = Poll {
            thread: accused.thread,
            task: None,
            key: RECORDER.clock().now().0,
            since: now,
        };
        let wires = proof::lay(accused.state.tid, returns);
        seen.first = seen.first.take().or(accused.stack);
        seen.suspect = Some(Suspect {
            poll,
            proof: Proof::new(wires, accused.state),
        });
    }
}

/// A thread that is looked at because its worker may be stuck.
struct Accused {
    thread: u16,
    state: ThreadState,
    /// None if it did not answer.
    stack: Option<RawStack>,
}

/// Threads that may be this worker, the likeliest first: the one that said so last, and then, as `block_in_place` hands workers
/// on to other threads, those of the runtime that have never said what they are.
fn candidates(
    (runtime, worker): (RuntimeIndex, u32),
) -> impl Iterator<Item = &'static ThreadRecord> {
    let known = move |thread: &&ThreadRecord| thread.worker() == Some((runtime, worker));
    let stray =
        move |thread: &&ThreadRecord| thread.worker().is_none() && thread.pool() == Some(runtime);
    let strays = RECORDER.threads().iter().filter(stray).take(MOST_STRAYS);
    RECORDER.threads().iter().filter(known).chain(strays)
}

impl Seen {
    fn new(gauges: Gauges, now: Now) -> Self {
        Seen {
            gauges,
            since: now,
            suspect: None,
            first: None,
        }
    }

    /// How long the worker has been in a poll, or in a few; none if it is parked.
    fn look(&mut self, gauges: Gauges, now: Now) -> Option<u64> {
        let is_parked = gauges.parks % 2 == 1;
        let has_moved = gauges != self.gauges
            || self
                .suspect
                .as_ref()
                .is_some_and(|suspect| suspect.proof.is_over());
        if is_parked || has_moved {
            *self = Seen::new(gauges, now);
        }
        (!is_parked).then(|| now.saturating_sub(self.since))
    }

    fn standing(&self, later: Option<&ThreadState>, now: Now, threshold: u64) -> Standing {
        let Some(suspect) = &self.suspect else {
            return Standing::Unknown;
        };
        match suspect.proof.holds(later) {
            Some(true) => Standing::Proven,
            Some(false) => Standing::Unknown,
            None => match &self.first {
                Some(first) if now.saturating_sub(self.since) >= UNPROVEN * threshold => {
                    Standing::Likely(first.clone())
                }
                _ => Standing::Unknown,
            },
        }
    }
}
