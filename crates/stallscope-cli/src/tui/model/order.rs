//! The order of rows: by which value, and which end first.

use std::marker::PhantomData;

use stallscope_wire::message::TaskSort;

use crate::locks::LocksSort;
use crate::order::SortKey;
use crate::places::PlaceSort;

/// What can be sorted by, each with what the sort picker calls it, in the order of the columns.
pub(crate) trait Sorts: SortKey {
    const ALL: &'static [(Self, &'static str)];
}

impl Sorts for TaskSort {
    const ALL: &'static [(Self, &'static str)] = &[
        (TaskSort::Id, "id (order of spawning)"),
        (TaskSort::Name, "name"),
        (TaskSort::Site, "spawn place"),
        (TaskSort::State, "state"),
        (TaskSort::Age, "age"),
        (TaskSort::Idle, "idle time"),
        (TaskSort::Polls, "polls"),
        (TaskSort::Busy, "busy time"),
        (TaskSort::LongestPoll, "longest poll"),
        (TaskSort::Worker, "worker"),
    ];
}

impl Sorts for PlaceSort {
    const ALL: &'static [(Self, &'static str)] = &[
        (PlaceSort::Growth, "growth (the likeliest leak)"),
        (PlaceSort::Site, "place"),
        (PlaceSort::Live, "live tasks"),
        (PlaceSort::SpawnRate, "spawned per second"),
        (PlaceSort::EndRate, "ended per second"),
        (PlaceSort::Oldest, "oldest"),
        (PlaceSort::Orphans, "orphans"),
        (PlaceSort::Idle, "longest idle"),
    ];
}

impl Sorts for LocksSort {
    const ALL: &'static [(Self, &'static str)] = &[
        (LocksSort::Queue, "queue"),
        (LocksSort::Place, "place"),
        (LocksSort::Hold, "hold time"),
        (LocksSort::Contention, "contention"),
        (LocksSort::Wait, "p99 wait"),
    ];
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
        S::ALL[self.index].0
    }

    /// `age, largest first`.
    pub(crate) fn told(self) -> String {
        let end = if self.descending() {
            "largest first"
        } else {
            "smallest first"
        };
        format!("{}, {end}", S::ALL[self.index].1)
    }

    pub(crate) fn descending(self) -> bool {
        self.sort().largest_first() != self.reversed
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
