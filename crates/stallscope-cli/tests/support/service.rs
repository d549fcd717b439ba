//! The service an agent of a test speaks for: a frozen moment of a web service, and how it answers questions.

use std::collections::BTreeSet;

use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{
    AsyncBranch, AsyncStack, Cancellation, Details, Doctor, DoctorEntry, EndedTask, EndedWindow,
    Finding, Findings, FindingsQuery, Frame, Level, Outcome, Overview, Process, Runtime, Severity,
    Site, SiteStats, SiteWindow, Stacks, Subscribe, Task, TaskKind, TaskQuery, TaskSort, TaskState,
    TaskWindow, ThreadStack, Tier, TierState, Worker, update,
};

use super::findings::{self, STARTED_UNIX_NS};
use super::{locks, places};

#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) process: Process,
    pub(crate) tiers: Vec<Tier>,
    /// By id.
    pub(crate) tasks: Vec<Task>,
    pub(crate) sites: Vec<Site>,
    pub(crate) entries: Vec<DoctorEntry>,
    /// What is known when findings are asked for the first time, the second, …; the last holds from then on.
    pub(crate) findings: Vec<Vec<Finding>>,
    pub(crate) threads: Vec<ThreadStack>,
    /// Figures of spawn places.
    pub(crate) places: Vec<SiteStats>,
    pub(crate) ended: EndedWindow,
    /// What is said of a task that is to be cancelled when asked for the first time, the second, …; the last holds from then on.
    pub(crate) cancellations: Vec<Cancellation>,
    /// Ends while a page that holds it is made.
    pub(crate) ends_meanwhile: Option<u64>,
    /// Whether each question finds one more task than the one before.
    pub(crate) goes_on_spawning: bool,
}

/// The id of the second root future of a process: they count down from 2^53 - 1.
pub(crate) const SECOND_ROOT: u64 = (1 << 53) - 1;

const MS: u64 = 1_000_000;

impl Service {
    /// A small service in which every kind of task stands once.
    pub(crate) fn small() -> Self {
        let sites = [
            "demo-apps/hybrid-service/src/main.rs:63:9",
            "demo-apps/hybrid-service/src/pool.rs:17:5",
            "/home/me/.cargo/registry/src/a-registry-1949cf8c/hyper-util-0.1.17/src/rt/tokio.rs:33:9",
        ];
        let tasks = vec![
            Task {
                kind: TaskKind::Root.into(),
                polls: 3,
                busy_ns: 850_000,
                longest_poll_ns: 700_000,
                ..task(0, None)
            },
            Task {
                site: 1,
                polls: 88_123,
                busy_ns: 2_210 * MS,
                longest_poll_ns: 1_234_567,
                worker: Some(0),
                ..task(12, Some(0))
            },
            Task {
                kind: TaskKind::Blocking.into(),
                state: TaskState::Unknown.into(),
                ..task(30, None)
            },
            Task {
                name: "db-pool".to_owned(),
                site: 2,
                ..task(31, Some(30))
            },
            Task {
                state: TaskState::Running.into(),
                site: 3,
                polls: 41,
                busy_ns: 900 * MS,
                longest_poll_ns: 341_200_000,
                polling_ns: 55 * MS,
                idle_ns: 0,
                worker: Some(1),
                ..task(88, Some(12))
            },
            Task {
                state: TaskState::Scheduled.into(),
                site: 3,
                ..task(90, Some(12))
            },
            Task {
                parent_ended: true,
                site: 3,
                polls: 7,
                ..task(95, Some(20))
            },
            Task {
                kind: TaskKind::Root.into(),
                runtime: 1,
                ..task(SECOND_ROOT, None)
            },
        ];
        Service {
            process: Process {
                pid: 4711,
                program: "hybrid-service".to_owned(),
                tokio_version: "1.54.1".to_owned(),
                stallscope_version: "0.1.0".to_owned(),
                started_unix_ns: STARTED_UNIX_NS,
                control: false,
            },
            tiers: vec![
                tier("core", TierState::On, "the root future and tasks spawned through stallscope"),
                tier("hooks", TierState::On, "every task"),
                tier(
                    "deep",
                    TierState::Off,
                    "names, wakers and resources are not seen; build with the feature `deep` of stallscope",
                ),
            ],
            tasks,
            sites: (1..).zip(sites).map(|(id, place)| site(id, place)).collect(),
            entries: vec![
                DoctorEntry {
                    level: Level::Ok.into(),
                    topic: "hooks".to_owned(),
                    message: "the hooks of tokio fire".to_owned(),
                    advice: String::new(),
                },
                DoctorEntry {
                    level: Level::Warning.into(),
                    topic: "config".to_owned(),
                    message: "STALLSCOPE_THRESHOLD is `20`, expected a time like `20ms`: the default holds".to_owned(),
                    advice: "write STALLSCOPE_THRESHOLD=20ms".to_owned(),
                },
            ],
            findings: vec![vec![
                findings::file_read(),
                findings::endless(),
                findings::leak(),
                findings::overload(),
            ]],
            threads: findings::threads(),
            places: places::places(),
            ended: ended(),
            cancellations: Vec::new(),
            ends_meanwhile: None,
            goes_on_spawning: false,
        }
    }

    /// A service with so many tasks that they come in pages: a chain of two accept loops and their connections.
    pub(crate) fn large(tasks: u64) -> Self {
        Service {
            tasks: (0..tasks)
                .map(|id| Task {
                    busy_ns: id.wrapping_mul(7_919) % tasks * MS,
                    site: 3,
                    // 0 is the parent of 1, both are the parents of the others.
                    ..task(id, id.checked_sub(1).map(|before| before.min(id % 2)))
                })
                .collect(),
            ..Service::small()
        }
    }

    /// `asked_before`: how often this topic was asked for.
    pub(crate) fn answer(
        &self,
        question: Subscribe,
        asked_before: usize,
    ) -> Result<update::Body, String> {
        Ok(
            match question.topic.ok_or("a topic this agent does not know")? {
                Topic::Overview(_) => update::Body::Overview(self.overview()),
                Topic::Tasks(query) => update::Body::Tasks(self.window(&query)),
                Topic::Details(query) => update::Body::Details(self.details(query.task)?),
                Topic::Doctor(_) => update::Body::Doctor(Doctor {
                    entries: self.entries.clone(),
                }),
                Topic::Findings(query) => {
                    update::Body::Findings(self.findings(query, asked_before))
                }
                Topic::Stacks(_) => update::Body::Stacks(Stacks {
                    threads: self.threads.clone(),
                }),
                Topic::Sites(_) => update::Body::Sites(SiteWindow {
                    total: self.places.len() as u64,
                    sites: self.places.clone(),
                }),
                Topic::Ended(query) => update::Body::Ended(self.ended(query.limit)),
                Topic::Cancel(_) => update::Body::Cancel(self.cancellation(asked_before)?),
                Topic::AsyncStack(query) => update::Body::AsyncStack(async_stack(query.task)),
                Topic::Locks(query) => update::Body::Locks(locks::locks(&query)),
                Topic::Tree(_) => return Err("no tree in this play".to_owned()),
            },
        )
    }

    fn overview(&self) -> Overview {
        let tasks = self
            .tasks
            .iter()
            .filter(|task| task.kind() == TaskKind::Task);
        Overview {
            tiers: self.tiers.clone(),
            runtimes: vec![
                runtime(0, 2),
                runtime(1, 1),
                Runtime {
                    ended: true,
                    ..runtime(2, 8)
                },
            ],
            live_tasks: tasks.count() as u64,
            polls: 88_171,
            ..Overview::default()
        }
    }

    fn findings(&self, query: FindingsQuery, asked_before: usize) -> Findings {
        let known = self
            .findings
            .get(asked_before)
            .or(self.findings.last())
            .cloned()
            .unwrap_or_default();
        let mut findings: Vec<_> = known
            .into_iter()
            .filter(|finding| {
                let since_start = finding.last_seen_unix_ns - self.process.started_unix_ns;
                finding.ongoing || since_start >= query.since_ns
            })
            .filter(|finding| query.with_info || finding.severity() != Severity::Info)
            .collect();
        let total = findings.len() as u64;
        findings.truncate(1_000);
        Findings { total, findings }
    }

    fn ended(&self, limit: u32) -> EndedWindow {
        let mut window = self.ended.clone();
        if limit > 0 {
            window.tasks.truncate(limit as usize);
        }
        window.sites.clone_from(&self.sites);
        window
    }

    fn cancellation(&self, asked_before: usize) -> Result<Cancellation, String> {
        let stage = self
            .cancellations
            .get(asked_before)
            .or(self.cancellations.last());
        let stage = stage.ok_or("control is off in this play")?;
        Ok(Cancellation {
            sites: self.sites.clone(),
            ..stage.clone()
        })
    }

    /// Sorts by id or by busy time; filters by nothing.
    fn window(&self, query: &TaskQuery) -> TaskWindow {
        let mut tasks = self.tasks.clone();
        if query.sort() == TaskSort::Busy && query.after.is_none() {
            tasks.sort_by_key(|task| task.busy_ns);
            if query.descending {
                tasks.reverse();
            }
        }
        tasks.retain(|task| query.after.is_none_or(|after| task.id > after));
        tasks.truncate(query.limit.min(4096) as usize);
        tasks.retain(|task| Some(task.id) != self.ends_meanwhile);
        if let (true, [], Some(after)) = (self.goes_on_spawning, tasks.as_slice(), query.after) {
            tasks.push(Task {
                age_ns: 0,
                ..task(after + 1, None)
            });
        }
        TaskWindow {
            matched: self.tasks.len() as u64,
            offset: 0,
            sites: self.sites_of(&tasks),
            tasks,
        }
    }

    fn details(&self, id: u64) -> Result<Details, String> {
        let find = |id| self.tasks.iter().find(|task| task.id == id).cloned();
        let task = find(id).ok_or_else(|| format!("no task {id} is alive: see `stallscope ps`"))?;
        let mut ancestors: Vec<_> = std::iter::successors(task.parent.and_then(find), |task| {
            task.parent.and_then(find)
        })
        .collect();
        ancestors.reverse();
        let mut all = ancestors.clone();
        all.push(task.clone());
        Ok(Details {
            sites: self.sites_of(&all),
            children: self
                .tasks
                .iter()
                .filter(|task| task.parent == Some(id))
                .count() as u64,
            unseen: "what it waits for is not seen without the deep tier".to_owned(),
            task: Some(task),
            ancestors,
        })
    }

    /// Only those the tasks refer to, as the protocol has it.
    fn sites_of(&self, tasks: &[Task]) -> Vec<Site> {
        let used: BTreeSet<_> = tasks.iter().map(|task| task.site).collect();
        self.sites
            .iter()
            .filter(|site| used.contains(&site.id))
            .cloned()
            .collect()
    }
}

/// A task of each way to end, the latest first.
fn ended() -> EndedWindow {
    let end = |id, ago_ns, outcome: Outcome| EndedTask {
        task: Some(Task {
            state: TaskState::Ended.into(),
            idle_ns: 0,
            site: 3,
            polls: 4,
            busy_ns: 2 * MS,
            longest_poll_ns: MS,
            ..task(id, Some(12))
        }),
        outcome: outcome.into(),
        panic: None,
        ago_ns,
    };
    EndedWindow {
        tasks: vec![
            end(97, 40 * MS, Outcome::Finished),
            EndedTask {
                panic: Some("called `Option::unwrap()` on a `None` value".to_owned()),
                ..end(96, 1_200 * MS, Outcome::Panicked)
            },
            end(93, 3_000 * MS, Outcome::Aborted),
        ],
        sites: Vec::new(),
        finished: 9_860,
        panicked: 1,
        aborted: 6,
    }
}

/// One task was spawned through stallscope, and waits in a `select!`.
fn async_stack(task: u64) -> AsyncStack {
    if task != 88 {
        return AsyncStack {
            missing: "it was not spawned through stallscope".to_owned(),
            ..AsyncStack::default()
        };
    }
    let frame = |function: &str, file: &str, line| Frame {
        function: function.to_owned(),
        file: file.to_owned(),
        line,
        in_app: file.starts_with("src"),
        origin: if file.starts_with("src") {
            "app"
        } else {
            "tokio"
        }
        .to_owned(),
        ..Frame::default()
    };
    let branch = |function, file, line| AsyncBranch {
        frames: vec![
            frame("hybrid_service::render::{{closure}}", "src/render.rs", 71),
            frame("hybrid_service::fetch::{{closure}}", "src/fetch.rs", 12),
            frame(function, file, line),
        ],
    };
    AsyncStack {
        branches: vec![
            branch(
                "tokio::time::sleep::Sleep::poll",
                "tokio-1.54.1/src/time/sleep.rs",
                457,
            ),
            branch(
                "tokio::sync::mpsc::chan::Rx::recv",
                "tokio-1.54.1/src/sync/mpsc/chan.rs",
                308,
            ),
        ],
        ..AsyncStack::default()
    }
}

fn task(id: u64, parent: Option<u64>) -> Task {
    Task {
        id,
        parent,
        kind: TaskKind::Task.into(),
        state: TaskState::Idle.into(),
        age_ns: 9_800 * MS,
        idle_ns: 3_200_000,
        ..Task::default()
    }
}

fn tier(name: &str, state: TierState, note: &str) -> Tier {
    Tier {
        name: name.to_owned(),
        state: state.into(),
        note: note.to_owned(),
    }
}

fn runtime(index: u32, workers: usize) -> Runtime {
    Runtime {
        // All that tokio counts run on the first.
        alive_tasks: if index == 0 { 5 } else { 0 },
        index,
        workers: vec![Worker::default(); workers],
        ..Runtime::default()
    }
}

fn site(id: u32, place: &str) -> Site {
    let mut parts = place.rsplitn(3, ':');
    let mut number = || {
        parts
            .next()
            .and_then(|part| part.parse().ok())
            .expect("a number")
    };
    let (column, line) = (number(), number());
    Site {
        id,
        file: parts.next().expect("a file").to_owned(),
        line,
        column,
    }
}
