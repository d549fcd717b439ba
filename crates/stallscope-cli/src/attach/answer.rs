//! A picture of a process that was taken from outside, as the answers of an agent. What is not known is refused, never told as nothing.

use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use stallscope_attach::tasks::{Frame, Kind, Place, State, Task};
use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{
    self, AsyncBranch, AsyncStack, Details, Doctor, DoctorEntry, Group, GroupKey, Level, Overview,
    Process, Site, TaskKind, TaskState, Tier, TierState, TreeQuery, TreeRow, TreeWindow, tree_row,
    update,
};

use super::found::{Clock, Found};
use super::select::Selection;
use super::words;

/// Tasks that hang in one line are folded when there are at least so many, unless the question says otherwise.
const FOLD_AT: usize = 8;

/// The most rows of one answer, and those of one that asks for no number.
const MOST_ROWS: u32 = 4096;
const SOME_ROWS: u32 = 100;

/// The process as it says itself: an agent's answers begin with that.
pub(crate) fn process(pid: u32) -> Process {
    let program = std::fs::read_link(format!("/proc/{pid}/exe"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    Process {
        // Tells this attempt from an earlier one, in which the number may have been another process's.
        started_unix_ns: now.map_or(0, |now| u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)),
        ..ended_process(pid, &program.unwrap_or_default())
    }
}

/// A process that is no more: its number and its program's path.
pub(crate) fn ended_process(pid: u32, program: &Path) -> Process {
    let name = program.file_name();
    Process {
        pid,
        program: name.map_or_else(
            || "process".to_owned(),
            |name| name.to_string_lossy().into_owned(),
        ),
        tokio_version: "unknown".to_owned(),
        stallscope_version: env!("CARGO_PKG_VERSION").to_owned(),
        ..Process::default()
    }
}

/// The tasks of one moment.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    tasks: Rc<Vec<Task>>,
    /// Number of every line that a task was seen to hang in; a line keeps its number.
    sites: HashMap<Place, u32>,
}

impl Picture {
    pub(crate) fn take(&mut self, tasks: Rc<Vec<Task>>) {
        for place in tasks.iter().filter_map(|task| task.suspended_at.as_ref()) {
            let next = u32::try_from(self.sites.len() + 1).unwrap_or(u32::MAX);
            if !self.sites.contains_key(place) {
                self.sites.insert(place.clone(), next);
            }
        }
        self.tasks = tasks;
    }

    /// `found`: by the watch that `clock` tells the beginning of.
    ///
    /// # Errors
    ///
    /// A sentence, if that is not known from outside.
    pub(crate) fn answer(
        &self,
        topic: Option<&Topic>,
        found: &Found,
        clock: Clock,
    ) -> Result<update::Body, String> {
        let needs_agent = |what: &str| {
            Err(format!(
                "{what} cannot be read from outside: that needs stallscope in the program"
            ))
        };
        match topic {
            Some(Topic::Overview(_)) => Ok(update::Body::Overview(self.overview(found))),
            Some(Topic::Tree(query)) => self.tree(query).map(update::Body::Tree),
            Some(Topic::Details(query)) => self.details(query.task).map(update::Body::Details),
            Some(Topic::AsyncStack(query)) => {
                let task = self.task(query.task)?;
                Ok(update::Body::AsyncStack(async_stack(task)))
            }
            Some(Topic::Doctor(_)) => Ok(update::Body::Doctor(doctor())),
            Some(Topic::Findings(query)) => {
                Ok(update::Body::Findings(found.window(query, clock)))
            }
            Some(Topic::Sites(_)) => needs_agent("where tasks are spawned"),
            Some(Topic::Locks(_)) => needs_agent("who holds which lock"),
            Some(Topic::Ended(_)) => needs_agent("what has ended"),
            Some(Topic::Cancel(_)) => Err(
                "nothing in the process can be changed from outside: that needs stallscope in the program"
                    .to_owned(),
            ),
            Some(Topic::Tasks(_) | Topic::Stacks(_)) | None => needs_agent("this"),
        }
    }

    fn overview(&self, found: &Found) -> Overview {
        Overview {
            tiers: vec![Tier {
                name: "attach".to_owned(),
                state: TierState::On.into(),
                note: String::new(),
            }],
            live_tasks: self.tasks.len() as u64,
            findings: u32::try_from(found.count()).unwrap_or(u32::MAX),
            ..Overview::default()
        }
    }

    fn task(&self, id: u64) -> Result<&Task, String> {
        let task = self.tasks.iter().find(|task| task.id == id);
        task.ok_or_else(|| format!("task {id} is not there any more"))
    }

    fn details(&self, id: u64) -> Result<Details, String> {
        let task = self.task(id)?;
        let mut told = words::prospects(task);
        told.extend(
            task.waits_for
                .as_ref()
                .map(|waits| format!("waits for {}", words::waits(waits))),
        );
        told.extend(task.notes.iter().cloned());
        Ok(Details {
            task: Some(self.on_wire(task)),
            sites: self.sites_of([task]),
            unseen: told.join("; "),
            ..Details::default()
        })
    }

    fn tree(&self, query: &TreeQuery) -> Result<TreeWindow, String> {
        let selection = Selection::new(&query.filter, query.sort(), query.descending)?;
        let chosen = selection.apply(&self.tasks);
        let matched = chosen.len() as u64;
        let lines = self.lines(&chosen, query);
        let follow_row = query.follow.and_then(|followed| {
            let at = lines.iter().position(|line| line.is(followed))?;
            Some(at as u64)
        });
        let limit = match query.limit {
            0 => SOME_ROWS,
            limit => limit.min(MOST_ROWS),
        };
        let mut offset = query.offset;
        if let Some(row) = follow_row
            && !(offset..offset.saturating_add(limit.into())).contains(&row)
        {
            offset = row.saturating_sub(u64::from(limit / 2));
        }
        let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
        let window = || lines.iter().skip(skipped).take(limit as usize);
        Ok(TreeWindow {
            total_rows: lines.len() as u64,
            offset,
            sites: self.sites_of(window().map(Line::first)),
            rows: window().map(|line| self.row(line)).collect(),
            matched,
            follow_row,
        })
    }

    /// The rows of the whole tree: who spawned whom is not known, but many tasks that hang in one line stand as one.
    fn lines<'t>(&self, chosen: &[&'t Task], query: &TreeQuery) -> Vec<Line<'t>> {
        let fold_at = match query.fold_at {
            0 => FOLD_AT,
            at => at as usize,
        };
        let mut by_site: HashMap<u32, Vec<&Task>> = HashMap::new();
        if query.filter.is_empty() {
            for task in chosen {
                by_site.entry(self.site(task)).or_default().push(task);
            }
        }
        let mut lines = Vec::with_capacity(chosen.len());
        for task in chosen {
            let site = self.site(task);
            let folds = |tasks: &&Vec<&Task>| site != 0 && tasks.len() >= fold_at;
            match by_site.get(&site).filter(folds) {
                None => lines.push(Line::Task { task, depth: 0 }),
                // The group stands where its first task would.
                Some(tasks) if tasks[0].address == task.address => {
                    let is_expanded = is_expanded(query, site, tasks);
                    lines.push(Line::Group {
                        site,
                        tasks: tasks.clone(),
                        is_expanded,
                    });
                    if is_expanded {
                        lines.extend(tasks.iter().map(|task| Line::Task { task, depth: 1 }));
                    }
                }
                Some(_) => {}
            }
        }
        lines
    }

    fn row(&self, line: &Line<'_>) -> TreeRow {
        match line {
            Line::Task { task, depth } => TreeRow {
                depth: *depth,
                node: Some(tree_row::Node::Task(self.on_wire(task))),
                ..TreeRow::default()
            },
            Line::Group {
                site,
                tasks,
                is_expanded,
            } => {
                let running = tasks.iter().filter(|task| task.state == State::Running);
                TreeRow {
                    expanded: *is_expanded,
                    children: tasks.len() as u64,
                    node: Some(tree_row::Node::Group(Group {
                        key: Some(key(*site)),
                        count: tasks.len() as u64,
                        running: running.count() as u64,
                        ..Group::default()
                    })),
                    ..TreeRow::default()
                }
            }
        }
    }

    /// Times and counts stay 0: the view does not show them of a process that is read from outside.
    fn on_wire(&self, task: &Task) -> message::Task {
        let waits = task.waits_for.as_ref();
        let name = words::function(task);
        message::Task {
            id: task.id,
            name: waits.map_or(name.clone(), |waits| {
                format!("{name} ({})", waits.kind.name())
            }),
            kind: match task.kind {
                Kind::Task => TaskKind::Task,
                Kind::Local => TaskKind::Local,
                Kind::Blocking => TaskKind::Blocking,
            }
            .into(),
            state: match task.state {
                State::Running => TaskState::Running,
                State::Scheduled => TaskState::Scheduled,
                State::Idle => TaskState::Idle,
                State::Ended => TaskState::Ended,
            }
            .into(),
            site: self.site(task),
            ..message::Task::default()
        }
    }

    /// The number of the line it hangs in; 0 if none is known.
    fn site(&self, task: &Task) -> u32 {
        let place = task.suspended_at.as_ref();
        place
            .and_then(|place| self.sites.get(place))
            .copied()
            .unwrap_or(0)
    }

    fn sites_of<'t>(&self, tasks: impl IntoIterator<Item = &'t Task>) -> Vec<Site> {
        let sites: HashMap<u32, Site> = tasks
            .into_iter()
            .filter_map(|task| {
                let Place { file, line } = task.suspended_at.as_ref()?;
                let id = self.site(task);
                let site = Site {
                    id,
                    file: file.clone(),
                    line: *line,
                    column: 0,
                };
                Some((id, site))
            })
            .collect();
        sites.into_values().collect()
    }
}

/// A row of the tree.
enum Line<'t> {
    Task {
        task: &'t Task,
        depth: u32,
    },
    /// Tasks that hang in one line.
    Group {
        site: u32,
        tasks: Vec<&'t Task>,
        is_expanded: bool,
    },
}

impl<'t> Line<'t> {
    fn is(&self, id: u64) -> bool {
        matches!(self, Line::Task { task, .. } if task.id == id)
    }

    /// The task, or one of the group.
    fn first(&self) -> &'t Task {
        match self {
            Line::Task { task, .. } => task,
            Line::Group { tasks, .. } => tasks[0],
        }
    }
}

fn key(site: u32) -> GroupKey {
    GroupKey { parent: None, site }
}

fn is_expanded(query: &TreeQuery, site: u32, tasks: &[&Task]) -> bool {
    let wanted = message::node_key::Node::Group(key(site));
    let is_wanted = query
        .expanded
        .iter()
        .any(|expanded| expanded.node == Some(wanted));
    is_wanted || tasks.iter().any(|task| query.follow == Some(task.id))
}

/// One place for each branch that still waits, the whole way down to it.
fn async_stack(task: &Task) -> AsyncStack {
    let mut branches = Vec::new();
    follow(&task.stack, &mut Vec::new(), &mut branches);
    let missing = match (task.state, branches.is_empty()) {
        (_, false) => "",
        (State::Running, true) => "it runs at this moment",
        (State::Ended, true) => "it has ended",
        (State::Scheduled | State::Idle, true) => {
            "it has not been polled yet, or what it is made of is not understood"
        }
    };
    AsyncStack {
        branches,
        more: 0,
        missing: missing.to_owned(),
    }
}

fn follow(stack: &[Frame], above: &mut Vec<message::Frame>, found: &mut Vec<AsyncBranch>) {
    let length = above.len();
    let mut branched = false;
    for frame in stack {
        above.push(frame_on_wire(frame));
        for branch in frame.branches.iter().filter(|branch| !branch.done) {
            branched = true;
            follow(&branch.stack, above, found);
        }
    }
    if !branched && !above.is_empty() {
        found.push(AsyncBranch {
            frames: above.clone(),
        });
    }
    above.truncate(length);
}

fn frame_on_wire(frame: &Frame) -> message::Frame {
    let place = frame.place.as_ref();
    message::Frame {
        function: frame.function.clone(),
        file: place.map(|place| place.file.clone()).unwrap_or_default(),
        line: place.map_or(0, |place| place.line),
        in_app: frame.in_app,
        origin: if frame.in_app { "app" } else { "" }.to_owned(),
        ..message::Frame::default()
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
            entry(
                Level::Ok,
                "attach",
                "tasks are read from the memory of the process, by its debug information; the process is not stopped and \
                 nothing is written to it",
                "",
            ),
            entry(
                Level::Ok,
                "findings",
                "threads are looked at up to 100 times a second: what blocks a poll for 35 ms is found, of what is shorter some; with very many \
                 threads, or tasks, looks are rarer",
                "",
            ),
            entry(
                Level::Info,
                "times",
                "when a task was spawned and by whom, how often and how long it was polled cannot be read from outside",
                "put #[stallscope::main] in place of #[tokio::main] in the program",
            ),
        ],
    }
}

#[cfg(test)]
mod tests;
