//! What can go wrong between this client and an agent, each told with whom, what and what to do next.

use std::fmt;
use std::io;
use std::time::Duration;

use stallscope_wire::frame::FrameError;
use stallscope_wire::handshake::HandshakeError;

use crate::format::printable;

/// An error of one connection. Its text names the agent.
#[derive(Debug)]
pub(crate) struct ClientError {
    /// The agent, as [`Target`](crate::target::Target) shows it.
    pub(super) agent: String,
    pub(super) problem: Problem,
}

#[derive(Debug)]
pub(crate) enum Problem {
    /// Nobody could be reached.
    Connect(io::Error),
    /// The connection broke while it was in use.
    Broken(io::Error),
    /// No answer came in this time.
    Silent(Duration),
    /// The connection ended where an answer was due.
    Closed,
    /// What came is no stream of frames, or what was to be sent is none.
    Frame(FrameError),
    Handshake(HandshakeError),
    /// The agent ends the connection, with its reason.
    Refused(String),
    /// The agent cannot answer this one question, with its reason.
    Failed(String),
    /// The answer is not one to the question.
    Mismatch,
}

impl ClientError {
    /// The connection is gone, most likely with the program.
    pub(crate) fn is_end(&self) -> bool {
        matches!(self.problem, Problem::Closed | Problem::Broken(_))
    }

    /// The agent has understood the question and cannot answer it. The next one may well be answered.
    pub(crate) fn is_refusal(&self) -> bool {
        self.refusal().is_some()
    }

    /// Its reason for that.
    pub(crate) fn refusal(&self) -> Option<&str> {
        match &self.problem {
            Problem::Failed(reason) => Some(reason),
            _ => None,
        }
    }

    /// No answer came in time. The next question may well be answered.
    pub(crate) fn is_silence(&self) -> bool {
        matches!(self.problem, Problem::Silent(_))
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let agent = &self.agent;
        match &self.problem {
            Problem::Connect(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => write!(
                    f,
                    "nobody listens at {agent} ({error}): the program has ended or listens elsewhere; see `stallscope list`"
                ),
                io::ErrorKind::TimedOut => write!(
                    f,
                    "{agent} did not accept the connection: see whether the program is stopped, or whether too many \
                     clients are connected to it"
                ),
                io::ErrorKind::PermissionDenied => write!(
                    f,
                    "{agent} may not be connected to by this user: run stallscope as the user of the program"
                ),
                _ => write!(
                    f,
                    "{agent} cannot be connected to: {error}; see `stallscope list`"
                ),
            },
            Problem::Broken(error) => write!(
                f,
                "the connection to {agent} broke: {error}; see with `stallscope list` whether the program still runs"
            ),
            Problem::Silent(waited) => write!(
                f,
                "{agent} accepted the connection and gave no answer within {} s: see whether the program is stopped, or \
                 whether something other than stallscope listens there",
                waited.as_secs_f64()
            ),
            Problem::Closed => write!(
                f,
                "{agent} closed the connection before its answer was complete: see with `stallscope list` whether the \
                 program still runs"
            ),
            Problem::Frame(error) => write!(f, "{agent}: {error}"),
            Problem::Handshake(error) => write!(f, "{agent}: {}", printable(&error.to_string())),
            Problem::Refused(reason) | Problem::Failed(reason) => {
                write!(f, "{agent}: {}", printable(reason))
            }
            Problem::Mismatch => write!(
                f,
                "{agent} answered another question than was asked: install the stallscope-cli that belongs to the \
                 application's stallscope"
            ),
        }
    }
}

impl std::error::Error for ClientError {}
