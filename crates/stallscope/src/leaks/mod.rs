//! Which places make tasks that never end? Counts by place over time, a look at all live tasks now and then, and rules.

mod census;
mod history;
mod rules;

use std::collections::HashMap;
use std::time::Duration;

use stallscope_wire::message::{Certainty, Leak};

use self::census::{Census, Figures, Limits};
use self::history::Rings;
pub(crate) use self::history::{History, Sample};
pub(crate) use self::rules::Thresholds;
use crate::answer::source::Source;
use crate::findings::Rule;
use crate::runtimes::Workers;

/// A pass over all tasks takes at most this part of a processor: one in so many.
const SHARE: u32 = 500;
const CENSUS_EVERY: Duration = Duration::from_secs(1);
/// A task that has not been polled for so long is waiting for more than its turn.
const UNPOLLED: u64 = 1_000_000_000;
/// A runtime that nobody has driven for so long after a spawn will hardly be.
const UNDRIVEN: u64 = 5_000_000_000;

/// What is known of leaks. Owned by the agent.
pub(crate) struct Leaks {
    thresholds: Thresholds,
    history: History,
    census: Census,
    next_census: Duration,
    /// Forgotten orphans of each place at the last pass.
    forgotten: HashMap<u32, u64>,
    found: HashMap<(u32, Rule), Found>,
}

/// A place that leaks.
#[derive(Clone, Copy)]
struct Found {
    /// Live tasks when it was found, and at most since.
    at_first: u64,
    most: u64,
    is_over: bool,
}

/// What is to be told of a place.
#[derive(Clone, Debug)]
pub(crate) struct Sign {
    pub(crate) site: u32,
    pub(crate) rule: Rule,
    pub(crate) certainty: Certainty,
    pub(crate) is_over: bool,
    /// One of the tasks.
    pub(crate) example: u64,
    pub(crate) leak: Leak,
}

impl Leaks {
    pub(crate) fn new(thresholds: Thresholds) -> Self {
        Leaks {
            thresholds,
            history: History::default(),
            census: Census::default(),
            next_census: Duration::ZERO,
            forgotten: HashMap::new(),
            found: HashMap::new(),
        }
    }

    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    /// Takes in the counters of all places once a second, and from time to time all tasks. `now`: since the start of recording, as
    /// `clock` tells it. `workers`: what those of a runtime do: if nothing, a task that is not polled waits for nobody.
    /// Returns what has changed, and anew what still holds.
    pub(crate) fn look(
        &mut self,
        now: Duration,
        counters: impl FnOnce() -> Vec<(u32, Sample)>,
        source: &dyn Source,
        clock: impl Fn() -> Duration,
        workers: impl Fn(u32) -> Workers,
    ) -> Vec<Sign> {
        if self.history.is_due(now.as_secs()) {
            self.history.record(now.as_secs(), counters().into_iter());
        }
        if now < self.next_census {
            return Vec::new();
        }
        let limits = Limits {
            idle: self.thresholds.grace,
            unpolled: UNPOLLED,
        };
        self.census = Census::take(source, limits);
        let cost = clock().saturating_sub(now);
        self.next_census = now + CENSUS_EVERY.max(cost * SHARE);
        let signs = self.judge(workers);
        self.forgotten = self
            .census
            .places()
            .map(|(site, figures)| (site, figures.forgotten.count))
            .collect();
        signs
    }

    fn judge(&mut self, workers: impl Fn(u32) -> Workers) -> Vec<Sign> {
        let mut signs = Vec::new();
        let sites: Vec<u32> = self.history.places().map(|(site, _)| site).collect();
        for site in sites {
            let Some(rings) = self.history.of(site) else {
                continue;
            };
            let figures = self.census.of(site).cloned().unwrap_or_default();
            let live = rings.now().live();
            let growth = rules::growth(rings, self.thresholds.window);
            let before = self.forgotten.get(&site).copied();
            let orphans = rules::orphans(rings, &figures, before, self.thresholds.grace);
            let unpolled = unpolled(&figures, &workers);
            let judgements = [
                Judgement {
                    rule: Rule::Growth,
                    certainty: Certainty::Likely,
                    is_seen: growth.is_some(),
                    holds: true,
                    example: figures.oldest_example,
                },
                Judgement {
                    rule: Rule::Orphan,
                    certainty: Certainty::Likely,
                    is_seen: orphans,
                    holds: true,
                    example: figures.forgotten.oldest_example,
                },
                Judgement {
                    rule: Rule::NeverPolled,
                    certainty: unpolled.unwrap_or(Certainty::Proven),
                    is_seen: unpolled.is_some(),
                    holds: figures.unpolled > 0,
                    example: figures.unpolled_example,
                },
            ];
            let leak = leak(rings, &figures);
            for judgement in judgements {
                let found = self.found(site, &judgement, live);
                signs.extend(found.map(|found| Sign {
                    site,
                    rule: judgement.rule,
                    certainty: judgement.certainty,
                    is_over: found.is_over,
                    example: judgement.example,
                    leak: Leak {
                        live_at_first: found.at_first,
                        ..leak
                    },
                }));
            }
        }
        signs
    }

    /// What there is to tell of a place by one rule: that it leaks, still does, or no more.
    fn found(&mut self, site: u32, judgement: &Judgement, live: u64) -> Option<Found> {
        let name = (site, judgement.rule);
        let Some(found) = self.found.get_mut(&name) else {
            let new = Found {
                at_first: live,
                most: live,
                is_over: false,
            };
            if judgement.is_seen {
                self.found.insert(name, new);
            }
            return judgement.is_seen.then_some(new);
        };
        found.most = found.most.max(live);
        found.is_over = !judgement.holds || rules::has_recovered(live, found.most);
        let found = *found;
        if found.is_over {
            self.found.remove(&name);
        }
        Some(found)
    }
}

/// What one rule says of a place at one moment.
struct Judgement {
    rule: Rule,
    certainty: Certainty,
    /// It leaks.
    is_seen: bool,
    /// If it did before, nothing says that it does no more.
    holds: bool,
    example: u64,
}

/// How sure it is that tasks of the place wait for a poll though nobody else is polled; none if they may have to wait.
fn unpolled(figures: &Figures, workers: impl Fn(u32) -> Workers) -> Option<Certainty> {
    match workers(figures.unpolled_runtime) {
        _ if figures.unpolled == 0 => None,
        Workers::Parked => Some(Certainty::Proven),
        Workers::None => (figures.unpolled_age >= UNDRIVEN).then_some(Certainty::Likely),
        Workers::Busy => None,
    }
}

fn leak(rings: &Rings, figures: &Figures) -> Leak {
    let now = rings.now();
    Leak {
        live: now.live(),
        live_at_first: 0,
        growth_per_second: rings.per_second(|sample| sample.spawned)
            - rings.per_second(|sample| sample.ended),
        spawned: now.spawned,
        ended: now.ended,
        oldest_ns: figures.oldest,
        orphans: figures.orphans,
    }
}

#[cfg(test)]
mod detection_tests;
