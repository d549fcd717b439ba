//! Findings in an answer: asked for in one place, as the JSON that is a contract, as text, and as a reason to fail.

pub(crate) mod fail_on;

mod json;
mod text;

use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{Findings, FindingsQuery, update};

use super::about::About;
use crate::client::{ClientError, Connection};

pub(super) use json::{Answer, Window};
pub(super) use text::write;

/// What an agent knew at one moment.
pub(super) struct Snapshot {
    pub(super) about: About,
    pub(super) findings: Findings,
}

impl Snapshot {
    pub(super) fn ask(
        connection: &mut Connection,
        query: FindingsQuery,
    ) -> Result<Self, ClientError> {
        Ok(Snapshot {
            about: About::ask(connection)?,
            findings: ask(connection, query)?,
        })
    }
}

pub(super) fn ask(
    connection: &mut Connection,
    query: FindingsQuery,
) -> Result<Findings, ClientError> {
    match connection.ask(Topic::Findings(query))? {
        update::Body::Findings(findings) => Ok(findings),
        _ => Err(connection.mismatch()),
    }
}
