//! The order of the tree's rows: which value, and which end first.

use stallscope_wire::message::TaskSort;

/// One thing to sort by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SortBy {
    pub(crate) sort: TaskSort,
    /// What the sort picker calls it.
    pub(crate) name: &'static str,
    /// The end that is asked for most: the largest of a number, but "a" before "b".
    largest_first: bool,
}

/// Everything there is to sort by, in the order of the columns.
pub(crate) const SORTS: [SortBy; 10] = [
    SortBy {
        sort: TaskSort::Id,
        name: "id (order of spawning)",
        largest_first: false,
    },
    SortBy {
        sort: TaskSort::Name,
        name: "name",
        largest_first: false,
    },
    SortBy {
        sort: TaskSort::Site,
        name: "spawn place",
        largest_first: false,
    },
    SortBy {
        sort: TaskSort::State,
        name: "state",
        largest_first: false,
    },
    SortBy {
        sort: TaskSort::Age,
        name: "age",
        largest_first: true,
    },
    SortBy {
        sort: TaskSort::Idle,
        name: "idle time",
        largest_first: true,
    },
    SortBy {
        sort: TaskSort::Polls,
        name: "polls",
        largest_first: true,
    },
    SortBy {
        sort: TaskSort::Busy,
        name: "busy time",
        largest_first: true,
    },
    SortBy {
        sort: TaskSort::LongestPoll,
        name: "longest poll",
        largest_first: true,
    },
    SortBy {
        sort: TaskSort::Worker,
        name: "worker",
        largest_first: false,
    },
];

/// The order in force. Siblings are sorted among themselves; the tree stays a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Order {
    /// Into [`SORTS`].
    index: usize,
    reversed: bool,
}

impl Order {
    pub(crate) fn sort(self) -> TaskSort {
        SORTS[self.index].sort
    }

    pub(crate) fn descending(self) -> bool {
        SORTS[self.index].largest_first != self.reversed
    }

    /// Where it stands in [`SORTS`].
    pub(crate) fn index(self) -> usize {
        self.index
    }

    /// Sorts by `SORTS[index]`, its usual end first; a second time, the other end.
    pub(crate) fn choose(&mut self, index: usize) {
        if index == self.index {
            self.reverse();
        } else if index < SORTS.len() {
            *self = Self {
                index,
                reversed: false,
            };
        }
    }

    /// The next thing to sort by; after the last the first.
    pub(crate) fn next(&mut self) {
        *self = Self {
            index: (self.index + 1) % SORTS.len(),
            reversed: false,
        };
    }

    /// The one before; before the first the last.
    pub(crate) fn previous(&mut self) {
        *self = Self {
            index: (self.index + SORTS.len() - 1) % SORTS.len(),
            reversed: false,
        };
    }

    pub(crate) fn reverse(&mut self) {
        self.reversed = !self.reversed;
    }
}
