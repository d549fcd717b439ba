//! A process read from outside, without an agent in it: its tasks in words, filtered and sorted, and behind the terminal view.

mod agent;
mod answer;
mod found;
mod life;
mod link;
mod long_polls;
mod lookout;
mod lost;
mod naming;
mod pace;
mod poll;
mod select;
mod stops;
pub(crate) mod thread;
mod watching;
pub(crate) mod words;

use std::path::Path;

use stallscope_attach::{Error, Process, Target};

use crate::failure::Failure;

pub(crate) use agent::connect;
#[cfg(test)]
pub(crate) use answer::Picture;
pub(crate) use answer::{ended_process, process};
#[cfg(test)]
pub(crate) use found::samples as findings;
pub(crate) use found::{Clock, Found};
pub(crate) use life::Life;
pub(crate) use lookout::Lookout;
pub(crate) use select::Selection;
pub(crate) use stops::Stopped;

/// What is read from outside.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source<'a> {
    /// A running process.
    Process(u32),
    /// What a process was when its core file was written, and its program's file where that has moved.
    Core(&'a Path, Option<&'a Path>),
}

/// Opens a process and hands it to `look`.
pub(crate) fn open<T>(
    source: Source<'_>,
    look: impl FnOnce(&Process<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    open_target(source, |_, process| look(process))
}

/// The same with what it was opened from.
pub(crate) fn open_target<T>(
    source: Source<'_>,
    look: impl FnOnce(&Target, &Process<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let target = match source {
        Source::Process(pid) => Target::live(pid)?,
        Source::Core(file, program) => Target::core(file, program)?,
    };
    let process = Process::of(&target)?;
    if let Some(missing) = process.incomplete() {
        eprintln!("stallscope: tasks may be missing: {missing}");
    }
    look(&target, &process)
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Target(error.to_string())
    }
}
