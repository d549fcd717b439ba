//! The order of rows: by which value, and which end first.

use std::marker::PhantomData;

use stallscope_wire::message::TaskSort;

use crate::places::PlaceSort;

/// A set of things to sort by.
pub(crate) trait Sorts: Copy + 'static {
    /// In the order of the columns.
    const ALL: &'static [SortBy<Self>];
}

/// One thing to sort by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SortBy<S> {
    pub(crate) sort: S,
    /// What the sort picker calls it.
    pub(crate) name: &'static str,
    /// The end that is asked for most: the largest of a number, but "a" before "b".
    largest_first: bool,
}

impl Sorts for TaskSort {
    const ALL: &'static [SortBy<Self>] = &[
        smallest(TaskSort::Id, "id (order of spawning)"),
        smallest(TaskSort::Name, "name"),
        smallest(TaskSort::Site, "spawn place"),
        smallest(TaskSort::State, "state"),
        largest(TaskSort::Age, "age"),
        largest(TaskSort::Idle, "idle time"),
        largest(TaskSort::Polls, "polls"),
        largest(TaskSort::Busy, "busy time"),
        largest(TaskSort::LongestPoll, "longest poll"),
        smallest(TaskSort::Worker, "worker"),
    ];
}

impl Sorts for PlaceSort {
    const ALL: &'static [SortBy<Self>] = &[
        largest(PlaceSort::Growth, "growth (the likeliest leak)"),
        smallest(PlaceSort::Site, "place"),
        largest(PlaceSort::Live, "live tasks"),
        largest(PlaceSort::SpawnRate, "spawned per second"),
        largest(PlaceSort::EndRate, "ended per second"),
        largest(PlaceSort::Oldest, "oldest"),
        largest(PlaceSort::Orphans, "orphans"),
        largest(PlaceSort::Idle, "longest idle"),
    ];
}

const fn largest<S>(sort: S, name: &'static str) -> SortBy<S> {
    SortBy {
        sort,
        name,
        largest_first: true,
    }
}

const fn smallest<S>(sort: S, name: &'static str) -> SortBy<S> {
    SortBy {
        sort,
        name,
        largest_first: false,
    }
}

/// The order in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order<S> {
    /// Into [`Sorts::ALL`].
    index: usize,
    reversed: bool,
    of: PhantomData<S>,
}

impl<S> Default for Order<S> {
    fn default() -> Self {
        Self::usual(0)
    }
}

impl<S> Order<S> {
    /// By the value at that index, its usual end first.
    const fn usual(index: usize) -> Self {
        Self {
            index,
            reversed: false,
            of: PhantomData,
        }
    }
}

impl<S: Sorts> Order<S> {
    pub(crate) fn sort(self) -> S {
        S::ALL[self.index].sort
    }

    /// `age, largest first`.
    pub(crate) fn told(self) -> String {
        let end = if self.descending() {
            "largest first"
        } else {
            "smallest first"
        };
        format!("{}, {end}", S::ALL[self.index].name)
    }

    pub(crate) fn descending(self) -> bool {
        S::ALL[self.index].largest_first != self.reversed
    }

    /// Where it stands in [`Sorts::ALL`].
    pub(crate) fn index(self) -> usize {
        self.index
    }

    /// Sorts by what stands there, its usual end first; a second time, the other end.
    pub(crate) fn choose(&mut self, index: usize) {
        if index == self.index {
            self.reverse();
        } else if index < S::ALL.len() {
            *self = Self::usual(index);
        }
    }

    /// The next thing to sort by; after the last the first.
    pub(crate) fn next(&mut self) {
        *self = Self::usual((self.index + 1) % S::ALL.len());
    }

    /// The one before; before the first the last.
    pub(crate) fn previous(&mut self) {
        *self = Self::usual((self.index + S::ALL.len() - 1) % S::ALL.len());
    }

    pub(crate) fn reverse(&mut self) {
        self.reversed = !self.reversed;
    }
}
