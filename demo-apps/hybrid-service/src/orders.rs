//! Orders in the database: how one is stored, and what reports say about them. Everything here blocks; it is called
//! through [`Database::call`](crate::database::Database::call) only.

use rusqlite::{Connection, TransactionBehavior, params};
use serde::Serialize;

pub(crate) const SCHEMA: &str = "
    CREATE TABLE orders (
        id INTEGER PRIMARY KEY,
        product INTEGER NOT NULL,
        pieces INTEGER NOT NULL,
        cents INTEGER NOT NULL
    );
    CREATE TABLE sales (
        product INTEGER PRIMARY KEY,
        orders INTEGER NOT NULL,
        pieces INTEGER NOT NULL,
        cents INTEGER NOT NULL
    );
";

/// An order as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NewOrder {
    pub(crate) product: u32,
    pub(crate) pieces: u32,
    pub(crate) cents: u32,
}

/// What was sold of one product since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Sales {
    pub(crate) product: u32,
    pub(crate) orders: u64,
    pub(crate) pieces: u64,
    pub(crate) cents: u64,
}

/// All orders since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) orders: u64,
    pub(crate) cents: u64,
}

/// Stores an order and returns its number. The sales of its product change in the same transaction.
pub(crate) fn store(connection: &mut Connection, order: NewOrder) -> rusqlite::Result<u64> {
    let NewOrder {
        product,
        pieces,
        cents,
    } = order;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let id = transaction
        .prepare_cached(
            "INSERT INTO orders (product, pieces, cents) VALUES (?, ?, ?) RETURNING id",
        )?
        .query_row(params![product, pieces, cents], |row| row.get(0))?;
    transaction
        .prepare_cached(
            "INSERT INTO sales VALUES (?, 1, ?, ?) ON CONFLICT (product) DO UPDATE SET
             orders = orders + 1, pieces = pieces + excluded.pieces, cents = cents + excluded.cents",
        )?
        .execute(params![product, pieces, cents])?;
    transaction.commit()?;
    Ok(id)
}

/// The `limit` products that brought in most, the best first.
pub(crate) fn best_sellers(connection: &Connection, limit: u32) -> rusqlite::Result<Vec<Sales>> {
    let mut query = connection.prepare_cached(
        "SELECT product, orders, pieces, cents FROM sales ORDER BY cents DESC, product LIMIT ?",
    )?;
    let rows = query.query_map([limit], |row| {
        let (product, orders, pieces, cents) = row.try_into()?;
        Ok(Sales {
            product,
            orders,
            pieces,
            cents,
        })
    })?;
    rows.collect()
}

/// What all orders that are stored add up to.
pub(crate) fn sum(connection: &Connection) -> rusqlite::Result<Sum> {
    let query = "SELECT count(*), coalesce(sum(cents), 0) FROM orders";
    connection.query_row(query, [], |row| {
        let (orders, cents) = row.try_into()?;
        Ok(Sum { orders, cents })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sales_add_up_and_the_best_come_first() {
        let mut connection = Connection::open_in_memory().expect("an in-memory database");
        connection
            .execute_batch(SCHEMA)
            .expect("the schema is right");
        for (product, pieces, cents) in [(1, 1, 300), (2, 2, 900), (1, 3, 900)] {
            store(
                &mut connection,
                NewOrder {
                    product,
                    pieces,
                    cents,
                },
            )
            .expect("a new order");
        }
        let sum = sum(&connection).expect("the table is there");
        assert_eq!((sum.orders, sum.cents), (3, 2100));
        assert_eq!(
            best_sellers(&connection, 10).expect("the table is there"),
            [
                Sales {
                    product: 1,
                    orders: 2,
                    pieces: 4,
                    cents: 1200
                },
                Sales {
                    product: 2,
                    orders: 1,
                    pieces: 2,
                    cents: 900
                },
            ]
        );
        assert_eq!(
            best_sellers(&connection, 1)
                .expect("the table is there")
                .len(),
            1
        );
    }
}
