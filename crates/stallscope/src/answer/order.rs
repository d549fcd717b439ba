//! In what order do tasks come? Every sort key becomes a number, so that a million of them sort
//! without touching text.

use std::collections::HashMap;
use std::sync::Arc;

use stallscope_wire::message::{TaskSort, TaskState};

use super::source::{Row, Source, name_of};

/// An order of tasks, ties broken by id.
pub(super) struct Order {
    sort: TaskSort,
    descending: bool,
    sites: HashMap<u32, u64>,
    names: HashMap<u64, u64>,
}

/// A row's place in an [`Order`]: compare these.
pub(super) type Rank = (u64, u64);

impl Order {
    pub(super) fn new(sort: TaskSort, descending: bool, source: &dyn Source) -> Self {
        let sites = if sort == TaskSort::Site {
            site_ranks(source)
        } else {
            HashMap::new()
        };
        let names = if sort == TaskSort::Name {
            name_ranks(source)
        } else {
            HashMap::new()
        };
        Order {
            sort,
            descending,
            sites,
            names,
        }
    }

    pub(super) fn rank(&self, row: &Row) -> Rank {
        (self.directed(self.value(row)), row.id)
    }

    /// The value a row is sorted by.
    fn value(&self, row: &Row) -> u64 {
        match self.sort {
            TaskSort::Unknown | TaskSort::Id => row.id,
            TaskSort::Name => self.names.get(&row.id).copied().unwrap_or(u64::MAX - 1),
            TaskSort::State => match row.state {
                TaskState::Running => 0,
                TaskState::Scheduled => 1,
                TaskState::Idle => 2,
                _ => 3,
            },
            TaskSort::Site => self.sites.get(&row.site).copied().unwrap_or(u64::MAX - 1),
            TaskSort::Age => row.age,
            TaskSort::Idle => row.idle,
            TaskSort::Polls => row.polls,
            TaskSort::Busy => row.busy,
            TaskSort::LongestPoll => row.longest,
            TaskSort::Worker => row.worker.map_or(u64::MAX - 1, u64::from),
        }
    }

    /// Where a group of tasks stands, given its members one after the other: by the sum of what
    /// adds up, by the largest time, and else where its first member stands.
    pub(super) fn fold(&self, so_far: Option<Rank>, member: Rank) -> Rank {
        let Some(so_far) = so_far else { return member };
        let (one, other) = (self.directed(so_far.0), self.directed(member.0));
        let value = match self.sort {
            TaskSort::Polls | TaskSort::Busy => one.saturating_add(other),
            TaskSort::Age | TaskSort::Idle | TaskSort::LongestPoll => one.max(other),
            _ => return so_far.min(member),
        };
        (self.directed(value), so_far.1.min(member.1))
    }

    /// A value as it is compared; applied twice, the value again.
    fn directed(&self, value: u64) -> u64 {
        if self.descending {
            u64::MAX - value
        } else {
            value
        }
    }
}

/// Cuts the window `offset .. offset + limit` out of the ordered ranks; the rest is not sorted.
pub(super) fn cut(mut ranks: Vec<Rank>, offset: usize, limit: usize) -> Vec<Rank> {
    let end = offset.saturating_add(limit).min(ranks.len());
    if end < ranks.len() && end > 0 {
        ranks.select_nth_unstable(end - 1);
        ranks.truncate(end);
    }
    ranks.sort_unstable();
    ranks.truncate(end);
    ranks.drain(..offset.min(end));
    ranks
}

fn site_ranks(source: &dyn Source) -> HashMap<u32, u64> {
    let mut sites = source.sites();
    sites.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    sites
        .iter()
        .enumerate()
        .map(|(rank, site)| (site.id, rank as u64))
        .collect()
}

fn name_ranks(source: &dyn Source) -> HashMap<u64, u64> {
    let mut names: Vec<(Arc<str>, u64)> = Vec::new();
    source.for_each(&mut |row| names.extend(name_of(row, source).map(|name| (name, row.id))));
    names.sort_unstable();
    names
        .iter()
        .enumerate()
        .map(|(rank, (_, id))| (*id, rank as u64))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::source::fake::Fake;
    use super::*;

    #[test]
    fn a_window_holds_the_same_rows_as_the_whole_order_cut() {
        let ranks: Vec<Rank> = (0..100_u64).map(|id| (id * 37 % 11, id)).collect();
        let mut whole = ranks.clone();
        whole.sort_unstable();
        for (offset, limit) in [
            (0, 10),
            (5, 1),
            (90, 50),
            (100, 5),
            (200, 5),
            (0, 0),
            (0, 100),
        ] {
            let window = cut(ranks.clone(), offset, limit);
            let expected: Vec<Rank> = whole.iter().copied().skip(offset).take(limit).collect();
            assert_eq!(window, expected, "{offset} + {limit}");
        }
    }

    #[test]
    fn places_and_names_sort_as_text_and_unnamed_tasks_come_last() {
        let mut fake = Fake {
            files: vec!["z.rs", "a.rs"],
            names: vec![(1, "b"), (2, "a")],
            ..Fake::default()
        };
        fake.add(1, Some(0), 1).named = true;
        fake.add(2, Some(0), 2).named = true;
        fake.add(3, Some(0), 2);
        let sorted = |sort, descending| {
            let order = Order::new(sort, descending, &fake);
            let ranks = fake.rows.iter().map(|row| order.rank(row)).collect();
            cut(ranks, 0, 10)
                .into_iter()
                .map(|(_, id)| id)
                .collect::<Vec<_>>()
        };
        assert_eq!(sorted(TaskSort::Site, false), [2, 3, 1]);
        assert_eq!(sorted(TaskSort::Name, false), [2, 1, 3]);
        assert_eq!(sorted(TaskSort::Busy, true), [3, 2, 1]);
    }
}
