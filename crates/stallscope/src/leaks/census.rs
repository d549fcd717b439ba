//! What do the live tasks of each place look like? One pass over all of them, now and then.

use std::collections::HashMap;

use stallscope_wire::message::TaskKind;

use crate::answer::source::{Row, Source};

/// Distinct parents that are counted; more are as good as many.
const MOST_PARENTS: usize = 8;

/// The live tasks, by place.
#[derive(Default)]
pub(crate) struct Census(HashMap<u32, Figures>);

/// The live tasks of one place. Times in nanoseconds; an example is the id of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) live: u64,
    pub(crate) oldest: u64,
    pub(crate) oldest_example: u64,
    pub(crate) longest_idle: u64,
    /// Tasks whose parent has ended.
    pub(crate) orphans: u64,
    pub(crate) forgotten: Forgotten,
    /// Tasks that were never polled though they are older than [`Limits::unpolled`], the oldest of them, and its age and runtime.
    pub(crate) unpolled: u64,
    pub(crate) unpolled_example: u64,
    pub(crate) unpolled_age: u64,
    pub(crate) unpolled_runtime: u32,
}

/// Orphans that have been idle for longer than [`Limits::idle`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Forgotten {
    pub(crate) count: u64,
    /// Some of their parents.
    pub(crate) parents: Vec<u64>,
    pub(crate) youngest: u64,
    pub(crate) oldest: u64,
    pub(crate) oldest_example: u64,
}

/// From when on tasks are counted as something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) idle: u64,
    pub(crate) unpolled: u64,
}

impl Census {
    pub(crate) fn take(source: &dyn Source, limits: Limits) -> Self {
        let mut sites: HashMap<u32, Figures> = HashMap::new();
        source.for_each(&mut |row| {
            if row.kind == TaskKind::Task {
                sites
                    .entry(row.site)
                    .or_default()
                    .count(row, source, limits);
            }
        });
        Census(sites)
    }

    pub(crate) fn of(&self, site: u32) -> Option<&Figures> {
        self.0.get(&site)
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = (u32, &Figures)> {
        self.0.iter().map(|(site, figures)| (*site, figures))
    }
}

impl Figures {
    fn count(&mut self, row: &Row, source: &dyn Source, limits: Limits) {
        self.live += 1;
        self.longest_idle = self.longest_idle.max(row.idle);
        if row.age >= self.oldest {
            (self.oldest, self.oldest_example) = (row.age, row.id);
        }
        if row.polls == 0 && row.polling == 0 && row.age >= limits.unpolled {
            self.unpolled += 1;
            if row.age >= self.unpolled_age {
                self.unpolled_age = row.age;
                (self.unpolled_example, self.unpolled_runtime) = (row.id, row.runtime);
            }
        }
        if let Some(parent) = row.parent
            && !source.is_live(parent)
        {
            self.orphans += 1;
            if row.idle >= limits.idle {
                self.forgotten.count(row, parent);
            }
        }
    }
}

impl Forgotten {
    fn count(&mut self, row: &Row, parent: u64) {
        if self.count == 0 || row.age < self.youngest {
            self.youngest = row.age;
        }
        if row.age >= self.oldest {
            (self.oldest, self.oldest_example) = (row.age, row.id);
        }
        self.count += 1;
        if self.parents.len() < MOST_PARENTS && !self.parents.contains(&parent) {
            self.parents.push(parent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::source::fake::Fake;

    const S: u64 = 1_000_000_000;

    #[test]
    fn orphans_and_forgotten_ones_are_told_apart_by_place() {
        let mut tasks = Fake::default();
        let limits = Limits {
            idle: 3 * S,
            unpolled: S,
        };
        tasks.add(0, None, 0);
        for (id, parent, site, age, idle) in [
            (1, 0, 7, 60 * S, 0),       // busy, its parent is alive
            (2, 500, 7, 30 * S, 9 * S), // forgotten
            (3, 501, 7, 20 * S, 4 * S), // forgotten, of another parent
            (4, 501, 7, 10 * S, S),     // an orphan that is polled
            (5, 0, 8, 2 * S, 2 * S),
        ] {
            let row = tasks.add(id, Some(parent), site);
            (row.age, row.idle) = (age, idle);
        }
        tasks.rows[5].polls = 0;
        let census = Census::take(&tasks, limits);
        let seven = census.of(7).expect("the place");
        assert_eq!(
            (seven.live, seven.orphans, seven.longest_idle),
            (4, 3, 9 * S)
        );
        assert_eq!((seven.oldest, seven.oldest_example), (60 * S, 1));
        let expected = Forgotten {
            count: 2,
            parents: vec![500, 501],
            youngest: 20 * S,
            oldest: 30 * S,
            oldest_example: 2,
        };
        assert_eq!(seven.forgotten, expected);
        let eight = census.of(8).expect("the place");
        assert_eq!((eight.unpolled, eight.unpolled_example), (1, 5));
        assert_eq!(
            census.places().count(),
            2,
            "a root future is no task of a place"
        );
    }
}
