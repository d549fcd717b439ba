//! The commands that answer from outside of a process, with `--attach PID` or `--core FILE`.

mod findings;
mod json;
mod ps;
mod stack;
mod stacks;
mod watching;
mod where_task;

use std::io::Write;

use crate::attach::Source;
use crate::cli::Command;
use crate::failure::Failure;

pub(super) use json::WaitsJson;
pub(super) use where_task::{Outside, OutsideJson};

/// Runs a command on what is read from outside.
pub(crate) fn run(
    source: Source<'_>,
    command: &Command,
    out: &mut impl Write,
) -> Result<(), Failure> {
    match (command, source) {
        (Command::Ps(args), source) => ps::run(source, args, out),
        (Command::Where(args), source) => where_task::run(source, args, out),
        (Command::Stacks(args), source) => stacks::run(source, args, out),
        (Command::Findings(args), Source::Process(pid)) => findings::run(pid, args, out),
        (Command::List(_) | Command::Run(_) | Command::Attach(_), _) => Err(Failure::Usage(
            "this command takes neither --attach nor --core: leave it out".to_owned(),
        )),
        (_, Source::Core(..)) => Err(Failure::Usage(
            "with --core there are `ps`, `where` and `stacks`: a core file is one moment".to_owned(),
        )),
        _ => Err(Failure::Usage(
            "with --attach there are `ps`, `where`, `stacks` and `findings`, and `stallscope attach PID` for the view: everything else needs \
             stallscope in the program"
                .to_owned(),
        )),
    }
}
