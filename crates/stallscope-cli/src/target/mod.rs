//! Which process is meant: the sockets of this user's processes, and what the command line says of them.

mod directory;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::cli::TargetArgs;

pub(crate) use directory::{Survey, survey, survey_of};

/// What can be connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Unix {
        socket: PathBuf,
        /// Known when the socket was found by its process number.
        pid: Option<u32>,
    },
    Tcp {
        address: TcpAddress,
        token: String,
    },
    /// No agent at all: the process is read from outside.
    Attach {
        pid: u32,
    },
}

/// A process of this user that accepts connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) pid: u32,
    /// File name of its executable, where the system tells.
    pub(crate) program: Option<String>,
    pub(crate) socket: PathBuf,
}

impl Target {
    /// The target named on the command line, or the only one there is.
    pub(crate) fn resolve(args: &TargetArgs) -> Result<Target, TargetError> {
        if let Some(pid) = args.attach {
            return Ok(Target::Attach { pid });
        }
        if let Some(address) = &args.connect {
            let token = std::env::var("STALLSCOPE_TOKEN").unwrap_or_default();
            return Target::tcp(address, token);
        }
        if let Some(socket) = &args.socket {
            return Ok(Target::Unix {
                socket: socket.clone(),
                pid: None,
            });
        }
        Target::choose(args.pid, survey())
    }

    fn tcp(address: &TcpAddress, token: String) -> Result<Target, TargetError> {
        if token.is_empty() {
            return Err(TargetError::NoToken(address.clone()));
        }
        Ok(Target::Tcp {
            address: address.clone(),
            token,
        })
    }

    fn choose(pid: Option<u32>, survey: Survey) -> Result<Target, TargetError> {
        let Survey { mut found, ignored } = survey;
        if let Some(pid) = pid {
            return match found.into_iter().find(|found| found.pid == pid) {
                Some(found) => Ok(found.into()),
                None if directory::runs(pid) => Err(TargetError::NoSocket { pid, ignored }),
                None => Err(TargetError::NoSuchProcess(pid)),
            };
        }
        match found.len() {
            0 => Err(TargetError::Nothing { ignored }),
            1 => Ok(found.remove(0).into()),
            _ => Err(TargetError::Several(found)),
        }
    }
}

impl From<Found> for Target {
    fn from(found: Found) -> Self {
        Target::Unix {
            socket: found.socket,
            pid: Some(found.pid),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Unix { pid: Some(pid), .. } | Target::Attach { pid } => {
                write!(f, "process {pid}")
            }
            Target::Unix { socket, pid: None } => write!(f, "{}", socket.display()),
            Target::Tcp { address, .. } => write!(f, "{address}"),
        }
    }
}

/// `tcp://HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TcpAddress {
    /// As the resolver takes it: `host:port`, `[v6]:port`.
    host_and_port: String,
}

impl TcpAddress {
    pub(crate) fn host_and_port(&self) -> &str {
        &self.host_and_port
    }
}

impl FromStr for TcpAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.strip_prefix("tcp://")
            .filter(|rest| {
                rest.rsplit_once(':').is_some_and(|(host, port)| {
                    !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0)
                })
            })
            .map(|rest| TcpAddress {
                host_and_port: rest.to_owned(),
            })
            .ok_or_else(|| "expected tcp://HOST:PORT, for instance tcp://10.0.0.7:6669".to_owned())
    }
}

impl fmt::Display for TcpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tcp://{}", self.host_and_port)
    }
}

/// Why no target came of the command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TargetError {
    Nothing { ignored: Vec<String> },
    Several(Vec<Found>),
    NoSuchProcess(u32),
    NoSocket { pid: u32, ignored: Vec<String> },
    NoToken(TcpAddress),
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TargetError::Nothing { ignored } => {
                f.write_str(
                    "no process with stallscope is running as this user: put `#[stallscope::main]` in place of \
                     `#[tokio::main]` and start the program, or name an agent with --socket or --connect",
                )?;
                note(f, ignored)
            }
            TargetError::Several(found) => {
                write!(f, "{} processes run with stallscope: ", found.len())?;
                for (index, found) in found.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    let program = found.program.as_deref().unwrap_or("unknown program");
                    write!(f, "{comma}{} ({program})", found.pid)?;
                }
                f.write_str("; choose one with --pid N")
            }
            TargetError::NoSuchProcess(pid) => write!(
                f,
                "no process {pid} is running: `stallscope list` shows those that can be looked at"
            ),
            TargetError::NoSocket { pid, ignored } => {
                write!(
                    f,
                    "process {pid} runs without a stallscope socket of this user: put `#[stallscope::main]` in place of \
                     `#[tokio::main]` in it, or, where STALLSCOPE_LISTEN moved its socket, give that with --socket or \
                     --connect"
                )?;
                note(f, ignored)
            }
            TargetError::NoToken(address) => write!(
                f,
                "{address} wants a token: set STALLSCOPE_TOKEN to the one the application was started with"
            ),
        }
    }
}

impl std::error::Error for TargetError {}

fn note(f: &mut fmt::Formatter<'_>, ignored: &[String]) -> fmt::Result {
    if ignored.is_empty() {
        return Ok(());
    }
    write!(f, " (ignored: {})", ignored.join("; "))
}

/// The process number in the name of a socket: `4711.sock`.
fn pid_of(socket: &Path) -> Option<u32> {
    socket
        .file_name()?
        .to_str()?
        .strip_suffix(".sock")?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests;
