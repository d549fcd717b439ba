//! The tree of a filter: the tasks that match and their ancestors, all expanded, nothing folded.

use super::super::filter::Filter;
use super::super::order::{Order, Rank, cut};
use super::super::source::Source;
use super::{MOST_LEVELS, Tree, living_parent};

/// Matches that are placed in the tree; all are counted.
const MOST_MATCHES: usize = 1000;

/// The tree, and how many tasks match.
pub(super) fn grow(filter: &Filter, order: &Order, source: &dyn Source) -> (Tree, u64) {
    let mut tree = Tree::default();
    let mut ranks: Vec<Rank> = Vec::new();
    source.for_each(&mut |row| {
        tree.tasks += 1;
        if filter.matches(row, source) {
            ranks.push(order.rank(row));
        }
    });
    let matched = ranks.len() as u64;
    tree.families.entry(None).or_default();
    for (_, id) in cut(ranks, 0, MOST_MATCHES) {
        place(&mut tree, id, order, source);
    }
    for siblings in tree
        .families
        .values_mut()
        .flat_map(|family| family.values_mut())
    {
        siblings.members.sort_unstable();
    }
    (tree, matched)
}

/// Gives a task and its ancestors rows, as far as they have none yet.
fn place(tree: &mut Tree, id: u64, order: &Order, source: &dyn Source) {
    let mut next = Some(id);
    for _ in 0..MOST_LEVELS {
        let Some(row) = next.and_then(|id| source.get(id)) else {
            return;
        };
        let parent = living_parent(&row, source);
        let siblings = tree
            .families
            .entry(parent)
            .or_default()
            .entry(row.site)
            .or_default();
        let rank = order.rank(&row);
        if siblings.members.iter().any(|(_, known)| *known == row.id) {
            return;
        }
        siblings.add(&row, order);
        siblings.members.push(rank);
        next = parent;
    }
}
