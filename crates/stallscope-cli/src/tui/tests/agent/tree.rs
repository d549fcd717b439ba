//! How the agent of the sessions answers a question about the tree.

use std::collections::{BTreeMap, BTreeSet};

use stallscope_wire::message::{
    Comparison, Field, Group, GroupKey, NodeKey, Task, TaskSort, TaskState, Term, TreeQuery,
    TreeRow, TreeWindow, node_key, tree_row,
};
use stallscope_wire::text::place;

use super::FakeAgent;

impl FakeAgent {
    pub(super) fn tree(&self, query: &TreeQuery) -> TreeWindow {
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
