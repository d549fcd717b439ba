//! Which row is meant, by identity: rows move, end and come back while somebody looks at one of them.

use super::window::{NodeId, Row};

/// The chosen row of the tree.
#[derive(Clone, Debug, Default)]
pub(crate) enum Selection {
    /// Nothing was chosen: the first row, whatever it is.
    #[default]
    First,
    /// The row at the cursor, of which the agent has not told yet what it is.
    Unknown,
    /// This row, as it was sent last.
    Row(Box<Row>),
    /// This task, once it is found in a tree that was sorted or filtered anew; else the first row.
    Wanted(u64),
    /// This row was there and is no longer where it was. It stays on the screen until the selection moves.
    Lost(Box<Row>, Fate),
}

/// What became of a task whose row is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The agent has been asked.
    Asked,
    Ended,
    /// It ended, or the filter no longer matches it: the answer does not tell which.
    EndedOrFiltered,
}

impl Selection {
    /// The row at the cursor.
    pub(super) fn at(row: Option<&Row>) -> Self {
        row.map_or(Self::Unknown, |row| Self::Row(Box::new(row.clone())))
    }

    /// What is known of the chosen row.
    pub(crate) fn row(&self) -> Option<&Row> {
        match self {
            Self::Row(row) | Self::Lost(row, _) => Some(row),
            Self::First | Self::Unknown | Self::Wanted(_) => None,
        }
    }

    pub(crate) fn is_lost(&self) -> bool {
        matches!(self, Self::Lost(..))
    }

    /// The task that the agent should look for in the whole tree.
    pub(super) fn sought(&self) -> Option<u64> {
        match self {
            Self::Wanted(task) => Some(*task),
            Self::Lost(row, Fate::Asked) => row.as_task().map(|task| task.id),
            _ => None,
        }
    }

    /// The same choice for a tree that is about to be sorted or filtered anew.
    pub(super) fn carried_over(&self) -> Self {
        match self {
            Self::Row(row) => match row.id {
                NodeId::Task(task) => Self::Wanted(task),
                NodeId::Group(_) => Self::First,
            },
            Self::Wanted(task) => Self::Wanted(*task),
            Self::First | Self::Unknown | Self::Lost(..) => Self::First,
        }
    }
}
