//! An agent that answers from a list of tasks in memory, by the rules of `stallscope.proto`.

use std::collections::{BTreeMap, BTreeSet};

use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{
    Comparison, Details, Doctor, DoctorEntry, Field, Group, GroupKey, Level, NodeKey, Overview,
    Runtime, Site, Task, TaskKind, TaskSort, TaskState, Term, Tier, TierState, TreeQuery, TreeRow,
    TreeWindow, Worker, node_key, tree_row, update,
};
use stallscope_wire::text::place;

pub(crate) const MILLISECOND: u64 = 1_000_000;
pub(crate) const SECOND: u64 = 1_000 * MILLISECOND;

/// Answers a question as it stands `at_ns` after the start of recording.
pub(crate) trait Agent {
    fn answer(&self, topic: &Topic, at_ns: u64) -> Result<update::Body, String>;
}

/// The program that is looked at.
#[derive(Clone, Default)]
pub(crate) struct FakeAgent {
    pub(crate) tasks: BTreeMap<u64, Task>,
    pub(crate) sites: Vec<Site>,
    pub(crate) overview: Overview,
    pub(crate) doctor: Doctor,
}

impl Agent for FakeAgent {
    fn answer(&self, topic: &Topic, at_ns: u64) -> Result<update::Body, String> {
        match topic {
            Topic::Overview(_) => Ok(update::Body::Overview(self.overview_at(at_ns))),
            Topic::Tree(query) => Ok(update::Body::Tree(self.tree(query))),
            Topic::Details(query) => self.details(query.task).map(update::Body::Details),
            Topic::Doctor(_) => Ok(update::Body::Doctor(self.doctor.clone())),
            Topic::Sites(_) | Topic::Tasks(_) => Err("not asked for by the view".to_owned()),
        }
    }
}

impl FakeAgent {
    /// The service of the sessions: a main future with an accept loop, connections of which most are folded, and some workers
    /// of a pool.
    pub(crate) fn hybrid_service() -> Self {
        let mut agent = Self::healthy();
        let main = agent.site("demo-apps/hybrid-service/src/main.rs", 31);
        let accept = agent.site("demo-apps/hybrid-service/src/server.rs", 48);
        let report = agent.site("demo-apps/hybrid-service/src/report.rs", 63);
        let hyper = agent.site("/home/me/.cargo/registry/src/index.crates.io-1949cf8c/hyper-util-0.1.17/src/rt/tokio.rs", 33);
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

    // ------------------------------------------------------------ the tree

    fn tree(&self, query: &TreeQuery) -> TreeWindow {
        let matching: BTreeSet<u64> = self
            .tasks
            .values()
            .filter(|task| query.filter.iter().all(|term| self.holds(term, task)))
            .map(|task| task.id)
            .collect();
        let mut walk = Walk {
            agent: self,
            query,
            matching: &matching,
            open: BTreeSet::new(),
            rows: Vec::new(),
        };
        let followed = query.follow.filter(|id| matching.contains(id));
        walk.open_above(followed);
        walk.level(None, 0, 0);
        let rows = walk.rows;
        let follow_row = followed.and_then(|id| rows.iter().position(|row| is_task(row, id)));
        let limit = if query.limit == 0 {
            100
        } else {
            query.limit as usize
        };
        let mut offset = usize::try_from(query.offset)
            .unwrap_or(usize::MAX)
            .min(rows.len());
        if let Some(row) = follow_row {
            offset = offset.clamp((row + 1).saturating_sub(limit), row);
        }
        TreeWindow {
            total_rows: rows.len() as u64,
            offset: offset as u64,
            rows: rows.into_iter().skip(offset).take(limit).collect(),
            sites: self.sites.clone(),
            matched: matching.len() as u64,
            follow_row: follow_row.map(|row| row as u64),
        }
    }

    fn place_of(&self, task: &Task) -> String {
        self.sites
            .iter()
            .find(|site| site.id == task.site)
            .map(place)
            .unwrap_or_default()
    }

    fn holds(&self, term: &Term, task: &Task) -> bool {
        let contains = |text: &str| text.to_lowercase().contains(&term.text.to_lowercase());
        let number = |value: u64| match term.comparison() {
            Comparison::Above => value > term.number,
            Comparison::Below => value < term.number,
            _ => value == term.number,
        };
        let held = match term.field() {
            Field::Any => {
                contains(&task.name)
                    || contains(&self.place_of(task))
                    || contains(task.state().as_str())
                    || contains(task.kind().as_str())
                    || task.id.to_string() == term.text
            }
            Field::Name => contains(&task.name),
            Field::Site => contains(&self.place_of(task)),
            Field::State => contains(task.state().as_str()),
            Field::Kind => contains(task.kind().as_str()),
            Field::Id => number(task.id),
            Field::Busy => number(task.busy_ns),
            Field::Polls => number(task.polls),
            Field::Idle => number(task.idle_ns),
            Field::Age => number(task.age_ns),
            Field::LongestPoll => number(task.longest_poll_ns),
            Field::Worker => task.worker.is_some_and(|worker| number(worker.into())),
            Field::Parent => task.parent.is_some_and(number),
            Field::Unknown => false,
        };
        held != term.negated
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

/// One depth-first walk.
struct Walk<'a> {
    agent: &'a FakeAgent,
    query: &'a TreeQuery,
    matching: &'a BTreeSet<u64>,
    /// What is unfolded because the followed task is below it.
    open: BTreeSet<String>,
    rows: Vec<TreeRow>,
}

/// Siblings, single or folded.
enum Sibling<'a> {
    Task(&'a Task),
    Group(GroupKey, Vec<&'a Task>),
}

impl<'a> Walk<'a> {
    fn open_above(&mut self, followed: Option<u64>) {
        let mut below = followed.and_then(|id| self.agent.tasks.get(&id));
        while let Some(task) = below {
            let parent = task
                .parent
                .filter(|parent| self.agent.tasks.contains_key(parent));
            self.open.insert(name(node_key::Node::Group(GroupKey {
                parent,
                site: task.site,
            })));
            if let Some(parent) = parent {
                self.open.insert(name(node_key::Node::Task(parent)));
            }
            below = parent.and_then(|parent| self.agent.tasks.get(&parent));
        }
    }

    fn level(&mut self, parent: Option<u64>, depth: u32, guides: u64) {
        let siblings = self.fold(parent, self.children(parent));
        let last = siblings.len().saturating_sub(1);
        for (index, sibling) in siblings.into_iter().enumerate() {
            let guides = if index < last && depth < 64 {
                guides | 1 << depth
            } else {
                guides
            };
            match sibling {
                Sibling::Task(task) => self.task(task, depth, guides),
                Sibling::Group(key, members) => self.group(key, &members, depth, guides),
            }
        }
    }

    fn task(&mut self, task: &Task, depth: u32, guides: u64) {
        let children = self.children(Some(task.id)).len() as u64;
        let key = node_key::Node::Task(task.id);
        let default = depth < self.query.default_depth;
        let expanded = children > 0 && self.is_expanded(key, default);
        self.rows.push(TreeRow {
            depth,
            guides,
            expanded,
            children,
            node: Some(tree_row::Node::Task(task.clone())),
        });
        if expanded {
            self.level(Some(task.id), depth + 1, guides);
        }
    }

    fn group(&mut self, key: GroupKey, members: &[&Task], depth: u32, guides: u64) {
        let expanded = self.is_expanded(node_key::Node::Group(key), false);
        let group = Group {
            key: Some(key),
            count: members.len() as u64,
            running: members
                .iter()
                .filter(|task| task.state() == TaskState::Running)
                .count() as u64,
            polls: members.iter().map(|task| task.polls).sum(),
            busy_ns: members.iter().map(|task| task.busy_ns).sum(),
            longest_poll_ns: members
                .iter()
                .map(|task| task.longest_poll_ns)
                .max()
                .unwrap_or(0),
            oldest_ns: members.iter().map(|task| task.age_ns).max().unwrap_or(0),
        };
        let children = members.len() as u64;
        self.rows.push(TreeRow {
            depth,
            guides,
            expanded,
            children,
            node: Some(tree_row::Node::Group(group)),
        });
        if expanded {
            for (index, task) in members.iter().enumerate() {
                let later = index + 1 < members.len() && depth + 1 < 64;
                self.task(
                    task,
                    depth + 1,
                    if later {
                        guides | 1 << (depth + 1)
                    } else {
                        guides
                    },
                );
            }
        }
    }

    fn is_expanded(&self, key: node_key::Node, default: bool) -> bool {
        let listed = |list: &[NodeKey]| list.iter().any(|listed| listed.node == Some(key));
        if !self.query.filter.is_empty() || self.open.contains(&name(key)) {
            return true;
        }
        if default {
            !listed(&self.query.collapsed)
        } else {
            listed(&self.query.expanded)
        }
    }

    /// Sorted, and with a filter only those that match or lead to one that does.
    fn children(&self, parent: Option<u64>) -> Vec<&'a Task> {
        let tasks = &self.agent.tasks;
        let mut children: Vec<&Task> = tasks
            .values()
            .filter(|task| task.parent.filter(|above| tasks.contains_key(above)) == parent)
            .filter(|task| self.query.filter.is_empty() || self.leads_to_match(task.id))
            .collect();
        children.sort_by_key(|task| self.rank(task));
        if self.query.descending {
            children.reverse();
        }
        children
    }

    fn leads_to_match(&self, id: u64) -> bool {
        let children = self
            .agent
            .tasks
            .values()
            .filter(|task| task.parent == Some(id));
        self.matching.contains(&id)
            || children
                .map(|task| task.id)
                .any(|child| self.leads_to_match(child))
    }

    fn rank(&self, task: &Task) -> (u64, String) {
        let number = |n: u64| (n, String::new());
        match self.query.sort() {
            TaskSort::Unknown | TaskSort::Id => number(task.id),
            TaskSort::Name => (0, task.name.clone()),
            TaskSort::Site => (0, self.agent.place_of(task)),
            TaskSort::State => number(task.state.unsigned_abs().into()),
            TaskSort::Age => number(task.age_ns),
            TaskSort::Idle => number(task.idle_ns),
            TaskSort::Polls => number(task.polls),
            TaskSort::Busy => number(task.busy_ns),
            TaskSort::LongestPoll => number(task.longest_poll_ns),
            TaskSort::Worker => number(task.worker.map_or(u64::MAX, u64::from)),
        }
    }

    fn fold(&self, parent: Option<u64>, children: Vec<&'a Task>) -> Vec<Sibling<'a>> {
        let fold_at = if self.query.fold_at == 0 {
            8
        } else {
            self.query.fold_at as usize
        };
        let mut of_site: BTreeMap<u32, Vec<&Task>> = BTreeMap::new();
        for &task in &children {
            of_site.entry(task.site).or_default().push(task);
        }
        let mut siblings = Vec::new();
        for task in children {
            match of_site.get(&task.site) {
                Some(members) if members.len() < fold_at || !self.query.filter.is_empty() => {
                    siblings.push(Sibling::Task(task));
                }
                Some(_) => {
                    let members = of_site.remove(&task.site).unwrap_or_default();
                    siblings.push(Sibling::Group(
                        GroupKey {
                            parent,
                            site: task.site,
                        },
                        members,
                    ));
                }
                None => {}
            }
        }
        siblings
    }
}

fn is_task(row: &TreeRow, id: u64) -> bool {
    matches!(&row.node, Some(tree_row::Node::Task(task)) if task.id == id)
}

fn name(key: node_key::Node) -> String {
    format!("{key:?}")
}
