//! A process read from outside, without an agent in it: its tasks in words, filtered and sorted, and behind the terminal view.

mod agent;
mod answer;
mod life;
mod select;
pub(crate) mod words;

use std::path::Path;

use stallscope_attach::{Error, Process, Target};

use crate::failure::Failure;

pub(crate) use agent::connect;
#[cfg(test)]
pub(crate) use answer::Picture;
pub(crate) use answer::process;
pub(crate) use life::Life;
pub(crate) use select::Selection;

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
    let target = match source {
        Source::Process(pid) => Target::live(pid)?,
        Source::Core(file, program) => Target::core(file, program)?,
    };
    let process = Process::of(&target)?;
    look(&process)
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Target(error.to_string())
    }
}
