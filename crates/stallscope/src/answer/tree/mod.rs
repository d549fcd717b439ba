//! A window over the task tree as rows, ready to draw.
//!
//! The tree is never built: [`grow`] finds the children of expanded nodes, level by level, each
//! level in one pass over the tasks, and keeps of a folded group no more than its sums. [`walk`]
//! then visits the rows in order and keeps those of the window. What is held grows with what is
//! expanded, not with the tasks.

mod grow;
mod matches;
mod walk;

use std::collections::{BTreeMap, HashMap, HashSet};

use stallscope_wire::message::{GroupKey, NodeKey, TreeQuery, TreeWindow, node_key, tree_row};

use super::filter::Filter;
use super::order::{Order, Rank};
use super::source::{Row, Source, places};
use super::tasks::rows;

/// Fewer siblings from one place than this stand for themselves.
const FOLD_AT: u32 = 8;

pub(super) fn window(query: &TreeQuery, source: &dyn Source) -> Result<TreeWindow, String> {
    let filter = Filter::new(&query.filter, source)?;
    let order = Order::new(query.sort(), query.descending, source);
    let (tree, matched) = if filter.is_empty() {
        let mut wishes = Wishes::of(query);
        wishes.expand_towards(query.follow, source);
        let tree = grow::grow(&wishes, &order, source);
        let live = tree.tasks;
        (tree, live)
    } else {
        matches::grow(&filter, &order, source)
    };

    let limit = rows(query.limit);
    let total = walk::count(&tree);
    let follow_row = query.follow.and_then(|task| walk::position(&tree, task));
    let asked = usize::try_from(query.offset).unwrap_or(usize::MAX);
    let offset = match follow_row {
        Some(row) if row < asked || row >= asked.saturating_add(limit) => {
            row.saturating_sub(limit / 2)
        }
        _ => asked,
    };
    // Past the end, as when tasks have ended since the client scrolled: the last full window.
    let offset = offset.min(total.saturating_sub(limit));
    let rows = walk::rows(&tree, offset, limit, source);
    let used = rows.iter().filter_map(|row| match row.node.as_ref()? {
        tree_row::Node::Task(task) => Some(task.site),
        tree_row::Node::Group(group) => Some(group.key?.site),
    });
    Ok(TreeWindow {
        total_rows: total as u64,
        offset: offset as u64,
        sites: places(used, source),
        matched,
        follow_row: follow_row.map(|row| row as u64),
        rows,
    })
}

/// The children of every expanded node.
#[derive(Default)]
struct Tree {
    /// By parent; the top level under none.
    families: HashMap<Option<u64>, Family>,
    /// All live tasks.
    tasks: u64,
}

/// The children of one node, by spawn place.
type Family = BTreeMap<u32, Siblings>;

/// Tasks with one parent and one spawn place.
#[derive(Default)]
struct Siblings {
    count: u64,
    running: u64,
    polls: u64,
    busy: u64,
    longest: u64,
    oldest: u64,
    /// Where the group stands among its siblings, as one.
    rank: Option<Rank>,
    /// One row stands for all of them.
    folded: bool,
    /// Folded, but its members follow.
    expanded: bool,
    /// Those that have rows of their own, ordered when the family is complete.
    members: Vec<Rank>,
}

impl Siblings {
    fn add(&mut self, row: &Row, order: &Order) {
        self.count += 1;
        self.running += u64::from(row.polling > 0);
        self.polls += row.polls;
        self.busy += row.busy;
        self.longest = self.longest.max(row.longest);
        self.oldest = self.oldest.max(row.age);
        self.rank = Some(order.fold(self.rank, order.rank(row)));
    }
}

/// What the client wants to see.
struct Wishes {
    default_depth: u32,
    fold_at: u64,
    expanded: HashSet<u64>,
    collapsed: HashSet<u64>,
    groups: HashSet<GroupKey>,
}

impl Wishes {
    fn of(query: &TreeQuery) -> Self {
        let tasks = |keys: &[NodeKey]| {
            keys.iter()
                .filter_map(|key| match key.node? {
                    node_key::Node::Task(task) => Some(task),
                    node_key::Node::Group(_) => None,
                })
                .collect()
        };
        let groups = query.expanded.iter().filter_map(|key| match key.node? {
            node_key::Node::Group(group) => Some(group),
            node_key::Node::Task(_) => None,
        });
        Wishes {
            default_depth: query.default_depth,
            fold_at: u64::from(if query.fold_at == 0 {
                FOLD_AT
            } else {
                query.fold_at.max(2)
            }),
            expanded: tasks(&query.expanded),
            collapsed: tasks(&query.collapsed),
            groups: groups.collect(),
        }
    }

    /// Expands what has to be for a task to have a row.
    fn expand_towards(&mut self, task: Option<u64>, source: &dyn Source) {
        let mut row = task.and_then(|task| source.get(task));
        for _ in 0..MOST_LEVELS {
            let Some(child) = row else { return };
            row = child.parent.and_then(|parent| source.get(parent));
            self.groups.insert(GroupKey {
                parent: row.map(|row| row.id),
                site: child.site,
            });
            if let Some(parent) = row {
                self.expanded.insert(parent.id);
                self.collapsed.remove(&parent.id);
            }
        }
    }

    /// Whether the children of a task are shown. Members of a group stay closed until they are
    /// opened by name: a thousand open siblings help nobody.
    fn expands(&self, task: u64, depth: u32, in_group: bool) -> bool {
        let by_default = depth < self.default_depth && !in_group && !self.collapsed.contains(&task);
        by_default || self.expanded.contains(&task)
    }
}

/// How deep the tree is followed.
const MOST_LEVELS: usize = 64;

/// A row's parent if that is alive; otherwise it stands at the top level.
fn living_parent(row: &Row, source: &dyn Source) -> Option<u64> {
    row.parent
        .filter(|&parent| parent != row.id && source.is_live(parent))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
