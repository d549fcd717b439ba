//! Which closures of the blocking pools have been running for longer than they may? By the stacks of the pools' threads, and a proof.
//!
//! A stack tells that a thread is in a closure, but not since when: that takes a [`Proof`]. Without one, its age begins anew.
//!
//! All this is done on the agent's thread: it has the names by which a stack is understood, and a look that takes long there delays no
//! look at a poll. A thread is looked at a few times per limit; one that has slept since it was idle costs a few reads.

use std::collections::{HashMap, HashSet};

use stallscope_stack::kernel::{Cause, ThreadState};
use stallscope_stack::{RawStack, ThreadHandle, Tid, capture_within};

use super::PATIENCE;
use super::aging::{self, Aging};
use super::proof::{self, Proof};
use super::stall::Now;
use super::whereabouts::{Places, Whereabouts};
use crate::recorder::{RECORDER, ThreadRecord};

/// Threads that are looked at in one go: a running one takes some milliseconds to show its stack.
const MOST_LOOKS: usize = 16;
/// Wires that lie at one time; each takes a file descriptor.
const MOST_WIRES: usize = 32;

/// What there is to tell of a closure.
pub(crate) struct Elderly {
    /// The number of its thread's record, and when it was first seen: together they name it.
    pub(crate) thread: u16,
    pub(crate) since: Now,
    pub(crate) tid: u32,
    /// How long it has run, nanoseconds; too short by up to a quarter of the limit, never too long.
    pub(crate) length: u64,
    /// None: it is over.
    pub(crate) sight: Option<Sight>,
}

/// A closure as it is now.
pub(crate) struct Sight {
    pub(crate) stack: RawStack,
    pub(crate) doing: Cause,
}

/// The threads of all pools. Owned by the agent.
#[derive(Default)]
pub(crate) struct Pools {
    threads: HashMap<u16, Watched>,
    places: Places,
}

/// A thread of a pool.
struct Watched {
    tid: Tid,
    /// When to look next.
    due: Now,
    last: Last,
}

/// What was seen of it last.
enum Last {
    /// Nothing that could be understood.
    Nothing,
    /// It was in no closure; while it sleeps on, it still is in none.
    Elsewhere(Box<Proof>),
    InClosure {
        proof: Box<Proof>,
        aging: Aging,
    },
}

impl Pools {
    /// Looks at the threads that are due; `explain` names a stack that the addresses known so far do not explain.
    pub(crate) fn look(
        &mut self,
        now: Now,
        limit: u64,
        explain: &mut dyn FnMut(&RawStack) -> Option<Whereabouts>,
    ) -> Vec<Elderly> {
        let mut elderly = Vec::new();
        let mut alive = HashSet::new();
        let mut due: Vec<(Now, &ThreadRecord, ThreadHandle)> = Vec::new();
        for thread in RECORDER.threads().iter() {
            let Some((number, handle)) = in_a_pool(thread) else {
                continue;
            };
            alive.insert((number, handle.tid()));
            let first = || Watched {
                tid: handle.tid(),
                due: now + aging::pause(limit),
                last: Last::Nothing,
            };
            let watched = self.threads.entry(number).or_insert_with(first);
            if watched.due <= now {
                due.push((watched.due, thread, handle));
            }
        }
        self.threads.retain(|number, watched| {
            let is_alive = alive.contains(&(*number, watched.tid));
            if !is_alive {
                elderly.extend(watched.last.over(*number, watched.tid, now));
            }
            is_alive
        });
        due.sort_by_key(|(due, ..)| *due);
        for (_, thread, handle) in due.into_iter().take(MOST_LOOKS) {
            let Some(mut watched) = self.threads.remove(&thread.number()) else {
                continue; // the record has passed to another thread: seen next time
            };
            elderly.extend(self.look_at(thread, &handle, &mut watched, (now, limit), explain));
            self.threads.insert(thread.number(), watched);
        }
        elderly
    }

    /// The process as a whole stood still: nothing has aged.
    pub(crate) fn forgive(&mut self, length: u64) {
        for watched in self.threads.values_mut() {
            if let Last::InClosure { aging, .. } = &mut watched.last {
                aging.forgive(length);
            }
        }
    }

    fn look_at(
        &mut self,
        thread: &ThreadRecord,
        handle: &ThreadHandle,
        watched: &mut Watched,
        (now, limit): (Now, u64),
        explain: &mut dyn FnMut(&RawStack) -> Option<Whereabouts>,
    ) -> Option<Elderly> {
        watched.due = now + aging::pause(limit);
        // A poll that is told is a worker's; and what is intended may take its time.
        let is_excused = thread.polling().is_some() || thread.is_allowed();
        let later = ThreadState::read(handle.tid());
        if is_excused || !watched.last.still_holds(&later) {
            let over = watched.last.over(thread.number(), watched.tid, now);
            watched.last = if is_excused {
                Last::Nothing
            } else {
                self.see(handle, (now, limit), explain)
            };
            return over;
        }
        let Last::InClosure { aging, .. } = &mut watched.last else {
            return None;
        };
        if !aging.is_due(now) {
            watched.due = aging.look_again(now, limit);
            return None;
        }
        let stack = capture_within(handle, PATIENCE).ok()?;
        match self.places.named(&stack, explain)? {
            // A worker is a closure of the pool too; before the first one was named, it was taken for another.
            Whereabouts::Elsewhere { .. } => {
                watched.last = Last::elsewhere(later);
                return None;
            }
            Whereabouts::InClosure { .. } => {}
        }
        // It may have returned while its stack was taken: then this is another one's.
        if !watched.last.still_holds(&ThreadState::read(handle.tid())) {
            return None;
        }
        let Last::InClosure { aging, .. } = &mut watched.last else {
            return None;
        };
        aging.was_told(now);
        watched.due = aging.look_again(now, limit);
        Some(Elderly {
            thread: thread.number(),
            since: aging.since,
            tid: thread.tid(),
            length: aging.age(now),
            sight: Some(Sight {
                stack,
                doing: Cause::now(&later),
            }),
        })
    }

    /// Looks at a thread of which nothing is known any more.
    fn see(
        &mut self,
        handle: &ThreadHandle,
        (now, limit): (Now, u64),
        explain: &mut dyn FnMut(&RawStack) -> Option<Whereabouts>,
    ) -> Last {
        let before = ThreadState::read(handle.tid());
        let Ok(stack) = capture_within(handle, PATIENCE) else {
            return Last::Nothing;
        };
        let returns_to = match self.places.of(&stack, explain) {
            Some(Whereabouts::InClosure { returns_to }) => returns_to,
            Some(Whereabouts::Elsewhere { .. }) => return Last::elsewhere(before),
            None => return Last::Nothing,
        };
        let laid = self.threads.values().filter(|other| other.last.has_wire());
        let returns = (laid.count() < MOST_WIRES).then_some(returns_to);
        let wires = proof::lay(handle.tid(), returns.into_iter());
        let state = ThreadState::read(handle.tid());
        // The closure may have returned before the wire was laid, and an idle thread does not trip one.
        let is_the_same = before.slept_until(&state) == Some(true);
        if !is_the_same && !self.is_in_closure(handle, explain) {
            return Last::Nothing;
        }
        Last::InClosure {
            proof: Box::new(Proof::new(wires, state)),
            aging: Aging::new(now, limit),
        }
    }

    fn is_in_closure(
        &mut self,
        handle: &ThreadHandle,
        explain: &mut dyn FnMut(&RawStack) -> Option<Whereabouts>,
    ) -> bool {
        let Ok(stack) = capture_within(handle, PATIENCE) else {
            return false;
        };
        let whereabouts = self.places.of(&stack, explain);
        matches!(whereabouts, Some(Whereabouts::InClosure { .. }))
    }
}

/// A thread that a watched runtime has made, with its number.
fn in_a_pool(thread: &ThreadRecord) -> Option<(u16, ThreadHandle)> {
    thread.pool()?;
    Some((thread.number(), thread.handle()?))
}

impl Last {
    fn elsewhere(state: ThreadState) -> Self {
        Last::Elsewhere(Box::new(Proof::new(Vec::new(), state)))
    }

    /// Whether it is proven that the thread still is where it was seen.
    fn still_holds(&self, later: &ThreadState) -> bool {
        match self {
            Last::Nothing => false,
            Last::Elsewhere(proof) | Last::InClosure { proof, .. } => {
                proof.holds(Some(later)) == Some(true)
            }
        }
    }

    fn has_wire(&self) -> bool {
        matches!(self, Last::InClosure { proof, .. } if proof.has_wire())
    }

    /// That a closure which was told is over.
    fn over(&self, thread: u16, tid: Tid, now: Now) -> Option<Elderly> {
        let Last::InClosure { aging, .. } = self else {
            return None;
        };
        aging.is_told().then(|| Elderly {
            thread,
            since: aging.since,
            tid: tid.number().unsigned_abs(),
            length: aging.age(now),
            sight: None,
        })
    }
}
