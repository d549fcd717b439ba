//! Visits the rows of a grown tree in order, depth first.

use std::collections::HashMap;

use stallscope_wire::message::{Group, GroupKey, TreeRow, tree_row};

use super::super::source::{Source, task};
use super::{Siblings, Tree};

/// A node of the tree, as it is met.
struct Visit<'a> {
    /// Its place among all rows.
    index: usize,
    depth: u32,
    guides: u64,
    node: Node<'a>,
}

#[derive(Clone, Copy)]
enum Node<'a> {
    Task(u64),
    Group(Option<u64>, u32, &'a Siblings),
}

/// How many rows there are.
pub(super) fn count(tree: &Tree) -> usize {
    let mut count = 0;
    visit(tree, &mut |_| count += 1);
    count
}

/// The row of a task.
pub(super) fn position(tree: &Tree, wanted: u64) -> Option<usize> {
    let mut found = None;
    visit(tree, &mut |visit| {
        if matches!(visit.node, Node::Task(id) if id == wanted) {
            found = Some(visit.index);
        }
    });
    found
}

/// The rows `offset .. offset + limit`.
pub(super) fn rows(tree: &Tree, offset: usize, limit: usize, source: &dyn Source) -> Vec<TreeRow> {
    let mut rows = Vec::new();
    visit(tree, &mut |visit| {
        if (offset..offset.saturating_add(limit)).contains(&visit.index) {
            rows.extend(row(&visit, tree, source));
        }
    });
    count_children(&mut rows, tree, source);
    rows
}

fn row(visit: &Visit<'_>, tree: &Tree, source: &dyn Source) -> Option<TreeRow> {
    let (node, expanded, children) = match visit.node {
        Node::Task(id) => {
            let family = tree.families.get(&Some(id));
            let children = family.map_or(0, |family| {
                family.values().map(|siblings| siblings.count).sum()
            });
            // A task that has ended since the tree was grown has no row to show; the next update
            // will know.
            (
                tree_row::Node::Task(task(&source.get(id)?, source)),
                family.is_some() && children > 0,
                children,
            )
        }
        Node::Group(parent, site, siblings) => {
            let group = Group {
                key: Some(GroupKey { parent, site }),
                count: siblings.count,
                running: siblings.running,
                polls: siblings.polls,
                busy_ns: siblings.busy,
                longest_poll_ns: siblings.longest,
                oldest_ns: siblings.oldest,
            };
            (
                tree_row::Node::Group(group),
                siblings.expanded,
                siblings.count,
            )
        }
    };
    Some(TreeRow {
        depth: visit.depth,
        guides: visit.guides,
        expanded,
        children,
        node: Some(node),
    })
}

/// Tells the collapsed tasks among the rows how many children they have, in one pass over all
/// tasks.
fn count_children(rows: &mut [TreeRow], tree: &Tree, source: &dyn Source) {
    let mut unknown: HashMap<u64, u64> = rows
        .iter()
        .filter_map(|row| match &row.node {
            Some(tree_row::Node::Task(task)) if !tree.families.contains_key(&Some(task.id)) => {
                Some((task.id, 0))
            }
            _ => None,
        })
        .collect();
    if unknown.is_empty() {
        return;
    }
    source.for_each(&mut |row| {
        if let Some(count) = row.parent.and_then(|parent| unknown.get_mut(&parent)) {
            *count += 1;
        }
    });
    for row in rows {
        if let Some(tree_row::Node::Task(task)) = &row.node
            && let Some(count) = unknown.get(&task.id)
        {
            row.children = *count;
        }
    }
}

/// Calls `look` with every row in order.
fn visit<'a>(tree: &'a Tree, look: &mut dyn FnMut(Visit<'a>)) {
    let mut index = 0;
    // Siblings yet to come at each depth, the next one last.
    let mut levels: Vec<Level<'a>> = vec![Level {
        guides: 0,
        left: entries(tree, None),
    }];
    while let Some(level) = levels.last_mut() {
        let Some(node) = level.left.pop() else {
            levels.pop();
            continue;
        };
        let (has_later, above) = (!level.left.is_empty(), level.guides);
        let depth = levels.len() as u32 - 1;
        let guides = above
            | if has_later && depth < 64 {
                1 << depth
            } else {
                0
            };
        look(Visit {
            index,
            depth,
            guides,
            node,
        });
        index += 1;
        let left = match node {
            Node::Task(id) => entries(tree, Some(id)),
            Node::Group(_, _, siblings) if siblings.expanded => members(siblings),
            Node::Group(..) => Vec::new(),
        };
        if !left.is_empty() {
            levels.push(Level { guides, left });
        }
    }
}

struct Level<'a> {
    guides: u64,
    left: Vec<Node<'a>>,
}

/// What stands directly below a node, in reverse order.
fn entries(tree: &Tree, parent: Option<u64>) -> Vec<Node<'_>> {
    let Some(family) = tree.families.get(&parent) else {
        return Vec::new();
    };
    let mut entries = Vec::new();
    for (&site, siblings) in family {
        if siblings.folded {
            let rank = siblings.rank.unwrap_or_default();
            entries.push((rank, Node::Group(parent, site, siblings)));
        } else {
            entries.extend(
                siblings
                    .members
                    .iter()
                    .map(|&rank| (rank, Node::Task(rank.1))),
            );
        }
    }
    entries.sort_unstable_by_key(|(rank, _)| std::cmp::Reverse(*rank));
    entries.into_iter().map(|(_, node)| node).collect()
}

fn members(siblings: &Siblings) -> Vec<Node<'_>> {
    siblings
        .members
        .iter()
        .rev()
        .map(|&(_, id)| Node::Task(id))
        .collect()
}
