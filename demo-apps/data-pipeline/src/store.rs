//! The database: rows in SQLite. Everything here blocks; it is called on the blocking pool only.

use std::path::Path;

use rusqlite::{Connection, Transaction, params};

use crate::reading::Row;

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE readings (
        id INTEGER PRIMARY KEY,
        sensor INTEGER NOT NULL,
        sequence INTEGER NOT NULL,
        celsius REAL NOT NULL,
        smoothed REAL NOT NULL,
        outlier INTEGER NOT NULL,
        -- A reading that arrives twice fails the transaction: equal counts then mean equal rows.
        UNIQUE (sensor, sequence)
    );
";

/// Half of the newest rows are below it. The rows are compared with one another, as textbooks have it.
const MEDIAN: &str = "
    WITH newest AS (SELECT celsius FROM readings ORDER BY id DESC LIMIT 500)
    SELECT one.celsius FROM newest AS one, newest AS other GROUP BY one.celsius
    HAVING 2 * sum(other.celsius <= one.celsius) >= count(*) ORDER BY one.celsius LIMIT 1
";

/// The database of one run.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Connection,
    kept: u64,
    stored: u64,
    expired: u64,
}

/// What the database says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    /// Rows in the table, counted by SQLite.
    pub(crate) stored: u64,
    /// Rows that were deleted because newer ones took their place.
    pub(crate) expired: u64,
    /// Rows in the table that are outliers.
    pub(crate) outliers: u64,
}

impl Store {
    /// A new database at `path` that keeps about the newest `kept` rows.
    pub(crate) fn create(path: &Path, kept: u64) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self {
            connection,
            kept,
            stored: 0,
            expired: 0,
        })
    }

    /// Inserts all of `rows`, or none of them if any fails.
    pub(crate) fn insert(&mut self, rows: &[Row]) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        insert_all(&transaction, rows)?;
        let stored = self.stored + rows.len() as u64;
        let expired = if stored > self.kept {
            expire(&transaction, stored - self.kept)?
        } else {
            0
        };
        transaction.commit()?;
        self.stored = stored - expired;
        self.expired += expired;
        Ok(())
    }

    /// The median of the newest readings, in degrees; there must be one at least.
    pub(crate) fn median(&self) -> rusqlite::Result<f64> {
        // fault: query-on-worker
        self.connection.query_row(MEDIAN, [], |row| row.get(0))
    }

    /// Counts what is in the table now.
    pub(crate) fn count(&self) -> rusqlite::Result<Counted> {
        let query = "SELECT count(*), coalesce(sum(outlier), 0) FROM readings";
        self.connection.query_row(query, [], |row| {
            Ok(Counted {
                stored: row.get(0)?,
                outliers: row.get(1)?,
                expired: self.expired,
            })
        })
    }
}

fn insert_all(transaction: &Transaction<'_>, rows: &[Row]) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO readings (sensor, sequence, celsius, smoothed, outlier) VALUES (?, ?, ?, ?, ?)",
    )?;
    for Row {
        reading,
        smoothed,
        outlier,
    } in rows
    {
        insert.execute(params![
            reading.sensor,
            reading.sequence,
            reading.celsius,
            smoothed,
            outlier
        ])?;
    }
    Ok(())
}

/// Deletes the `surplus` oldest rows; returns how many there were.
fn expire(transaction: &Transaction<'_>, surplus: u64) -> rusqlite::Result<u64> {
    let mut delete = transaction.prepare_cached(
        "DELETE FROM readings WHERE id IN (SELECT id FROM readings ORDER BY id LIMIT ?)",
    )?;
    Ok(delete.execute([surplus])? as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::Reading;

    fn rows(sequences: std::ops::Range<u64>) -> Vec<Row> {
        let row = |sequence| Row {
            reading: Reading {
                sensor: 7,
                sequence,
                celsius: 20.0,
            },
            smoothed: 20.0,
            outlier: sequence % 10 == 0,
        };
        sequences.map(row).collect()
    }

    fn store(kept: u64) -> Store {
        Store::create(Path::new(":memory:"), kept).expect("an in-memory database can be made")
    }

    #[test]
    fn what_is_inserted_is_counted() {
        let mut store = store(1000);
        store.insert(&rows(0..50)).expect("new rows");
        store.insert(&rows(50..100)).expect("new rows");
        let counted = store.count().expect("the table is there");
        assert_eq!(
            counted,
            Counted {
                stored: 100,
                expired: 0,
                outliers: 10
            }
        );
    }

    #[test]
    fn the_median_is_in_the_middle_of_the_newest_rows() {
        let mut store = store(1000);
        let mut rows = rows(0..505);
        for row in &mut rows {
            // The first five, which are far off, are not among the newest.
            row.reading.celsius = match row.reading.sequence {
                0..5 => 1000.0,
                sequence => (sequence * 7 % 500) as f64,
            };
        }
        store.insert(&rows).expect("new rows");
        let median = store.median().expect("there are rows");
        assert!((249.0..=250.0).contains(&median), "{median}");
    }

    #[test]
    fn the_oldest_rows_make_room_and_stay_accounted_for() {
        let mut store = store(60);
        store.insert(&rows(0..50)).expect("new rows");
        store.insert(&rows(50..100)).expect("new rows");
        let counted = store.count().expect("the table is there");
        assert_eq!((counted.stored, counted.expired), (60, 40));
        let oldest = "SELECT min(sequence) FROM readings";
        let oldest: u64 = store
            .connection
            .query_row(oldest, [], |row| row.get(0))
            .expect("rows");
        assert_eq!(oldest, 40);
    }

    #[test]
    fn a_row_that_arrives_twice_takes_its_whole_batch_back() {
        let mut store = store(1000);
        store.insert(&rows(0..50)).expect("new rows");
        store
            .insert(&rows(49..60))
            .expect_err("row 49 is there already");
        assert_eq!(store.count().expect("the table is there").stored, 50);
    }
}
