//! Who waits for whom in a circle? One look at the locks, as a graph; nothing is remembered here.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet, VecDeque};

use crate::sync::Party;
use crate::sync::view::{HolderView, LockView, WaiterView};

/// A party that waits for a lock, and one that holds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Link {
    pub(super) lock: u64,
    pub(super) waiter: WaiterView,
    pub(super) holder: HolderView,
}

/// Links in a circle: who holds the lock of one waits in the next. It begins with the oldest wait.
///
/// One link suffices: a party that waits for a lock it holds itself. Where several hold a lock together, whoever waits for it waits for each
/// of them, so a circle through any one of them is one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Cycle {
    pub(super) links: Vec<Link>,
}

impl Link {
    /// Whether a thread is blocked until it has the lock, so that whoever runs there does nothing else.
    pub(super) fn blocks(&self) -> bool {
        self.waiter.polled_ago == 0
    }

    /// Where it stands among others: the oldest wait first.
    fn age(&self) -> (Reverse<u64>, u64, u64, u64) {
        let waiter = &self.waiter;
        (
            Reverse(waiter.waits_for),
            self.lock,
            waiter.wait,
            self.holder.holding,
        )
    }
}

impl Cycle {
    /// The locks it goes through, which name it.
    pub(super) fn locks(&self) -> Vec<u64> {
        let mut locks: Vec<u64> = self.links.iter().map(|link| link.lock).collect();
        locks.sort_unstable();
        locks
    }
}

/// All links of one look.
pub(super) struct Graph {
    /// By who waits; the oldest wait of each first.
    links: HashMap<Party, Vec<Link>>,
    waits: HashMap<Party, usize>,
    holdings: HashMap<Party, usize>,
}

impl Graph {
    /// Only parties that both wait and hold can be in a circle: the others, however many, are left out at once.
    pub(super) fn of(locks: &[LockView]) -> Self {
        let mut waits: HashMap<Party, usize> = HashMap::new();
        let mut holdings: HashMap<Party, usize> = HashMap::new();
        for lock in locks {
            for holder in &lock.holders {
                *holdings.entry(holder.party).or_default() += 1;
            }
        }
        let waiters = locks.iter().flat_map(|lock| &lock.waiters);
        for waiter in waiters.filter(|waiter| holdings.contains_key(&waiter.party)) {
            *waits.entry(waiter.party).or_default() += 1;
        }
        let mut links: HashMap<Party, Vec<Link>> = HashMap::new();
        for lock in locks {
            let stuck = |party: &Party| waits.contains_key(party);
            let holders = lock.holders.iter().filter(|holder| stuck(&holder.party));
            let holders: Vec<&HolderView> = holders.collect();
            for waiter in lock.waiters.iter().filter(|waiter| stuck(&waiter.party)) {
                let link = |holder: &&HolderView| Link {
                    lock: lock.id,
                    waiter: waiter.clone(),
                    holder: (*holder).clone(),
                };
                let of_party = links.entry(waiter.party).or_default();
                of_party.extend(holders.iter().map(link));
            }
        }
        for of_party in links.values_mut() {
            of_party.sort_by_key(Link::age);
        }
        Graph {
            links,
            waits,
            holdings,
        }
    }

    /// How many locks a party waits for and how many it holds, among those that somebody waits for.
    pub(super) fn waits_and_holdings(&self, party: Party) -> (usize, usize) {
        let count = |of: &HashMap<Party, usize>| of.get(&party).copied().unwrap_or(0);
        (count(&self.waits), count(&self.holdings))
    }

    /// The same circle, if each of its waits and holdings is still there.
    pub(super) fn again(&self, cycle: &Cycle) -> Option<Cycle> {
        let again = |link: &Link| {
            let same = |now: &&Link| {
                (now.lock, now.waiter.wait, now.holder.holding)
                    == (link.lock, link.waiter.wait, link.holder.holding)
            };
            self.links.get(&link.waiter.party)?.iter().find(same)
        };
        let links: Option<Vec<Link>> = cycle
            .links
            .iter()
            .map(|link| again(link).cloned())
            .collect();
        links.map(|links| Cycle { links })
    }

    /// Takes out whoever is in a circle: it is told of once, and what else leads through it is a part of the same trouble.
    pub(super) fn remove(&mut self, cycle: &Cycle) {
        for link in &cycle.links {
            self.links.remove(&link.waiter.party);
        }
    }

    /// One circle, the one through the oldest wait that is in any, and there the shortest.
    pub(super) fn next_cycle(&mut self) -> Option<Cycle> {
        self.trim();
        let mut starts: Vec<&Link> = self.links.values().flatten().collect();
        starts.sort_by_key(|link| link.age());
        starts.into_iter().find_map(|start| self.shortest(start))
    }

    /// Takes out who waits for nobody that waits in turn, until all that are left lead into circles. As a rule nothing is left.
    fn trim(&mut self) {
        loop {
            let waiting: HashSet<Party> = self.links.keys().copied().collect();
            for of_party in self.links.values_mut() {
                of_party.retain(|link| waiting.contains(&link.holder.party));
            }
            self.links.retain(|_, of_party| !of_party.is_empty());
            if self.links.len() == waiting.len() {
                return;
            }
        }
    }

    /// The shortest way from this link's holder back to its waiter.
    fn shortest(&self, start: &Link) -> Option<Cycle> {
        let goal = start.waiter.party;
        let mut came_by: HashMap<Party, &Link> = HashMap::from([(start.holder.party, start)]);
        let mut next = VecDeque::from([start.holder.party]);
        while let Some(party) = next.pop_front() {
            if party == goal {
                return Some(way_back(start, &came_by));
            }
            for link in self.links.get(&party).into_iter().flatten() {
                if let std::collections::hash_map::Entry::Vacant(entry) =
                    came_by.entry(link.holder.party)
                {
                    entry.insert(link);
                    next.push_back(link.holder.party);
                }
            }
        }
        None
    }
}

fn way_back(start: &Link, came_by: &HashMap<Party, &Link>) -> Cycle {
    let mut links = Vec::new();
    let mut party = start.waiter.party;
    while let Some(link) = came_by.get(&party) {
        links.push((*link).clone());
        party = link.waiter.party;
        if party == start.waiter.party {
            break;
        }
    }
    links.reverse();
    let oldest = links.iter().enumerate().min_by_key(|(_, link)| link.age());
    let oldest = oldest.map_or(0, |(index, _)| index);
    links.rotate_left(oldest);
    Cycle { links }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{lock, task};
    use super::*;

    fn cycles(locks: &[LockView]) -> Vec<Vec<u64>> {
        let mut graph = Graph::of(locks);
        let mut found = Vec::new();
        while let Some(cycle) = graph.next_cycle() {
            found.push(cycle.locks());
            graph.remove(&cycle);
        }
        found
    }

    #[test]
    fn a_chain_is_no_circle() {
        let chain = [
            lock(1).held_by(1, 1).wanted_by(2, 1).view,
            lock(2).held_by(2, 2).wanted_by(3, 2).view,
            lock(3).held_by(3, 3).wanted_by(4, 3).view,
        ];
        assert_eq!(cycles(&chain), Vec::<Vec<u64>>::new());
    }

    #[test]
    fn a_circle_of_three_begins_with_its_oldest_wait_and_follows_who_holds() {
        let locks = [
            lock(3).held_by(3, 3).wanted_by(2, 3).view,
            lock(1).held_by(1, 1).wanted_by(3, 1).view,
            lock(2).held_by(2, 2).wanted_by(1, 2).wanted_by(9, 9).view,
        ];
        let cycle = Graph::of(&locks).next_cycle().expect("there is one");
        let waiters: Vec<Party> = cycle.links.iter().map(|link| link.waiter.party).collect();
        assert_eq!(waiters, [task(3), task(1), task(2)]);
        for (index, link) in cycle.links.iter().enumerate() {
            let next = &cycle.links[(index + 1) % 3];
            assert_eq!(link.holder.party, next.waiter.party);
        }
    }

    #[test]
    fn one_that_waits_for_what_it_holds_is_a_circle_of_its_own() {
        assert_eq!(cycles(&[lock(5).held_by(1, 1).wanted_by(1, 2).view]), [[5]]);
    }

    #[test]
    fn any_of_several_readers_closes_a_circle() {
        let locks = [
            lock(1)
                .held_by(7, 1)
                .held_by(8, 1)
                .held_by(1, 1)
                .wanted_by(2, 2)
                .view,
            lock(2).held_by(2, 3).wanted_by(1, 4).view,
        ];
        assert_eq!(cycles(&locks), [[1, 2]]);
    }

    #[test]
    fn circles_apart_are_told_apart_and_those_that_meet_are_one() {
        let apart = [
            lock(1).held_by(1, 1).wanted_by(2, 1).view,
            lock(2).held_by(2, 1).wanted_by(1, 1).view,
            lock(3).held_by(3, 1).wanted_by(4, 1).view,
            lock(4).held_by(4, 1).wanted_by(3, 1).view,
        ];
        assert_eq!(cycles(&apart), [[1, 2], [3, 4]]);
        let meeting = [
            lock(1).held_by(1, 1).wanted_by(2, 1).wanted_by(3, 1).view,
            lock(2).held_by(2, 1).held_by(3, 1).wanted_by(1, 1).view,
        ];
        assert_eq!(cycles(&meeting), [[1, 2]]);
    }
}
