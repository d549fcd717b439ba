//! Which task is meant: tokio's own task id, or one of ours for a root future.

use std::hash::{Hash, Hasher};

/// A task's id. Tasks carry tokio's id, a number that one counter of the process gives out in
/// sequence from 1. Root futures have none there; they count from 0 (the first) downwards from 2⁵³
/// − 1, the largest integer that JSON readers agree on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct TaskId(pub(crate) u64);

/// How many root futures can be told apart at one time.
pub(super) const ROOTS: usize = 64;
const TOP: u64 = 1 << 53;

impl TaskId {
    #[inline]
    pub(crate) fn of(id: tokio::task::Id) -> Self {
        let mut taken = Taken(0);
        id.hash(&mut taken);
        TaskId(taken.0)
    }

    pub(super) fn root(index: usize) -> Self {
        TaskId(if index == 0 { 0 } else { TOP - index as u64 })
    }

    /// Whether it can be anybody's.
    pub(super) fn is_possible(self) -> bool {
        self.0 < TOP
    }

    pub(crate) fn root_index(self) -> Option<usize> {
        if self.0 == 0 {
            return Some(0);
        }
        let index = usize::try_from(TOP.checked_sub(self.0)?).ok()?;
        (1..ROOTS).contains(&index).then_some(index)
    }

    /// As stored in a slot, where 0 means "none".
    #[inline]
    pub(super) fn to_slot(self) -> u64 {
        self.0 + 1
    }

    /// Whose code runs, by what tokio says of itself: 0 for a root future, which tokio gives no number.
    #[cfg(feature = "tracing-subscriber")]
    #[inline]
    pub(crate) fn to_own_code(self) -> u64 {
        if self.root_index().is_some() {
            0
        } else {
            self.to_slot()
        }
    }

    pub(super) fn from_slot(stored: u64) -> Option<Self> {
        stored.checked_sub(1).map(TaskId)
    }
}

/// Takes the number out of an id: tokio gives it to nobody but a hasher (and `Display`, which would
/// format and parse).
struct Taken(u64);

impl Hasher for Taken {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // An id that is no longer hashed as one `u64`: still a number that tells tasks apart.
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_number_tokio_shows() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let id = runtime.block_on(async {
            tokio::spawn(async { tokio::task::id() })
                .await
                .expect("a task")
        });
        assert_eq!(TaskId::of(id).0.to_string(), id.to_string());
    }

    #[test]
    fn roots_are_told_from_tasks() {
        assert_eq!(TaskId::root(0), TaskId(0));
        assert_eq!(TaskId::root(1), TaskId((1 << 53) - 1));
        for index in 0..ROOTS {
            assert_eq!(TaskId::root(index).root_index(), Some(index));
        }
        assert_eq!(TaskId(1).root_index(), None);
        assert_eq!(TaskId(TOP).root_index(), None, "the first is 0");
        assert!(!TaskId(TOP).is_possible() && TaskId::root(1).is_possible());
        assert_eq!(TaskId(TOP - ROOTS as u64).root_index(), None);
        assert_eq!(TaskId(u64::MAX - 1).root_index(), None);
    }
}
