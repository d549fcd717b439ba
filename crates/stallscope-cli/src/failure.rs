//! How a command fails: one line on standard error, and the exit status scripts rely on.

use std::fmt;
use std::io;

use crate::client::ClientError;
use crate::target::TargetError;

#[derive(Debug)]
pub(crate) enum Failure {
    /// Asked in a way that cannot be served.
    Usage(String),
    /// No such target, or it did not answer.
    Target(String),
    /// The answer could not be written.
    Output(io::Error),
}

impl Failure {
    pub(crate) fn status(&self) -> u8 {
        match self {
            Failure::Usage(_) | Failure::Output(_) => 2,
            Failure::Target(_) => 3,
        }
    }

    /// Nobody reads on, as in `stallscope ps | head`: the end of the output, not an error.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Usage(line) | Failure::Target(line) => f.write_str(line),
            Failure::Output(error) => write!(
                f,
                "standard output cannot be written to: {error}; send it somewhere else"
            ),
        }
    }
}

impl std::error::Error for Failure {}

impl From<TargetError> for Failure {
    fn from(error: TargetError) -> Self {
        match error {
            TargetError::NoToken(_) => Failure::Usage(error.to_string()),
            _ => Failure::Target(error.to_string()),
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Failure::Target(error.to_string())
    }
}

/// Only output is written with `?` on an [`io::Error`].
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Output(error)
    }
}

/// Our JSON has neither odd keys nor infinite depth: only writing it can fail.
impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Failure::Output(error.into())
    }
}
