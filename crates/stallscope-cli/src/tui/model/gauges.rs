//! The runtime's gauges: what the last update said, and rates from the difference to the one before.

use std::time::Duration;

use stallscope_wire::message::{Overview, Runtime, Tier, TierState, Worker};

use super::histogram::{PollTimes, Quantiles};

/// As the agent has it when nobody has set it; for agents that do not tell.
const LONG_POLL_NS: u64 = 20_000_000;

/// Fed by every update of the overview.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gauges {
    last: Option<Sample>,
    before: Option<Sample>,
    poll_times: PollTimes,
}

#[derive(Clone, Debug)]
struct Sample {
    at_ns: u64,
    overview: Overview,
}

/// One worker thread, ready to be shown.
#[derive(Clone, Debug)]
pub(crate) struct WorkerGauge {
    /// Set when several runtimes run: their workers have the same numbers.
    pub(crate) runtime: Option<u32>,
    pub(crate) index: u32,
    /// Share of the time since the last update spent outside of park, in percent; `None` until there are two updates.
    pub(crate) busy_percent: Option<u8>,
    pub(crate) parked: bool,
    /// What it polls now, and for how long.
    pub(crate) polling: Option<(u64, Duration)>,
}

impl Gauges {
    /// Takes over an update read at `at_ns`.
    pub(crate) fn apply(&mut self, at_ns: u64, mut overview: Overview) {
        self.poll_times
            .push(at_ns, std::mem::take(&mut overview.poll_times));
        self.before = self.last.replace(Sample { at_ns, overview });
    }

    /// What the last update said; `None` until the first.
    pub(crate) fn overview(&self) -> Option<&Overview> {
        self.last.as_ref().map(|sample| &sample.overview)
    }

    /// From which length on a poll holds up whatever else waits for its worker.
    pub(crate) fn long_poll_ns(&self) -> u64 {
        self.overview()
            .map(|overview| overview.long_poll_threshold_ns)
            .filter(|&threshold| threshold > 0)
            .unwrap_or(LONG_POLL_NS)
    }

    /// Time from the start of recording to the last update.
    pub(crate) fn uptime(&self) -> Option<Duration> {
        self.last
            .as_ref()
            .map(|sample| Duration::from_nanos(sample.at_ns))
    }

    /// Polls of all tasks per second; `None` until there are two updates.
    pub(crate) fn polls_per_second(&self) -> Option<u64> {
        let (before, last, elapsed) = self.interval()?;
        let polls = u128::from(last.overview.polls.saturating_sub(before.overview.polls));
        let per_second = polls * Duration::from_secs(1).as_nanos() / elapsed.as_nanos();
        Some(u64::try_from(per_second).unwrap_or(u64::MAX))
    }

    /// Of the polls of the last seconds; `None` if none ended or the tier does not time them.
    pub(crate) fn poll_quantiles(&self) -> Option<Quantiles> {
        self.poll_times.quantiles()
    }

    /// The workers of all runtimes that still run.
    pub(crate) fn workers(&self) -> Vec<WorkerGauge> {
        let Some(last) = &self.last else {
            return Vec::new();
        };
        let running = || {
            last.overview
                .runtimes
                .iter()
                .filter(|runtime| !runtime.ended)
        };
        let several = running().count() > 1;
        running()
            .flat_map(|runtime| runtime.workers.iter().map(move |worker| (runtime, worker)))
            .map(|(runtime, worker)| WorkerGauge {
                runtime: several.then_some(runtime.index),
                index: worker.index,
                busy_percent: self.busy_percent(runtime, worker),
                parked: worker.parked,
                polling: worker
                    .task
                    .map(|task| (task, Duration::from_nanos(worker.polling_ns))),
            })
            .collect()
    }

    /// The best tier that does not do all it could, with what is missing because of it.
    pub(crate) fn unseen(&self) -> Option<&Tier> {
        self.overview()?
            .tiers
            .iter()
            .find(|tier| tier.state() != TierState::On)
    }

    fn busy_percent(&self, runtime: &Runtime, worker: &Worker) -> Option<u8> {
        let (before, _, elapsed) = self.interval()?;
        let earlier = before
            .overview
            .runtimes
            .iter()
            .find(|earlier| earlier.index == runtime.index)?
            .workers
            .iter()
            .find(|earlier| earlier.index == worker.index)?;
        let counted = Duration::from_nanos(worker.busy_ns.saturating_sub(earlier.busy_ns));
        // tokio moves its counter at park and every 61 polls only, so it stands still on a worker that is stuck in a
        // poll, of all things. That poll itself tells better.
        let polling = Duration::from_nanos(worker.polling_ns).min(elapsed);
        let percent = counted.max(polling).as_nanos() * 100 / elapsed.as_nanos();
        Some(u8::try_from(percent.min(100)).unwrap_or(100))
    }

    fn interval(&self) -> Option<(&Sample, &Sample, Duration)> {
        let (before, last) = (self.before.as_ref()?, self.last.as_ref()?);
        let elapsed = Duration::from_nanos(last.at_ns.checked_sub(before.at_ns)?);
        (!elapsed.is_zero()).then_some((before, last, elapsed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn overview(polls: u64, worker: Worker) -> Overview {
        let runtime = Runtime {
            workers: vec![worker],
            ..Runtime::default()
        };
        Overview {
            polls,
            runtimes: vec![runtime],
            ..Overview::default()
        }
    }

    #[test]
    fn rates_need_two_updates() {
        let mut gauges = Gauges::default();
        gauges.apply(
            SECOND,
            overview(
                100,
                Worker {
                    busy_ns: 0,
                    ..Worker::default()
                },
            ),
        );
        assert_eq!(gauges.polls_per_second(), None);
        assert_eq!(gauges.workers()[0].busy_percent, None);
        gauges.apply(
            3 * SECOND,
            overview(
                300,
                Worker {
                    busy_ns: SECOND / 2,
                    ..Worker::default()
                },
            ),
        );
        assert_eq!(gauges.polls_per_second(), Some(100));
        assert_eq!(gauges.workers()[0].busy_percent, Some(25));
    }

    #[test]
    fn a_worker_stuck_in_a_poll_is_busy_although_its_counter_stands_still() {
        let stuck = Worker {
            task: Some(7),
            polling_ns: 5 * SECOND,
            ..Worker::default()
        };
        let mut gauges = Gauges::default();
        gauges.apply(SECOND, overview(0, stuck));
        gauges.apply(2 * SECOND, overview(0, stuck));
        let worker = &gauges.workers()[0];
        assert_eq!(worker.busy_percent, Some(100));
        assert_eq!(worker.polling, Some((7, Duration::from_secs(5))));
    }

    #[test]
    fn an_update_out_of_order_gives_no_rate() {
        let mut gauges = Gauges::default();
        gauges.apply(2 * SECOND, overview(10, Worker::default()));
        gauges.apply(SECOND, overview(5, Worker::default()));
        assert_eq!(gauges.polls_per_second(), None);
    }
}
