//! The directories in which agents put their sockets, and which of those sockets still have a process behind them.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, getuid, test_kill_process};

use super::{Found, pid_of};
use crate::client::transport;

/// How long one socket may take to accept. Only an agent whose queue of connections is full makes us wait.
const PROBE: Duration = Duration::from_millis(200);

/// What a look into the directories gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Survey {
    /// By process number.
    pub(crate) found: Vec<Found>,
    /// Directories and sockets that were left out though they are there, each with the reason.
    pub(crate) ignored: Vec<String>,
}

/// Looks for the processes of this user.
pub(crate) fn survey() -> Survey {
    survey_of(|_| true)
}

/// Looks for some processes of this user; the others are left in peace, not connected to.
pub(crate) fn survey_of(is_wanted: impl Fn(u32) -> bool) -> Survey {
    let uid = getuid().as_raw();
    let runtime = std::env::var_os("XDG_RUNTIME_DIR")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from);
    let mut survey = Survey::default();
    for directory in directories(runtime, uid) {
        survey.look_into(&directory, uid, &is_wanted);
    }
    survey
        .found
        .sort_by(|a, b| (a.pid, &a.socket).cmp(&(b.pid, &b.socket)));
    survey.found.dedup_by_key(|found| found.pid);
    survey
}

/// Where to look.
///
/// A program and the terminal that looks at it may disagree about `XDG_RUNTIME_DIR`: a service or a container has none
/// where a login has one. So the usual places of both are searched. A runtime directory that is not the login's own was set
/// on purpose and is the whole world then.
pub(super) fn directories(runtime: Option<PathBuf>, uid: u32) -> Vec<PathBuf> {
    let usual = PathBuf::from(format!("/run/user/{uid}"));
    let fallback = PathBuf::from(format!("/tmp/stallscope-{uid}"));
    match runtime {
        Some(own) if own != usual => vec![own.join("stallscope")],
        _ => vec![usual.join("stallscope"), fallback],
    }
}

/// Whether a process of this number exists, whoever owns it.
pub(super) fn runs(pid: u32) -> bool {
    i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

impl Survey {
    pub(super) fn look_into(
        &mut self,
        directory: &Path,
        uid: u32,
        is_wanted: impl Fn(u32) -> bool,
    ) {
        match sockets(directory, uid) {
            Ok(sockets) => {
                for (pid, socket) in sockets {
                    if is_wanted(pid) {
                        self.probe(pid, socket);
                    }
                }
            }
            Err(reason) => self.ignored.extend(reason),
        }
    }

    fn probe(&mut self, pid: u32, socket: PathBuf) {
        if !runs(pid) {
            return;
        }
        match transport::connect_unix(&socket, PROBE) {
            Err(error) if is_stale(&error) => {}
            // A queue that stays full still has a process behind it: stopped, perhaps, and so worth looking at.
            Err(error) if error.kind() != io::ErrorKind::TimedOut => self.ignored.push(format!(
                "{} cannot be connected to: {error}",
                socket.display()
            )),
            _ => self.found.push(Found {
                pid,
                program: program(pid),
                socket,
            }),
        }
    }
}

fn is_stale(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound
    )
}

/// What looks like an agent's socket in `directory`; `Err(None)` if there is no such directory.
///
/// Whoever may write to the directory could put a socket of their own there and show us anything, so it has to be ours
/// alone, and no link to something that is.
fn sockets(directory: &Path, uid: u32) -> Result<Vec<(u32, PathBuf)>, Option<String>> {
    let told = |what: String| Some(format!("{} {what}", directory.display()));
    let metadata = match fs::symlink_metadata(directory) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(None),
        Err(error) => return Err(told(format!("cannot be read: {error}"))),
    };
    if !metadata.is_dir() {
        return Err(told("is no directory".to_owned()));
    }
    if metadata.uid() != uid {
        return Err(told(format!(
            "belongs to user {}, not to user {uid}",
            metadata.uid()
        )));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(told("can be written to by other users".to_owned()));
    }
    let entries =
        fs::read_dir(directory).map_err(|error| told(format!("cannot be read: {error}")))?;
    Ok(entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter_map(|path| Some((pid_of(&path)?, path)))
        .collect())
}

/// File name of the executable of `pid`, where `/proc` tells.
fn program(pid: u32) -> Option<String> {
    let executable = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let name = executable.file_name()?.to_string_lossy().into_owned();
    // The kernel marks a program whose file was replaced while it runs, as every rebuild does.
    Some(
        name.strip_suffix(" (deleted)")
            .map_or(name.clone(), str::to_owned),
    )
}
