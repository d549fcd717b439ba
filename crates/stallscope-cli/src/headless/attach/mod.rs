//! The commands that answer from outside of a process, with `--attach PID`.

mod findings;
mod json;
mod ps;
mod stack;
mod stacks;
mod thread;
mod watching;
mod where_task;

use std::io::Write;

use crate::cli::Command;
use crate::failure::Failure;

pub(super) use where_task::{Outside, OutsideJson};

/// Runs a command on the process with that number.
pub(crate) fn run(pid: u32, command: &Command, out: &mut impl Write) -> Result<(), Failure> {
    match command {
        Command::Ps(args) => ps::run(pid, args, out),
        Command::Where(args) => where_task::run(pid, args, out),
        Command::Stacks(args) => stacks::run(pid, args, out),
        Command::Findings(args) => findings::run(pid, args, out),
        Command::List(_) | Command::Run(_) | Command::Attach(_) => Err(Failure::Usage(
            "this command takes no --attach: leave it out".to_owned(),
        )),
        _ => Err(Failure::Usage(
            "with --attach there are `ps`, `where`, `stacks` and `findings`, and `stallscope attach PID` for the view: everything else needs \
             stallscope in the program"
                .to_owned(),
        )),
    }
}
