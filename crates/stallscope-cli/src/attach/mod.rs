//! A process read from outside, without an agent in it: its tasks in words, filtered and sorted, and behind the terminal view.

mod agent;
mod answer;
mod life;
mod select;
pub(crate) mod words;

use stallscope_attach::{Error, Process, Target};

use crate::failure::Failure;

pub(crate) use agent::connect;
#[cfg(test)]
pub(crate) use answer::Picture;
pub(crate) use answer::process;
pub(crate) use life::Life;
pub(crate) use select::Selection;

/// Opens a process and hands it to `look`.
pub(crate) fn open<T>(
    pid: u32,
    look: impl FnOnce(&Process<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let target = Target::live(pid)?;
    let process = Process::of(&target)?;
    look(&process)
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Target(error.to_string())
    }
}
