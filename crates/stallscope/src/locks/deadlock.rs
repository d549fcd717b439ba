//! Rule `deadlock`: parties that wait for each other in a circle, and none of which goes on.

use std::collections::HashSet;

use stallscope_wire::message::Certainty;

use super::cycles::{Cycle, Graph, Link};
use super::{Doing, Episodes, Parties, Sign, holding, waiting};
use crate::findings::Rule;
use crate::sync::view::LockView;

/// How long each wait and each holding of a circle has to stay the same. Nobody in it goes on by itself, so this is not about chance: it
/// leaves those alone who give up after a second and try again, and looks that were taken while locks changed hands.
const STANDS: u64 = 2_000_000_000;
/// And in how many looks: a process that stood still in between has shown nothing.
const LOOKS: u32 = 3;
/// Where a party may wait in one branch of a `join!` and hold in another: see [`certainty`].
const STANDS_IN_BRANCHES: u64 = 5_000_000_000;
/// Circles that are followed at a time.
const MOST: usize = 64;

/// The circles there are.
#[derive(Default)]
pub(super) struct Deadlocks {
    known: Vec<Known>,
}

struct Known {
    cycle: Cycle,
    /// Since when nobody in it was polled, as far as is known, and the looks since.
    stands_since: u64,
    looks: u32,
    /// As what it was told.
    told: Option<Told>,
}

#[derive(Clone, Copy)]
struct Told {
    episode: u64,
    certainty: Certainty,
}

impl Deadlocks {
    /// The locks of all circles, also of those that may yet resolve.
    pub(super) fn locks(&self) -> HashSet<u64> {
        self.known
            .iter()
            .flat_map(|known| known.cycle.locks())
            .collect()
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
        let mut graph = Graph::of(locks);
        let mut signs = Vec::new();
        self.known.retain_mut(|known| {
            if let Some(cycle) = graph.again(&known.cycle) {
                known.again(now, cycle, parties);
                return true;
            }
            signs.extend(known.told.map(|told| known.sign(told, true)));
            false
        });
        for known in &mut self.known {
            if known.told.is_none()
                && let Some(certainty) = certainty(&known.cycle, &graph)
                && known.has_stood(now, certainty)
            {
                let told = Told {
                    episode: episodes.next(),
                    certainty,
                };
                known.told = Some(told);
                signs.push(known.sign(told, false));
            }
        }
        for known in &self.known {
            graph.remove(&known.cycle);
        }
        while self.known.len() < MOST
            && let Some(cycle) = graph.next_cycle()
        {
            graph.remove(&cycle);
            self.known.push(Known {
                cycle,
                stands_since: now,
                looks: 1,
                told: None,
            });
        }
        signs
    }
}

impl Known {
    /// It is there once more. If one of its parties was polled meanwhile, nothing is known of the time before: it may have more to do than to wait.
    fn again(&mut self, now: u64, cycle: Cycle, parties: &dyn Parties) {
        let since = self.stands_since;
        let was_polled = |link: &Link| {
            let waits = now.saturating_sub(link.waiter.polled_ago) > since;
            // A thread that is blocked polls on and on, and gets nowhere.
            !link.blocks() && (waits || parties.activity(link.waiter.party).is_after(since))
        };
        if cycle.links.iter().any(was_polled) {
            (self.stands_since, self.looks) = (now, 0);
        }
        self.looks += 1;
        self.cycle = cycle;
    }

    fn has_stood(&self, now: u64, certainty: Certainty) -> bool {
        let needed = match certainty {
            Certainty::Proven => STANDS,
            _ => STANDS_IN_BRANCHES,
        };
        self.looks >= LOOKS && now.saturating_sub(self.stands_since) >= needed
    }

    fn sign(&self, told: Told, is_over: bool) -> Sign {
        let links = &self.cycle.links;
        let rest = links.iter().skip(1);
        let waits = rest.map(|link| (Doing::Waits, waiting(&link.waiter)));
        let holds = links
            .iter()
            .map(|link| (Doing::Holds, holding(&link.holder)));
        // All of it stands since the youngest wait began.
        let lasts = links.iter().map(|link| link.waiter.waits_for).min();
        Sign {
            rule: Rule::Deadlock,
            certainty: told.certainty,
            episode: told.episode,
            at: waiting(&links[0].waiter),
            others: waits.chain(holds).collect(),
            queued: 0,
            lasts: lasts.unwrap_or(0),
            is_over,
        }
    }
}

/// How sure it is that a circle which stands is one for good; none if it is not to be told.
///
/// Whoever is blocked on a thread does nothing else. A task that awaits a lock may: in a `join!` or a stream of several futures another
/// branch of it can hold the lock, wait for something else, and go on. Such a task is one party, and its branches cannot be told apart.
/// - It waits once, and for others than itself: it would have to hold a lock in one branch, idle for as long as the circle stands,
///   wait in another, and meet the like in the opposite order. Between tasks that is what a deadlock is made of, whether or not the idle
///   branch breaks it one day, as a `timeout` around a `lock()` can, too.
/// - It waits for itself, or several times: only likely.
/// - It waits more often than it holds: some branches hold nothing, and which do cannot be known.
fn certainty(cycle: &Cycle, graph: &Graph) -> Option<Certainty> {
    let mut certainty = Certainty::Proven;
    for link in cycle.links.iter().filter(|link| !link.blocks()) {
        let (waits, holdings) = graph.waits_and_holdings(link.waiter.party);
        if waits > holdings {
            return None;
        }
        if waits > 1 || cycle.links.len() == 1 {
            certainty = Certainty::Likely;
        }
    }
    Some(certainty)
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, MS, S, lock, place, task};
    use super::*;
    use crate::sync::view::LockKind;

    /// Task 1 holds the first and wants the second, task 2 the other way round.
    fn opposite() -> [LockView; 2] {
        [
            lock(1).held_by(1, 1).wanted_by(2, 4).view,
            lock(2).held_by(2, 3).wanted_by(1, 2).view,
        ]
    }

    fn idle(fake: &mut Fake) {
        for id in 1..=3 {
            fake.polled(id, 0);
        }
    }

    #[test]
    fn opposite_orders_are_told_once_with_all_lines_and_are_over_when_one_gives_up() {
        let mut fake = Fake::default();
        idle(&mut fake);
        let mut told = Vec::new();
        for look in 1..=40 {
            let signs = fake.look(look * S / 4, &opposite());
            told.extend(signs.into_iter().map(|sign| (look, sign)));
        }
        let [(look, sign)] = told.as_slice() else {
            panic!("{told:?}");
        };
        assert_eq!(*look, 9, "two seconds after the first look");
        assert_eq!(
            (sign.rule, sign.certainty),
            (Rule::Deadlock, Certainty::Proven)
        );
        assert_eq!((sign.at.party, sign.at.place), (task(2), place(4).into()));
        let others: Vec<_> = sign
            .others
            .iter()
            .map(|(doing, side)| (*doing, side.party, side.place))
            .collect();
        let expected = [
            (Doing::Waits, task(1), place(2).into()),
            (Doing::Holds, task(1), place(1).into()),
            (Doing::Holds, task(2), place(3).into()),
        ];
        assert_eq!(others, expected);
        let one_gave_up = [
            lock(1).held_by(1, 1).view,
            lock(2).held_by(2, 3).wanted_by(1, 2).view,
        ];
        let over = fake.look(11 * S, &one_gave_up);
        assert_eq!(over.len(), 1);
        assert_eq!((over[0].is_over, over[0].episode), (true, sign.episode));
        assert!(fake.locks.knows_nothing());
    }

    #[test]
    fn locks_taken_in_one_order_are_none() {
        let mut fake = Fake::default();
        idle(&mut fake);
        let consistent = [
            lock(1).held_by(1, 1).wanted_by(2, 1).wanted_by(3, 1).view,
            lock(2).held_by(9, 2).wanted_by(1, 2).view,
        ];
        for look in 0..40 {
            assert_eq!(fake.look(look * S / 4, &consistent), []);
        }
    }

    #[test]
    fn a_circle_that_resolves_within_a_second_is_none_however_often_it_comes_back() {
        let mut fake = Fake::default();
        idle(&mut fake);
        for round in 0..20 {
            for look in 0..4 {
                assert_eq!(fake.look(round * S + look * S / 4, &opposite()), []);
            }
            assert_eq!(fake.look(round * S + 900 * MS, &[]), []);
        }
    }

    #[test]
    fn the_same_circle_of_other_waits_is_another_one() {
        let mut fake = Fake::default();
        idle(&mut fake);
        for look in 0..40 {
            let [a, mut b] = opposite();
            b.waiters[0].wait += look / 4; // gives up and waits anew each second
            assert_eq!(fake.look(look * S / 4, &[a, b]), []);
        }
    }

    #[test]
    fn a_party_that_is_polled_may_have_more_to_do_than_to_wait() {
        let mut fake = Fake::default();
        idle(&mut fake);
        for look in 1..=40 {
            fake.polled(2, look * S / 4 - 100 * MS);
            assert_eq!(fake.look(look * S / 4, &opposite()), []);
        }
        // It stops: from then on it is as with any other.
        let told: Vec<u64> = (41..=60)
            .filter(|look| !fake.look(look * S / 4, &opposite()).is_empty())
            .collect();
        assert_eq!(told, [48]);
    }

    #[test]
    fn threads_that_are_blocked_are_in_it_though_they_poll() {
        let mut fake = Fake::default();
        fake.runs(1);
        fake.runs(2);
        let blocking = opposite().map(|mut view| {
            view.waiters[0].polled_ago = 0;
            view
        });
        let told = (0..20).flat_map(|look| fake.look(look * S / 4, &blocking));
        assert_eq!(told.count(), 1);
    }

    #[test]
    fn to_wait_for_what_one_holds_is_certain_on_a_thread_and_likely_in_a_task() {
        let own = |kind| {
            let mut fake = Fake::default();
            idle(&mut fake);
            let locks = [lock(1).of_kind(kind).held_by(1, 1).wanted_by(1, 2).view];
            let told = (0..40).flat_map(|look| {
                let signs = fake.look(look * S / 4, &locks);
                signs.into_iter().map(move |sign| (look, sign.certainty))
            });
            told.collect::<Vec<_>>()
        };
        assert_eq!(own(LockKind::BlockingMutex), [(8, Certainty::Proven)]);
        assert_eq!(own(LockKind::Mutex), [(20, Certainty::Likely)]);
    }

    #[test]
    fn branches_of_one_task_that_queue_for_what_another_of_them_holds_are_none() {
        let mut fake = Fake::default();
        idle(&mut fake);
        let mut buffered = lock(1).held_by(1, 1).wanted_by(1, 1);
        buffered = buffered.wanted_by(1, 1);
        buffered.view.waiters[1].wait += 1;
        for look in 0..80 {
            assert_eq!(fake.look(look * S / 4, &[buffered.view.clone()]), []);
        }
    }

    #[test]
    fn looks_that_were_far_apart_have_not_seen_enough() {
        let mut fake = Fake::default();
        idle(&mut fake);
        assert_eq!(fake.look(S, &opposite()), []);
        assert_eq!(fake.look(60 * S, &opposite()), []);
        assert_eq!(fake.look(61 * S, &opposite()).len(), 1);
    }
}
