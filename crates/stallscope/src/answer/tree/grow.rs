//! Finds the children of expanded nodes, level by level, one pass over the tasks for each level.

use std::collections::HashMap;

use stallscope_wire::message::GroupKey;

use super::super::order::Order;
use super::super::source::{Row, Source};
use super::{Family, MOST_LEVELS, Siblings, Tree, Wishes, living_parent};

/// The part of the tree that has rows.
pub(super) fn grow(wishes: &Wishes, order: &Order, source: &dyn Source) -> Tree {
    let mut tree = Tree::default();
    let mut parents = HashMap::from([(None, Family::new())]);
    for depth in 0..MOST_LEVELS as u32 {
        tree.tasks = gather(&mut parents, wishes, order, source);
        let mut next = HashMap::new();
        for (parent, family) in &mut parents {
            for (site, siblings) in family.iter_mut() {
                siblings.members.sort_unstable();
                let members = siblings.members.iter().map(|(_, id)| *id);
                let opened = members.filter(|&id| wishes.expands(id, depth, siblings.folded));
                next.extend(opened.map(|id| (Some(id), Family::new())));
                debug_assert!(
                    siblings.folded || siblings.count == siblings.members.len() as u64,
                    "{parent:?} {site}"
                );
            }
        }
        tree.families.extend(parents);
        if next.is_empty() {
            break;
        }
        parents = next;
    }
    tree
}

/// One pass: puts every task whose parent is wanted into its family. Returns the number of tasks
/// there are.
fn gather(
    parents: &mut HashMap<Option<u64>, Family>,
    wishes: &Wishes,
    order: &Order,
    source: &dyn Source,
) -> u64 {
    let mut tasks = 0;
    let top_level = parents.contains_key(&None);
    // Siblings mostly follow one another: what was found out for one holds for the next.
    let mut last: Option<(Option<u64>, Option<u64>, bool)> = None;
    source.for_each(&mut |row| {
        tasks += 1;
        let (named, parent, wanted) = match last {
            Some(known @ (named, ..)) if named == row.parent && row.parent != Some(row.id) => known,
            _ => {
                let parent = if top_level {
                    living_parent(row, source)
                } else {
                    row.parent
                };
                (row.parent, parent, parents.contains_key(&parent))
            }
        };
        last = Some((named, parent, wanted));
        if wanted && let Some(family) = parents.get_mut(&parent) {
            add(
                family.entry(row.site).or_default(),
                parent,
                row,
                wishes,
                order,
            );
        }
    });
    tasks
}

/// Counts a task among its siblings; keeps it by name only as long as it has a row of its own.
fn add(siblings: &mut Siblings, parent: Option<u64>, row: &Row, wishes: &Wishes, order: &Order) {
    siblings.add(row, order);
    if siblings.count == wishes.fold_at {
        siblings.folded = true;
        siblings.expanded = wishes.groups.contains(&GroupKey {
            parent,
            site: row.site,
        });
        if !siblings.expanded {
            siblings.members = Vec::new();
        }
    }
    if !siblings.folded || siblings.expanded {
        siblings.members.push(order.rank(row));
    }
}
