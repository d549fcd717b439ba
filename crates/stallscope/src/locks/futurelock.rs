//! Rule `futurelock`: a lock that nobody holds, given to a future that its own task polls no more.
//!
//! The locks are fair: one that is let go of belongs to the first in the queue, which takes it when it is polled next. A task that has
//! put that future aside, in a `select!` that went on with another branch, say, never does, and everybody behind it waits for good.

use std::collections::{HashMap, HashSet};

use stallscope_wire::message::Certainty;

use super::{Activity, Doing, Episodes, Parties, Sign, waiting};
use crate::findings::Rule;
use crate::sync::view::{LockView, WaiterView};

/// How long the lock has to lie there: a task that was woken is polled within microseconds, on a busy machine within milliseconds.
const LIES: u64 = 1_000_000_000;
const LOOKS: u32 = 2;
/// A task that is ready and has not been polled for so long would wait longer than its runtime lets any.
const NO_LONGER_READY: u64 = 5_000_000_000;

/// Locks that nobody takes.
#[derive(Default)]
pub(super) struct Futurelocks {
    known: HashMap<u64, Known>,
}

struct Known {
    first: WaiterView,
    first_look: u64,
    looks: u32,
    told: Option<Sign>,
}

impl Futurelocks {
    /// Of those that were seen more than once, also if they may yet be taken: any lock that is handed on lies there for a moment.
    pub(super) fn locks(&self) -> HashSet<u64> {
        let again = self.known.iter().filter(|(_, known)| known.looks >= LOOKS);
        again.map(|(id, _)| *id).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    pub(super) fn look(
        &mut self,
        now: u64,
        locks: &[LockView],
        parties: &dyn Parties,
        episodes: &mut Episodes,
    ) -> Vec<Sign> {
        let lying: HashMap<u64, Lying<'_>> = locks.iter().filter_map(Lying::of).collect();
        let mut signs = Vec::new();
        self.known.retain(|id, known| {
            let same = |lying: &Lying<'_>| lying.first.wait == known.first.wait;
            let stays = lying.get(id).is_some_and(same);
            if !stays && let Some(told) = known.told.take() {
                signs.push(Sign {
                    is_over: true,
                    ..told
                });
            }
            stays
        });
        for (id, lying) in &lying {
            let known = self.known.entry(*id).or_insert_with(|| Known {
                first: lying.first.clone(),
                first_look: now,
                looks: 0,
                told: None,
            });
            known.looks += 1;
            match &mut known.told {
                Some(told) => told.lasts = lying.released_ago,
                None if known.looks >= LOOKS
                    && lying.released_ago >= LIES
                    && is_abandoned(now, lying, known.first_look, locks, parties) =>
                {
                    let sign = lying.sign(episodes.next());
                    known.told = Some(sign.clone());
                    signs.push(sign);
                }
                None => {}
            }
        }
        signs
    }
}

/// A lock that was let go of, and that the first in its queue has not been polled to take.
struct Lying<'a> {
    first: &'a WaiterView,
    second: Option<&'a WaiterView>,
    waiters: u64,
    released_ago: u64,
}

impl<'a> Lying<'a> {
    fn of(lock: &'a LockView) -> Option<(u64, Self)> {
        let first = lock.waiters.first()?;
        let released_ago = lock.released_ago?;
        let is_free = lock.holders.is_empty() && lock.more_holders == 0;
        let is_unpolled = first.polled_ago >= released_ago;
        // A thread that is blocked wakes up by itself, whatever else its task does.
        (is_free && is_unpolled && !lock.kind.is_blocking()).then_some((
            lock.id,
            Lying {
                first,
                second: lock.waiters.get(1),
                waiters: lock.waiters.len() as u64,
                released_ago,
            },
        ))
    }

    fn sign(&self, episode: u64) -> Sign {
        let behind = self.second.map(|waiter| (Doing::Waits, waiting(waiter)));
        Sign {
            rule: Rule::Futurelock,
            certainty: Certainty::Proven,
            episode,
            at: waiting(self.first),
            others: behind.into_iter().collect(),
            queued: self.waiters - 1,
            lasts: self.released_ago,
            is_over: false,
        }
    }
}

/// Whether the task of the first in the queue has been polled since the lock was let go of, but not that future, and whether that is all
/// that is going to happen: the poll may have begun before, and the one that takes the lock may still be due.
fn is_abandoned(
    now: u64,
    lying: &Lying<'_>,
    first_look: u64,
    locks: &[LockView],
    parties: &dyn Parties,
) -> bool {
    let party = lying.first.party;
    let activity = parties.activity(party);
    let released = now.saturating_sub(lying.released_ago);
    let others = locks.iter().flat_map(|lock| &lock.waiters);
    let own = others.filter(|waiter| waiter.party == party);
    let polled_ago = own.map(|waiter| waiter.polled_ago).min();
    let polled_after = |then: u64| {
        // One that is being polled has not ended that poll, and the future's turn may come in it.
        let ended = matches!(activity, Activity::IdleSince(_)) && activity.is_after(then);
        ended || polled_ago.is_some_and(|ago| now.saturating_sub(ago) > then)
    };
    let is_due = activity == Activity::Runs
        || (parties.may_be_ready(party)
            && !polled_after(first_look)
            && lying.released_ago < NO_LONGER_READY);
    polled_after(released) && !is_due
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, MS, S, lock, place, task};
    use super::*;
    use crate::sync::view::LockKind;

    /// Looked at every 250 ms for ten seconds, released 100 ms before the first: the looks at which something was told.
    fn told(fake: &mut Fake, lock: impl Fn(u64) -> Vec<LockView>) -> Vec<(u64, Sign)> {
        let looks = 1..=40;
        looks
            .flat_map(|look| {
                let now = look * S / 4 + 100 * S;
                let signs = fake.look(now, &lock(now - 100 * S - 150 * MS));
                signs.into_iter().map(move |sign| (look, sign))
            })
            .collect()
    }

    const RELEASED: u64 = 100 * S + 150 * MS;

    /// Wanted by task 1, polled before the release, and by task 2.
    fn lying(ago: u64) -> Vec<LockView> {
        let lock = lock(1).released(ago).wanted_by(1, 1).polled(ago + 300 * MS);
        vec![lock.wanted_by(2, 2).polled(ago + 200 * MS).view]
    }

    #[test]
    fn a_future_that_was_put_aside_is_told_once_with_who_waits_behind_it() {
        let mut fake = Fake::default();
        fake.polled(1, RELEASED + MS);
        let told = told(&mut fake, lying);
        let [(5, sign)] = told.as_slice() else {
            panic!("{told:?}");
        };
        assert_eq!((sign.at.party, sign.at.place), (task(1), place(1).into()));
        let (doing, behind) = sign.others[0];
        assert_eq!(
            (doing, behind.party, behind.place),
            (Doing::Waits, task(2), place(2).into())
        );
        assert_eq!((sign.rule, sign.queued), (Rule::Futurelock, 1));
        let taken = [lock(1).held_by(1, 1).wanted_by(2, 2).view];
        let over = fake.look(111 * S, &taken);
        assert_eq!((over.len(), over[0].is_over), (1, true));
        assert_eq!(over[0].episode, sign.episode);
    }

    #[test]
    fn a_task_that_has_not_been_polled_since_is_late_and_no_more() {
        let mut fake = Fake::default();
        fake.polled(1, RELEASED - MS);
        assert_eq!(told(&mut fake, lying), []);
        fake.runs(1);
        assert_eq!(told(&mut fake, lying), [], "its turn may come in this poll");
        assert_eq!(
            told(&mut Fake::default(), lying),
            [],
            "of whom nothing is known"
        );
    }

    #[test]
    fn a_task_that_was_polled_as_the_lock_was_let_go_of_may_wait_for_its_turn() {
        let mut fake = Fake {
            ready: true,
            ..Fake::default()
        };
        fake.polled(1, RELEASED + MS);
        let looks: Vec<u64> = told(&mut fake, lying)
            .iter()
            .map(|(look, _)| *look)
            .collect();
        assert_eq!(looks, [21], "but not for longer than five seconds");
    }

    #[test]
    fn another_wait_of_the_same_task_shows_that_it_was_polled() {
        let waits_again = |ago: u64| {
            let first = lock(1).released(ago).wanted_by(1, 1).polled(ago + 300 * MS);
            let mut again = first.wanted_by(1, 2).polled(ago - MS);
            again.view.waiters[1].wait += 1;
            vec![again.view]
        };
        assert_eq!(told(&mut Fake::default(), waits_again).len(), 1);
    }

    #[test]
    fn a_lock_that_is_held_or_blocks_its_threads_is_none() {
        let mut fake = Fake::default();
        fake.polled(1, RELEASED + MS);
        let held = |ago| {
            let lock = lock(1).released(ago).held_by(9, 9);
            vec![lock.wanted_by(1, 1).polled(ago + 300 * MS).view]
        };
        assert_eq!(told(&mut fake, held), []);
        let blocking = |ago| {
            let lock = lock(1).of_kind(LockKind::BlockingMutex).released(ago);
            vec![lock.wanted_by(1, 1).polled(ago + 300 * MS).view]
        };
        assert_eq!(told(&mut fake, blocking), []);
    }
}
