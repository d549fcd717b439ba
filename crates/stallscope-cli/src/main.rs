//! The `stallscope` binary: shows what a tokio program is doing, while it does it.

mod attach;
mod cancel;
mod cli;
mod client;
mod conflict;
mod failure;
mod filter;
mod format;
mod headless;
mod leak;
mod locks;
mod order;
mod places;
mod rules;
mod source;
mod target;
mod task;
mod time;
mod tui;

use std::io::{self, BufWriter, IsTerminal, Write};
use std::process::ExitCode;

use cli::{Cli, Command, Instead};
use failure::Failure;
use headless::{doctor, ended, findings, list, ps, report, run, sites, stacks, tree, where_task};
use target::Target;

fn main() -> ExitCode {
    let done = match cli::parse() {
        Ok(cli) => execute(&cli),
        Err(Instead::Show(text)) => text
            .print()
            .map(|()| ExitCode::SUCCESS)
            .map_err(Failure::Output),
        Err(Instead::Mistake(line)) => Err(Failure::Usage(line)),
    };
    match done {
        Ok(status) => status,
        Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            // Where standard error is closed, the exit status has to do.
            let _told = writeln!(io::stderr(), "stallscope: {failure}");
            ExitCode::from(failure.status())
        }
    }
}

fn execute(cli: &Cli) -> Result<ExitCode, Failure> {
    let target = || Target::resolve(&cli.target);
    let mut out = BufWriter::new(io::stdout().lock());
    if let (Some(source), Some(command)) = (cli.target.outside(), &cli.command) {
        headless::attach::run(source, command, &mut out)?;
        out.flush()?;
        return Ok(ExitCode::SUCCESS);
    }
    match &cli.command {
        Some(Command::Attach(args)) => {
            cli.target.must_not_be_given("attach")?;
            drop(out);
            view(Some(Target::Attach { pid: args.process }))?;
            return Ok(ExitCode::SUCCESS);
        }
        Some(Command::Ps(args)) if args.ended => ended::run(&target()?, args, &mut out)?,
        Some(Command::Ps(args)) => ps::run(&target()?, args, &mut out)?,
        Some(Command::Tree(args)) => tree::run(&target()?, args, &mut out)?,
        Some(Command::Sites(args)) => sites::run(&target()?, args, &mut out)?,
        Some(Command::Locks(args)) => headless::locks::run(&target()?, args, &mut out)?,
        Some(Command::Where(args)) => where_task::run(&target()?, args, &mut out)?,
        Some(Command::Stacks(args)) => stacks::run(&target()?, args, &mut out)?,
        Some(Command::Findings(args)) => findings::run(&target()?, args, &mut out)?,
        Some(Command::Cancel(args)) => return headless::cancel::run(&target()?, args, &mut out),
        Some(Command::Report(args)) => return report::run(&target()?, args, &mut out),
        Some(Command::Doctor(args)) => doctor::run(&target()?, args, &mut out)?,
        Some(Command::List(args)) => {
            cli.target.must_not_be_given("list")?;
            list::run(args, &mut out)?;
        }
        Some(Command::Run(args)) => {
            cli.target.must_not_be_given("run")?;
            drop(out);
            return run::run(args, |target| view(Some(target)));
        }
        None => {
            drop(out);
            // With nothing named the view lets the user choose, also while nothing runs yet.
            let named = cli.target.is_given().then(target).transpose()?;
            view(named)?;
            return Ok(ExitCode::SUCCESS);
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn view(target: Option<Target>) -> Result<(), Failure> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(Failure::Usage(
            "the view needs a terminal on standard input and output: `stallscope ps` and `stallscope tree` print to anything"
                .to_owned(),
        ));
    }
    tui::run(target).map_err(Failure::Output)
}
