//! Rule `convoy`: a lock that is held while its holder awaits something, and a queue that stands behind it.

use std::collections::{HashMap, HashSet};

use stallscope_wire::message::Certainty;

use super::{Activity, Doing, Episodes, Parties, Sign, holding, waiting};
use crate::findings::Rule;
use crate::sync::Side;
use crate::sync::view::{HolderView, LockView};

/// From how many waiters on a queue is one. The last of them waits for eight awaits of others, one after the other. Shorter ones come and go
/// wherever a handful of tasks share a connection or a file and take turns on purpose.
const QUEUE: usize = 8;
/// In how many looks in a row it has to stand.
const LOOKS: u32 = 2;
/// How often a holder has to be seen that awaits something: once may be a task that had to give its worker to others.
const SIGHTS: u32 = 2;
/// It is over when the queue was shorter in so many looks in a row: about a second.
const GONE: u32 = 4;

/// Locks with long queues.
#[derive(Default)]
pub(super) struct Convoys {
    known: HashMap<u64, Known>,
}

/// A queue, from the first look in which it was long. Holdings come and go with it.
struct Known {
    since: u64,
    last_long: u64,
    /// In a row, the last of them in the last look.
    long_looks: u32,
    short_looks: u32,
    longest: usize,
    /// By the place of the holder's `lock()`.
    holders: Vec<Sights>,
    waiter: Option<Side>,
    told: Option<Told>,
}

/// Of holders that awaited something.
struct Sights {
    holder: Side,
    count: u32,
}

#[derive(Clone, Copy)]
struct Told {
    episode: u64,
    longest: usize,
}

impl Convoys {
    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// `consequences`: locks that stand still for a reason that is told of by itself.
    pub(super) fn look(
        &mut self,
        now: u64,
        locks: &[LockView],
        parties: &dyn Parties,
        consequences: &HashSet<u64>,
        episodes: &mut Episodes,
    ) -> Vec<Sign> {
        let is_long =
            |lock: &&LockView| lock.waiters.len() >= QUEUE && !consequences.contains(&lock.id);
        let long: HashMap<u64, &LockView> = locks
            .iter()
            .filter(is_long)
            .map(|lock| (lock.id, lock))
            .collect();
        let mut signs = Vec::new();
        self.known.retain(|id, known| {
            if long.contains_key(id) {
                return true;
            }
            (known.long_looks, known.short_looks) = (0, known.short_looks + 1);
            // What has not become a finding yet begins anew.
            let stays = known.told.is_some() && known.short_looks < GONE;
            if !stays {
                signs.extend(known.sign(true));
            }
            stays
        });
        for (id, lock) in long {
            let known = self.known.entry(id).or_insert_with(|| Known::new(now));
            known.take_in(now, lock, parties);
            signs.extend(known.news(episodes));
        }
        signs
    }
}

impl Known {
    fn new(now: u64) -> Self {
        Known {
            since: now,
            last_long: now,
            long_looks: 0,
            short_looks: 0,
            longest: 0,
            holders: Vec::new(),
            waiter: None,
            told: None,
        }
    }

    fn take_in(&mut self, now: u64, lock: &LockView, parties: &dyn Parties) {
        self.last_long = now;
        (self.long_looks, self.short_looks) = (self.long_looks + 1, 0);
        self.longest = self.longest.max(lock.waiters.len());
        self.waiter = lock.waiters.first().map(waiting);
        let awaits = |holder: &&HolderView| {
            // A poll that ended after the look was begun may have let go of the lock in between.
            let is_idle = matches!(parties.activity(holder.party), Activity::IdleSince(since) if since <= now);
            holder.across_await || is_idle
        };
        for holder in lock.holders.iter().filter(awaits).map(holding) {
            let known = self.holders.iter_mut();
            let mut same = known.filter(|known| known.holder.place == holder.place);
            match same.next() {
                Some(known) => known.count += 1,
                None => self.holders.push(Sights { holder, count: 1 }),
            }
        }
    }

    /// That there is one, or that it has become longer.
    fn news(&mut self, episodes: &mut Episodes) -> Option<Sign> {
        let sights: u32 = self.holders.iter().map(|known| known.count).sum();
        let is_seen = self.long_looks >= LOOKS && sights >= SIGHTS;
        let told = match self.told {
            None if is_seen => Told {
                episode: episodes.next(),
                longest: self.longest,
            },
            Some(told) if self.longest > told.longest => Told {
                longest: self.longest,
                ..told
            },
            _ => return None,
        };
        self.told = Some(told);
        self.sign(false)
    }

    fn sign(&self, is_over: bool) -> Option<Sign> {
        // The first of several, so that the same convoy stays at the same line.
        let most = self
            .holders
            .iter()
            .reduce(|most, next| if next.count > most.count { next } else { most })?;
        let waiter = self.waiter.map(|waiter| (Doing::Waits, waiter));
        Some(Sign {
            rule: Rule::Convoy,
            certainty: Certainty::Likely,
            episode: self.told?.episode,
            at: most.holder,
            others: waiter.into_iter().collect(),
            queued: self.longest as u64,
            lasts: self.last_long - self.since,
            is_over,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, Lock, S, lock, place, task};
    use super::*;

    fn with_queue(mut lock: Lock, length: u64) -> LockView {
        for party in 0..length {
            lock = lock.wanted_by(100 + party, 9);
        }
        lock.view
    }

    /// Looked at every 250 ms for ten seconds.
    fn told(fake: &mut Fake, view: impl Fn(u64) -> LockView) -> Vec<(u64, Sign)> {
        (1..=40)
            .flat_map(|look| {
                let signs = fake.look(look * S / 4, &[view(look)]);
                signs.into_iter().map(move |sign| (look, sign))
            })
            .collect()
    }

    #[test]
    fn a_queue_behind_one_that_awaits_is_told_once_and_is_over_when_it_has_gone() {
        let mut fake = Fake::default();
        fake.polled(1, 0);
        let found = told(&mut fake, |_| with_queue(lock(1).held_by(1, 1), 8));
        let [(2, sign)] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!(
            (sign.rule, sign.certainty),
            (Rule::Convoy, Certainty::Likely)
        );
        assert_eq!((sign.at.party, sign.at.place), (task(1), place(1).into()));
        assert_eq!(sign.others[0].1.place, place(9).into());
        assert_eq!(sign.queued, 8);
        let over = told(&mut fake, |_| with_queue(lock(1).held_by(1, 1), 2));
        let [(4, over)] = over.as_slice() else {
            panic!("{over:?}");
        };
        assert_eq!((over.is_over, over.episode), (true, sign.episode));
        assert!(fake.locks.knows_nothing());
    }

    #[test]
    fn a_queue_of_seven_is_none_and_neither_is_one_that_is_long_for_a_moment() {
        let mut fake = Fake::default();
        fake.polled(1, 0);
        assert_eq!(
            told(&mut fake, |_| with_queue(lock(1).held_by(1, 1), 7)),
            []
        );
        let moments = |look| with_queue(lock(1).held_by(1, 1), if look % 2 == 0 { 50 } else { 3 });
        assert_eq!(told(&mut fake, moments), []);
    }

    #[test]
    fn a_lock_that_is_let_go_of_within_the_poll_is_none_however_long_its_queue() {
        let mut fake = Fake::default();
        fake.runs(1);
        assert_eq!(
            told(&mut fake, |_| with_queue(lock(1).held_by(1, 1), 500)),
            []
        );
        // Seen just after its poll, which had let go of it.
        let mut fake = Fake::default();
        fake.polled(1, 1000 * S);
        assert_eq!(
            told(&mut fake, |_| with_queue(lock(1).held_by(1, 1), 500)),
            []
        );
    }

    #[test]
    fn each_holds_it_briefly_and_the_queue_stands() {
        let mut fake = Fake::default();
        let view = |look: u64| {
            let at = if look.is_multiple_of(3) { 2 } else { 1 };
            let mut lock = lock(1).held_by(look % 5, at).held_anew(look);
            lock.view.holders[0].across_await = true;
            with_queue(lock, 20)
        };
        let found = told(&mut fake, view);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].1.at.place, place(1).into());
    }

    #[test]
    fn a_queue_that_grows_is_the_same_one_grown_longer() {
        let mut fake = Fake::default();
        fake.polled(1, 0);
        let found = told(&mut fake, |look| {
            with_queue(lock(1).held_by(1, 1), 8 + look / 10)
        });
        let queued: Vec<u64> = found.iter().map(|(_, sign)| sign.queued).collect();
        assert_eq!(queued, [8, 9, 10, 11, 12]);
        assert!(
            found
                .iter()
                .all(|(_, sign)| sign.episode == found[0].1.episode)
        );
    }
}
