//! SQLite behind an async door: a few connections, used on the blocking pool, never on a worker.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use rusqlite::Connection;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Connections, and so queries at the same time. Further callers wait without occupying a thread.
pub(crate) const CONNECTIONS: usize = 4;

/// A database that many tasks use.
#[derive(Debug)]
pub(crate) struct Database {
    /// One permit for each connection.
    permits: Arc<Semaphore>,
    connections: Vec<Mutex<Connection>>,
}

impl Database {
    /// Opens `path` and runs `schema` on it. Blocks.
    pub(crate) fn open(path: &Path, schema: &str) -> rusqlite::Result<Self> {
        let connect = |_| {
            let connection = Connection::open(path)?;
            connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")?;
            Ok(connection)
        };
        let connections = (0..CONNECTIONS)
            .map(connect)
            .collect::<rusqlite::Result<Vec<_>>>()?;
        if let Some(connection) = connections.first() {
            connection.execute_batch(schema)?;
        }
        Ok(Self {
            permits: Arc::new(Semaphore::new(connections.len())),
            connections: connections.into_iter().map(Mutex::new).collect(),
        })
    }

    /// Runs `query` on the blocking pool with a connection of its own.
    ///
    /// A caller that goes away does not stop a query that has begun.
    pub(crate) async fn call<T, Q>(self: &Arc<Self>, query: Q) -> Result<T, DatabaseError>
    where
        T: Send + 'static,
        Q: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| DatabaseError::Closed)?;
        let database = Arc::clone(self);
        let answered = spawn_blocking(move || {
            // Given back last, after the connection.
            let _permit = permit;
            let mut connection = database.free_connection().ok_or(DatabaseError::Closed)?;
            query(&mut connection).map_err(DatabaseError::Sqlite)
        });
        answered.await.map_err(|_| DatabaseError::Panicked)?
    }

    /// A connection nobody uses: whoever holds a permit finds one at the first try.
    ///
    /// A query that panicked has had its transaction rolled back, so its connection can be used again.
    fn free_connection(&self) -> Option<MutexGuard<'_, Connection>> {
        self.connections
            .iter()
            .find_map(|connection| match connection.try_lock() {
                Ok(free) => Some(free),
                Err(TryLockError::Poisoned(free)) => Some(free.into_inner()),
                Err(TryLockError::WouldBlock) => None,
            })
    }
}

/// A query that did not succeed.
#[derive(Debug)]
pub(crate) enum DatabaseError {
    Sqlite(rusqlite::Error),
    Panicked,
    Closed,
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(error) => write!(f, "the query failed: {error}"),
            Self::Panicked => f.write_str("the query panicked"),
            Self::Closed => f.write_str("the database is closed"),
        }
    }
}

impl std::error::Error for DatabaseError {}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::task::JoinSet;

    fn numbers(folder: &Path) -> Arc<Database> {
        let opened = Database::open(
            &folder.join("numbers.sqlite"),
            "CREATE TABLE numbers (n INTEGER)",
        );
        Arc::new(opened.expect("a new file can be opened"))
    }

    async fn count(database: &Arc<Database>) -> u64 {
        let counted = database.call(|connection| {
            connection.query_row("SELECT count(*) FROM numbers", [], |row| row.get(0))
        });
        counted.await.expect("the table is there")
    }

    #[tokio::test]
    async fn more_callers_than_connections_are_all_served() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = numbers(folder.path());
        let mut callers = JoinSet::new();
        for n in 0..50 {
            let database = Arc::clone(&database);
            callers.spawn(async move {
                let insert = move |connection: &mut Connection| {
                    connection.execute("INSERT INTO numbers VALUES (?)", [n])
                };
                database.call(insert).await
            });
        }
        while let Some(inserted) = callers.join_next().await {
            assert_eq!(inserted.expect("no panic").expect("the insert succeeds"), 1);
        }
        assert_eq!(count(&database).await, 50);
    }

    #[tokio::test]
    async fn a_query_that_panics_takes_back_what_it_did_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = numbers(folder.path());
        for _ in 0..2 * CONNECTIONS {
            let failed = database.call(|connection| -> rusqlite::Result<()> {
                let transaction = connection.transaction()?;
                transaction.execute("INSERT INTO numbers VALUES (1)", [])?;
                panic!("on purpose");
            });
            assert!(matches!(failed.await, Err(DatabaseError::Panicked)));
        }
        assert_eq!(count(&database).await, 0);
    }
}
