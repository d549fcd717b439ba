//! An agent that answers from a list of tasks in memory, by the rules of `stallscope.proto`.

mod cancel;
mod conflicts;
mod findings;
// The same that the command line is tested on.
#[path = "../../../../tests/support/locks.rs"]
mod locks;
mod places;
mod tree;

use std::collections::BTreeMap;

use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{
    Details, Doctor, DoctorEntry, Finding, Level, Overview, Runtime, Site, SiteStats, Task,
    TaskKind, TaskState, Tier, TierState, Worker, update,
};

pub(crate) const MILLISECOND: u64 = 1_000_000;
pub(crate) const SECOND: u64 = 1_000 * MILLISECOND;

/// Answers a question as it stands `at_ns` after the start of recording.
pub(crate) trait Agent {
    fn answer(&self, topic: &Topic, at_ns: u64) -> Result<update::Body, String>;

    /// Whether clients may change what the program does.
    fn allows_control(&self) -> bool {
        false
    }
}

/// The program that is looked at.
#[derive(Clone, Default)]
pub(crate) struct FakeAgent {
    pub(crate) tasks: BTreeMap<u64, Task>,
    pub(crate) sites: Vec<Site>,
    pub(crate) overview: Overview,
    pub(crate) doctor: Doctor,
    /// `None`: it does not know what a finding is.
    pub(crate) findings: Option<Vec<Finding>>,
    /// What is known of spawn places besides their live tasks, by id.
    pub(crate) figures: BTreeMap<u32, SiteStats>,
    /// Why it does not tell of places; `None` if it does.
    pub(crate) without_places: Option<String>,
    pub(crate) control: cancel::Control,
}

impl Agent for FakeAgent {
    fn answer(&self, topic: &Topic, at_ns: u64) -> Result<update::Body, String> {
        match topic {
            Topic::Overview(_) => Ok(update::Body::Overview(self.overview_at(at_ns))),
            Topic::Tree(query) => Ok(update::Body::Tree(self.tree(query))),
            Topic::Details(query) => self.details(query.task).map(update::Body::Details),
            Topic::Doctor(_) => Ok(update::Body::Doctor(self.doctor.clone())),
            Topic::Findings(_) => self.findings_at(at_ns).map(update::Body::Findings),
            Topic::Sites(query) => match &self.without_places {
                Some(reason) => Err(reason.clone()),
                None => Ok(update::Body::Sites(self.places(query))),
            },
            Topic::Locks(query) => Ok(update::Body::Locks(locks::locks(query))),
            Topic::Cancel(query) => self.cancel(query.task).map(update::Body::Cancel),
            _ => Err("not asked for by the view".to_owned()),
        }
    }

    fn allows_control(&self) -> bool {
        self.control.is_allowed
    }
}

impl FakeAgent {
    /// The service of the sessions: a main future with an accept loop, connections of which most are folded, and some workers
    /// of a pool.
    pub(crate) fn hybrid_service() -> Self {
        let mut agent = Self::healthy();
        let main = agent.site("demo-apps/hybrid-service/src/main.rs", 31);
        let accept = agent.site("demo-apps/hybrid-service/src/server.rs", 48);
        agent.figures.insert(accept, places::connections());
        let report = agent.site("demo-apps/hybrid-service/src/report.rs", 63);
        let hyper = agent.site(
            "/home/me/.cargo/registry/src/a-registry-1949cf8c/hyper-util-0.1.17/src/rt/tokio.rs",
            33,
        );
        agent.add(Task {
            id: 0,
            kind: TaskKind::Root.into(),
            age_ns: 123 * SECOND,
            idle_ns: SECOND,
            ..task(12)
        });
        agent.add(Task {
            id: 2,
            parent: Some(0),
            name: "accept".to_owned(),
            site: main,
            age_ns: 122 * SECOND,
            ..task(1_234)
        });
        agent.add(Task {
            id: 3,
            parent: Some(0),
            name: "db pool".to_owned(),
            site: main,
            age_ns: 121 * SECOND,
            ..task(77)
        });
        agent.add(Task {
            id: 4,
            parent: Some(0),
            name: "reports".to_owned(),
            site: report,
            state: TaskState::Running.into(),
            polling_ns: 341 * MILLISECOND,
            longest_poll_ns: 341 * MILLISECOND,
            idle_ns: 0,
            age_ns: 120 * SECOND,
            ..task(9)
        });
        for n in 0..40 {
            agent.add(Task {
                id: 100 + n,
                parent: Some(2),
                site: accept,
                age_ns: (50 - n) * SECOND,
                idle_ns: (n + 1) * 10 * MILLISECOND,
                state: if n == 3 {
                    TaskState::Running
                } else {
                    TaskState::Idle
                }
                .into(),
                ..task(20 + n)
            });
        }
        agent.add(Task {
            id: 200,
            parent: Some(105),
            site: hyper,
            age_ns: 3 * SECOND,
            ..task(4)
        });
        for n in 0..3 {
            agent.add(Task {
                id: 300 + n,
                parent: Some(3),
                name: format!("db conn {n}"),
                site: report,
                age_ns: 90 * SECOND,
                ..task(300 * (n + 1))
            });
        }
        agent
    }

    /// A program with all tiers but `deep`, and no task yet.
    pub(crate) fn healthy() -> Self {
        let tier = |name: &str, state: TierState, note: &str| Tier {
            name: name.to_owned(),
            state: state.into(),
            note: note.to_owned(),
        };
        let overview = Overview {
            long_poll_threshold_ns: 20 * MILLISECOND,
            tiers: vec![
                tier("core", TierState::On, "runtime gauges and the root future"),
                tier("hooks", TierState::On, "every task"),
                tier(
                    "deep",
                    TierState::Off,
                    "names, wakers and resources are not seen: enable the feature `deep` of stallscope",
                ),
            ],
            runtimes: vec![Runtime {
                flavor: "multi_thread".to_owned(),
                hooked: true,
                alive_tasks: 47,
                global_queue_depth: 3,
                blocking_threads: Some(4),
                idle_blocking_threads: Some(2),
                blocking_queue_depth: Some(0),
                workers: vec![
                    Worker {
                        task: Some(4),
                        polling_ns: 341 * MILLISECOND,
                        tid: 4712,
                        ..Worker::default()
                    },
                    Worker {
                        index: 1,
                        parked: true,
                        tid: 4713,
                        ..Worker::default()
                    },
                ],
                ..Runtime::default()
            }],
            ..Overview::default()
        };
        Self {
            overview,
            doctor: doctor(),
            findings: Some(Vec::new()),
            ..Self::default()
        }
    }

    pub(crate) fn site(&mut self, file: &str, line: u32) -> u32 {
        let id = u32::try_from(self.sites.len()).expect("few sites") + 1;
        self.sites.push(Site {
            id,
            file: file.to_owned(),
            line,
            column: 9,
        });
        id
    }

    pub(crate) fn add(&mut self, task: Task) {
        self.tasks.insert(task.id, task);
    }

    pub(crate) fn end(&mut self, task: u64) {
        self.tasks.remove(&task);
        for child in self
            .tasks
            .values_mut()
            .filter(|child| child.parent == Some(task))
        {
            child.parent_ended = true;
        }
    }

    /// Counters that grow with time: 5 000 polls a second, of which one in a thousand takes half a millisecond.
    fn overview_at(&self, at_ns: u64) -> Overview {
        let mut overview = self.overview.clone();
        let polls = at_ns / (200 * 1_000);
        overview.live_tasks = self
            .tasks
            .values()
            .filter(|task| task.kind() != TaskKind::Root)
            .count() as u64;
        overview.polls = polls;
        overview.poll_times = vec![0; 40];
        overview.poll_times[11] = polls - polls / 1_000;
        overview.poll_times[18] = polls / 1_000;
        for runtime in &mut overview.runtimes {
            for worker in &mut runtime.workers {
                worker.busy_ns = if worker.parked { at_ns / 20 } else { 0 };
            }
        }
        overview
    }

    fn details(&self, id: u64) -> Result<Details, String> {
        let task = self
            .tasks
            .get(&id)
            .ok_or_else(|| format!("task {id} is not alive"))?;
        let mut ancestors = Vec::new();
        let mut above = task.parent;
        while let Some(ancestor) = above.and_then(|id| self.tasks.get(&id)) {
            ancestors.insert(0, ancestor.clone());
            above = ancestor.parent;
        }
        Ok(Details {
            task: Some(task.clone()),
            ancestors,
            sites: self.sites.clone(),
            children: self
                .tasks
                .values()
                .filter(|child| child.parent == Some(id))
                .count() as u64,
            unseen: "Who would wake it is not seen without the deep tier.".to_owned(),
        })
    }
}

/// A task that has done a bit.
pub(crate) fn task(polls: u64) -> Task {
    Task {
        kind: TaskKind::Task.into(),
        state: TaskState::Idle.into(),
        idle_ns: 250 * MILLISECOND,
        polls,
        busy_ns: polls * 40 * 1_000,
        longest_poll_ns: 120 * 1_000,
        worker: Some(u32::from(polls % 2 == 1)),
        ..Task::default()
    }
}

fn doctor() -> Doctor {
    let entry = |level: Level, topic: &str, message: &str, advice: &str| DoctorEntry {
        level: level.into(),
        topic: topic.to_owned(),
        message: message.to_owned(),
        advice: advice.to_owned(),
    };
    Doctor {
        entries: vec![
            entry(Level::Ok, "hooks", "every task of runtime 0 is seen", ""),
            entry(
                Level::Info,
                "deep",
                "the tracing feature of tokio is off: names, wakers and resources are not seen",
                "enable the feature `deep` of stallscope in Cargo.toml",
            ),
        ],
    }
}
