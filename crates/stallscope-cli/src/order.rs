//! Which end of an order comes first unless it is turned around: the largest of a number, but "a" before "b".

use stallscope_wire::message::TaskSort;

use crate::places::PlaceSort;

/// What something is sorted by.
pub(crate) trait SortKey: Copy + PartialEq + 'static {
    /// Whether the largest is what people look for.
    fn largest_first(self) -> bool;
}

impl SortKey for TaskSort {
    /// Times and counts are looked at for their largest.
    fn largest_first(self) -> bool {
        matches!(
            self,
            TaskSort::Age
                | TaskSort::Idle
                | TaskSort::Polls
                | TaskSort::Busy
                | TaskSort::LongestPoll
        )
    }
}

impl SortKey for PlaceSort {
    /// Everything but the place itself is a figure.
    fn largest_first(self) -> bool {
        self != PlaceSort::Site
    }
}
