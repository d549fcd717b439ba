//! Findings in an answer: asked for in one place, as the JSON that is a contract, as text, and as a reason to fail.

pub(crate) mod fail_on;

mod json;
mod outside;
mod text;

use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{Findings, FindingsQuery, update};

use super::about::About;
use crate::client::{ClientError, Connection};

pub(super) use json::{Answer, Window};
pub(super) use outside::Outside;
pub(super) use text::write;

/// What an agent knew at one moment.
pub(super) struct Snapshot {
    pub(super) about: About,
    pub(super) findings: Findings,
    pub(super) outside: Outside,
}

impl Snapshot {
    pub(super) fn ask(
        connection: &mut Connection,
        query: FindingsQuery,
    ) -> Result<Self, ClientError> {
        Ok(Snapshot {
            about: About::ask(connection)?,
            findings: ask(connection, query)?,
            outside: Outside::default(),
        })
    }

    /// Adds what can be read from outside; `pid` is that of the agent, if it runs on this machine.
    pub(super) fn look_outside(&mut self, pid: Option<u32>) {
        self.outside = Outside::read(&self.findings, pid);
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
