//! Who keeps whom waiting for good? Rules over successive looks at the tracked locks, run by the agent.
//!
//! The locks themselves live in [`crate::sync`], where the application's threads run; nothing of this does. A look is plain data and a
//! time, so each rule is a pure function of what it has seen so far.

mod convoy;
mod cycles;
mod deadlock;
#[cfg(test)]
mod fake;
mod futurelock;

use std::collections::HashSet;

use stallscope_wire::message::Certainty;

use self::convoy::Convoys;
use self::deadlock::Deadlocks;
use self::futurelock::Futurelocks;
use crate::findings::Rule;
use crate::sync::view::{HolderView, LockView, WaiterView};
use crate::sync::{Party, Side};

/// What is known of locks from one look to the next. Owned by the agent.
#[derive(Default)]
pub(crate) struct Locks {
    deadlocks: Deadlocks,
    futurelocks: Futurelocks,
    convoys: Convoys,
    episodes: Episodes,
}

/// What is to be told: that something holds, that there is more of it, or that it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sign {
    pub(crate) rule: Rule,
    pub(crate) certainty: Certainty,
    /// Names one occurrence from its beginning to its end; never given out again.
    pub(crate) episode: u64,
    /// The line to look at.
    pub(crate) at: Side,
    pub(crate) others: Vec<(Doing, Side)>,
    /// The longest queue so far, of a convoy; otherwise who waits for these locks now.
    pub(crate) queued: u64,
    /// For how long it has been so, nanoseconds.
    pub(crate) lasts: u64,
    pub(crate) is_over: bool,
}

impl Sign {
    /// What the one at the line to look at does there.
    pub(crate) fn does(&self) -> Doing {
        match self.rule {
            Rule::Convoy => Doing::Holds,
            _ => Doing::Waits,
        }
    }
}

/// What another party does at its line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Doing {
    Waits,
    Holds,
}

/// What is known of those who wait and hold, besides what the locks know.
pub(crate) trait Parties {
    fn activity(&self, party: Party) -> Activity;
    /// Whether it may be ready and only wait for its turn. False only if whoever would poll it has nothing to do.
    fn may_be_ready(&self, party: Party) -> bool;
}

/// Whether a party runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Activity {
    /// It is being polled.
    Runs,
    /// Its last poll ended then, on the clock of the looks.
    IdleSince(u64),
    /// A plain thread, or a task whose polls nobody records.
    Unknown,
}

impl Activity {
    /// Whether it is known to have run after this moment.
    fn is_after(self, then: u64) -> bool {
        match self {
            Activity::Runs => true,
            Activity::IdleSince(since) => since > then,
            Activity::Unknown => false,
        }
    }
}

impl Locks {
    /// Takes in how the locks are. `now`: nanoseconds on any clock that does not stand still, read before the look was taken. Locks for
    /// which nobody waits may be left out. Returns what has changed.
    pub(crate) fn look(
        &mut self,
        now: u64,
        locks: &[LockView],
        parties: &dyn Parties,
    ) -> Vec<Sign> {
        let episodes = &mut self.episodes;
        let mut signs = self.deadlocks.look(now, locks, parties, episodes);
        signs.extend(self.futurelocks.look(now, locks, parties, episodes));
        let mut blamed = self.deadlocks.locks();
        blamed.extend(self.futurelocks.locks());
        let consequences = spread(blamed, locks);
        let convoys = self
            .convoys
            .look(now, locks, parties, &consequences, episodes);
        signs.extend(convoys);
        signs
    }

    /// Whether a look without any lock would change nothing.
    pub(crate) fn knows_nothing(&self) -> bool {
        self.deadlocks.is_empty() && self.futurelocks.is_empty() && self.convoys.is_empty()
    }
}

/// These locks, and all that stand still because of them: their holders wait for one of these.
fn spread(mut locks: HashSet<u64>, views: &[LockView]) -> HashSet<u64> {
    if locks.is_empty() {
        return locks;
    }
    loop {
        let stuck: HashSet<Party> = views
            .iter()
            .filter(|view| locks.contains(&view.id))
            .flat_map(|view| view.waiters.iter().map(|waiter| waiter.party))
            .collect();
        let before = locks.len();
        let is_held = |view: &&LockView| {
            view.holders
                .iter()
                .any(|holder| stuck.contains(&holder.party))
        };
        locks.extend(views.iter().filter(is_held).map(|view| view.id));
        if locks.len() == before {
            return locks;
        }
    }
}

/// Gives each occurrence its name.
#[derive(Default)]
struct Episodes(u64);

impl Episodes {
    fn next(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

fn waiting(waiter: &WaiterView) -> Side {
    side(waiter.party, waiter.place)
}

fn holding(holder: &HolderView) -> Side {
    side(holder.party, holder.place)
}

fn side(party: Party, place: &'static std::panic::Location<'static>) -> Side {
    Side {
        party,
        place: place.into(),
        // Of a task it is not known, and changes.
        tid: match party {
            Party::Thread(tid) => tid,
            Party::Task(_) => 0,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::fake::{Fake, S, lock};
    use super::*;

    #[test]
    fn a_queue_behind_a_deadlock_is_no_convoy_and_neither_is_one_behind_that() {
        let mut fake = Fake::default();
        let mut a = lock(1).held_by(1, 1).wanted_by(2, 4);
        let b = lock(2).held_by(2, 3).wanted_by(1, 2);
        let mut c = lock(3).held_by(3, 5);
        a = a.wanted_by(3, 6);
        for party in 100..120 {
            a = a.wanted_by(party, 7);
            c = c.wanted_by(party + 100, 8);
        }
        let locks = [a.view, b.view, c.view];
        let told: Vec<Rule> = (0..40)
            .flat_map(|look| fake.look(look * S / 4, &locks))
            .map(|sign| sign.rule)
            .collect();
        assert_eq!(told, [Rule::Deadlock]);
    }

    #[test]
    fn a_convoy_whose_lock_is_handed_on_as_it_is_looked_at_goes_on() {
        let mut fake = Fake::default();
        fake.polled(1, 0);
        let view = |look: u64| {
            let mut convoy = match look % 3 {
                0 => lock(1).released(1).wanted_by(100 + look, 7),
                _ => lock(1).held_by(1, 1),
            };
            for party in 200..210 {
                convoy = convoy.wanted_by(party, 7);
            }
            convoy.view
        };
        let told = (0..40).flat_map(|look| fake.look(look * S / 4, &[view(look)]));
        let told: Vec<(Rule, bool)> = told.map(|sign| (sign.rule, sign.is_over)).collect();
        assert_eq!(told.first(), Some(&(Rule::Convoy, false)));
        assert!(told.iter().all(|(_, is_over)| !is_over), "{told:?}");
    }

    #[test]
    fn locks_that_nobody_waits_for_are_nothing_to_remember() {
        let mut fake = Fake::default();
        let locks = [lock(1).held_by(1, 1).view];
        assert_eq!(fake.look(0, &locks), []);
        assert!(fake.locks.knows_nothing());
    }
}
