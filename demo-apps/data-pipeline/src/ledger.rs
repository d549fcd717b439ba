//! The proof: how many rows each stage saw, compared at the end.

use std::fmt;

/// Rows counted by each stage on its own, and by the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ledger {
    /// Readings that a lane accepted from a producer.
    pub(crate) produced: u64,
    /// Readings that a consumer passed on.
    pub(crate) consumed: u64,
    /// Rows in committed transactions.
    pub(crate) written: u64,
    /// Rows in the table, counted by SQLite.
    pub(crate) stored: u64,
    /// Rows deleted because newer ones took their place.
    pub(crate) expired: u64,
    /// Rows in the table that are outliers.
    pub(crate) outliers: u64,
}

impl Ledger {
    /// No row was lost and none was made up.
    pub(crate) fn balances(&self) -> bool {
        self.produced == self.consumed
            && self.consumed == self.written
            && self.written == self.stored + self.expired
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            produced,
            consumed,
            written,
            stored,
            expired,
            outliers,
        } = self;
        let verdict = if self.balances() {
            "no row lost"
        } else {
            "the counts differ"
        };
        write!(
            f,
            "{verdict}: {produced} produced, {consumed} consumed, {written} written, \
             {stored} stored + {expired} expired ({outliers} outliers)"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BALANCED: Ledger = Ledger {
        produced: 90,
        consumed: 90,
        written: 90,
        stored: 60,
        expired: 30,
        outliers: 4,
    };

    #[test]
    fn equal_counts_are_told_as_such() {
        assert_eq!(
            BALANCED.to_string(),
            "no row lost: 90 produced, 90 consumed, 90 written, 60 stored + 30 expired (4 outliers)"
        );
    }

    #[test]
    fn a_row_missing_at_any_stage_is_noticed() {
        for unbalanced in [
            Ledger {
                produced: 91,
                ..BALANCED
            },
            Ledger {
                consumed: 89,
                ..BALANCED
            },
            Ledger {
                written: 89,
                ..BALANCED
            },
            Ledger {
                stored: 59,
                ..BALANCED
            },
            Ledger {
                expired: 29,
                ..BALANCED
            },
        ] {
            assert!(
                unbalanced.to_string().starts_with("the counts differ: "),
                "{unbalanced}"
            );
        }
    }
}
