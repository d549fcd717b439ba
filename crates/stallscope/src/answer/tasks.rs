//! A flat window over the live tasks: filter, sort, cut.

use std::collections::HashMap;

use stallscope_wire::message::{TaskQuery, TaskWindow};

use super::filter::Filter;
use super::order::{Order, Rank, cut};
use super::source::{Row, Source, places, task};

const DEFAULT_ROWS: u32 = 100;
const MOST_ROWS: u32 = 4096;

pub(super) fn window(query: &TaskQuery, source: &dyn Source) -> Result<TaskWindow, String> {
    let filter = Filter::new(&query.filter, source)?;
    let order = match query.after {
        None => Order::new(query.sort(), query.descending, source),
        Some(_) => Order::new(stallscope_wire::message::TaskSort::Id, false, source),
    };
    let mut subtree = query.subtree.map(Subtree::of);
    let mut matched = 0;
    let mut ranks: Vec<Rank> = Vec::new();
    source.for_each(&mut |row| {
        if subtree
            .as_mut()
            .is_some_and(|subtree| !subtree.contains(row, source))
            || !filter.matches(row, source)
        {
            return;
        }
        matched += 1;
        if query.after.is_none_or(|after| row.id > after) {
            ranks.push(order.rank(row));
        }
    });
    let offset = if query.after.is_some() {
        0
    } else {
        query.offset
    };
    let window = cut(
        ranks,
        usize::try_from(offset).unwrap_or(usize::MAX),
        rows(query.limit),
    );
    let tasks: Vec<_> = window
        .iter()
        .filter_map(|(_, id)| Some(task(&source.get(*id)?, source)))
        .collect();
    Ok(TaskWindow {
        matched,
        offset,
        sites: places(tasks.iter().map(|task| task.site), source),
        tasks,
    })
}

/// How many rows a client gets that asks for this many.
pub(super) fn rows(limit: u32) -> usize {
    if limit == 0 {
        DEFAULT_ROWS as usize
    } else {
        limit.min(MOST_ROWS) as usize
    }
}

/// A task and its descendants, found out by walking up; what was found is remembered.
struct Subtree {
    top: u64,
    known: HashMap<u64, bool>,
}

impl Subtree {
    fn of(top: u64) -> Self {
        Subtree {
            top,
            known: HashMap::from([(top, true)]),
        }
    }

    fn contains(&mut self, row: &Row, source: &dyn Source) -> bool {
        let mut path = vec![row.id];
        let mut parent = row.parent;
        let inside = loop {
            if let Some(&known) = path.last().and_then(|id| self.known.get(id)) {
                break known;
            }
            let Some(up) = parent else { break false };
            if path.contains(&up) {
                break false;
            }
            path.push(up);
            if up == self.top {
                break true;
            }
            parent = source.get(up).and_then(|row| row.parent);
        };
        // Leaves are not worth remembering: each is asked about once.
        self.known
            .extend(path.into_iter().skip(1).map(|id| (id, inside)));
        inside
    }
}

#[cfg(test)]
mod tests {
    use stallscope_wire::message::{Comparison, Field, TaskSort, Term};

    use super::super::source::fake::Fake;
    use super::*;

    fn tasks() -> Fake {
        let mut fake = Fake {
            files: vec!["a.rs", "b.rs"],
            ..Fake::default()
        };
        fake.add(0, None, 0);
        fake.add(1, Some(0), 1);
        fake.add(2, Some(1), 2);
        fake.add(3, Some(2), 2);
        fake.add(4, Some(99), 2);
        fake
    }

    fn ids(query: &TaskQuery) -> Vec<u64> {
        let window = window(query, &tasks()).expect("a query that can be answered");
        window.tasks.iter().map(|task| task.id).collect()
    }

    #[test]
    fn a_window_is_a_cut_through_the_order() {
        let query = TaskQuery {
            sort: TaskSort::Busy.into(),
            descending: true,
            limit: 2,
            offset: 1,
            ..TaskQuery::default()
        };
        assert_eq!(ids(&query), [3, 2]);
        let whole = window(&query, &tasks()).expect("an answer");
        assert_eq!((whole.matched, whole.offset), (5, 1));
        assert_eq!(
            whole.sites.iter().map(|site| site.id).collect::<Vec<_>>(),
            [2]
        );
    }

    #[test]
    fn a_subtree_is_a_task_with_all_below_it() {
        assert_eq!(
            ids(&TaskQuery {
                subtree: Some(1),
                ..TaskQuery::default()
            }),
            [1, 2, 3]
        );
        assert_eq!(
            ids(&TaskQuery {
                subtree: Some(4),
                ..TaskQuery::default()
            }),
            [4]
        );
        assert_eq!(
            ids(&TaskQuery {
                subtree: Some(77),
                ..TaskQuery::default()
            }),
            [] as [u64; 0]
        );
    }

    #[test]
    fn pages_by_id_neither_miss_nor_repeat() {
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let mut page = TaskQuery {
                limit: 2,
                ..TaskQuery::default()
            };
            page.after = after;
            page.sort = TaskSort::Id.into();
            let ids = ids(&page);
            let Some(&last) = ids.last() else { break };
            seen.extend(ids);
            after = Some(last);
        }
        assert_eq!(seen, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_parent_that_has_ended_is_told() {
        let window = window(&TaskQuery::default(), &tasks()).expect("an answer");
        let ended: Vec<u64> = window
            .tasks
            .iter()
            .filter(|task| task.parent_ended)
            .map(|task| task.id)
            .collect();
        assert_eq!(ended, [4]);
    }

    #[test]
    fn a_filter_that_cannot_be_applied_is_no_answer() {
        let term = Term {
            field: Field::Unknown.into(),
            comparison: Comparison::Equal.into(),
            ..Term::default()
        };
        assert!(
            window(
                &TaskQuery {
                    filter: vec![term],
                    ..TaskQuery::default()
                },
                &tasks()
            )
            .is_err()
        );
    }

    #[test]
    fn the_number_of_rows_is_bounded() {
        assert_eq!((rows(0), rows(7), rows(u32::MAX)), (100, 7, 4096));
    }
}
