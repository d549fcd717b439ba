//! What is wrong with a runtime that no single poll shows? Its blocking pool may be full, or its ready tasks may find no thread
//! that polls them. Pure: gauges and a time in, what to tell out.

use std::collections::HashMap;

use super::stall::Now;
use crate::runtimes::RuntimeIndex;

/// A runtime's gauges at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Gauges {
    /// Threads of the blocking pool, and those of them that have nothing to do.
    pub(super) pool_threads: usize,
    pub(super) pool_idle: usize,
    /// Closures that wait for a thread of the pool.
    pub(super) pool_queued: usize,
    /// Tasks that are ready and wait for a worker.
    pub(super) ready: usize,
    /// Polls since the runtime began.
    pub(super) polls: u64,
    /// A poll is in progress.
    pub(super) is_polling: bool,
}

/// What can be wrong.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Trouble {
    /// Every thread of the blocking pool is busy, and closures wait.
    FullPool,
    /// Tasks are ready, and nobody polls.
    Starvation,
}

/// Something to tell of a runtime.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sign {
    pub(crate) runtime: RuntimeIndex,
    pub(crate) trouble: Trouble,
    /// When it began; with the two above, its name.
    pub(crate) since: Now,
    /// How long it has lasted.
    pub(crate) length: u64,
    /// How many closures or tasks wait.
    pub(crate) waiting: usize,
    pub(crate) is_over: bool,
}

/// All runtimes.
pub(super) struct Signs {
    /// How long something has to last. A pool that is full now and then does what it is for.
    patience: u64,
    lasting: HashMap<(RuntimeIndex, Trouble), Lasting>,
}

/// Something that may be wrong, and since when nothing has changed about it.
struct Lasting {
    since: Now,
    /// What would have to change for things to get on: the pool's threads, the runtime's polls.
    mark: u64,
    /// Told next when it has lasted so long.
    next: u64,
    is_told: bool,
}

/// In thresholds of a long poll.
const PATIENCE: u64 = 5;

impl Signs {
    pub(super) fn new(threshold: u64) -> Self {
        Signs {
            patience: threshold.saturating_mul(PATIENCE),
            lasting: HashMap::new(),
        }
    }

    /// Takes a runtime's gauges in.
    pub(super) fn look(&mut self, now: Now, runtime: RuntimeIndex, gauges: &Gauges) -> Vec<Sign> {
        let is_full = gauges.pool_queued > 0 && gauges.pool_threads > 0 && gauges.pool_idle == 0;
        let full = is_full.then_some((gauges.pool_threads as u64, gauges.pool_queued));
        let is_starving = gauges.ready > 0 && gauges.polls > 0 && !gauges.is_polling;
        let starving = is_starving.then_some((gauges.polls, gauges.ready));
        let signs = [
            self.one(now, (runtime, Trouble::FullPool), full),
            self.one(now, (runtime, Trouble::Starvation), starving),
        ];
        signs.into_iter().flatten().collect()
    }

    /// The others are over and forgotten.
    pub(super) fn keep_only(&mut self, is_listed: impl Fn(RuntimeIndex) -> bool) {
        self.lasting.retain(|(runtime, _), _| is_listed(*runtime));
    }

    /// The process stood still, or this thread did: nothing has lasted for as long as it seems.
    pub(super) fn forgive(&mut self, late: u64) {
        for lasting in self.lasting.values_mut() {
            lasting.since += late;
        }
    }

    fn one(
        &mut self,
        now: Now,
        name: (RuntimeIndex, Trouble),
        seen: Option<(u64, usize)>,
    ) -> Option<Sign> {
        let sign = |since: Now, waiting, is_over| Sign {
            runtime: name.0,
            trouble: name.1,
            since,
            length: now.saturating_sub(since),
            waiting,
            is_over,
        };
        let is_same = |lasting: &Lasting| seen.is_some_and(|(mark, _)| mark == lasting.mark);
        if let Some(lasting) = self.lasting.get(&name)
            && !is_same(lasting)
        {
            let (since, is_told) = (lasting.since, lasting.is_told);
            self.lasting.remove(&name);
            if is_told {
                return Some(sign(since, 0, true));
            }
        }
        let (mark, waiting) = seen?;
        let lasting = self.lasting.entry(name).or_insert(Lasting {
            since: now,
            mark,
            next: self.patience,
            is_told: false,
        });
        let length = now.saturating_sub(lasting.since);
        if length < lasting.next {
            return None;
        }
        lasting.is_told = true;
        lasting.next = length * 2;
        Some(sign(lasting.since, waiting, false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn full(queued: usize) -> Gauges {
        Gauges {
            pool_threads: 4,
            pool_queued: queued,
            ..Gauges::default()
        }
    }

    fn starving(polls: u64) -> Gauges {
        Gauges {
            ready: 2,
            polls,
            ..Gauges::default()
        }
    }

    /// Looks every 10 ms at what `gauges` says of each time; what was told, in ms.
    fn watch(until: u64, gauges: impl Fn(u64) -> Gauges) -> Vec<(u64, Trouble, bool)> {
        let mut signs = Signs::new(20 * MS);
        let mut told = Vec::new();
        for at in (0..until).step_by(10) {
            for sign in signs.look(at * MS, 0, &gauges(at)) {
                told.push((at, sign.trouble, sign.is_over));
            }
        }
        told
    }

    #[test]
    fn a_full_pool_with_a_queue_is_told_as_it_lasts_and_when_it_is_over() {
        let told = watch(600, |at| if at < 500 { full(3) } else { full(0) });
        let pool = Trouble::FullPool;
        assert_eq!(
            told,
            [
                (100, pool, false),
                (200, pool, false),
                (400, pool, false),
                (500, pool, true)
            ]
        );
    }

    #[test]
    fn a_pool_that_is_full_now_and_then_does_what_it_is_for() {
        assert_eq!(watch(2000, |_| full(0)), []);
        let now_and_then = |at: u64| if at % 100 < 90 { full(1) } else { full(0) };
        assert_eq!(watch(2000, now_and_then), []);
    }

    #[test]
    fn a_pool_that_grows_is_not_full() {
        let grows = |at: u64| Gauges {
            pool_threads: 4 + at as usize / 50,
            ..full(3)
        };
        assert_eq!(watch(2000, grows), []);
    }

    #[test]
    fn ready_tasks_that_nobody_polls_are_told() {
        let told = watch(150, |_| starving(7));
        assert_eq!(told, [(100, Trouble::Starvation, false)]);
    }

    #[test]
    fn a_long_run_queue_of_a_busy_worker_is_no_starvation() {
        assert_eq!(watch(2000, starving), [], "polls go on");
        let polling = Gauges {
            is_polling: true,
            ..starving(7)
        };
        assert_eq!(
            watch(2000, |_| polling),
            [],
            "whoever polls too long is the culprit"
        );
        assert_eq!(watch(2000, |_| starving(0)), [], "it has not begun");
    }

    #[test]
    fn what_stood_still_as_a_whole_has_not_lasted() {
        let mut signs = Signs::new(20 * MS);
        assert_eq!(signs.look(0, 0, &full(1)), []);
        signs.forgive(5000 * MS);
        assert_eq!(signs.look(5050 * MS, 0, &full(1)), []);
        assert_eq!(signs.look(5100 * MS, 0, &full(1)).len(), 1);
    }
}
