//! `stallscope run -- CMD…`: a program and the terminal view on it, from its start to its end.
//!
//! Where no view can be drawn, the program runs as if it had been started directly.

mod output;
mod program;

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::process::{ExitCode, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use crate::cli::RunArgs;
use crate::failure::Failure;
use crate::target::Target;
use output::Output;
use program::Program;

/// Programs show their socket within a second; one that has not by then has none to show, or is still being built.
const HINT_AFTER: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// `view` draws the terminal view until the user leaves it.
pub(crate) fn run(
    args: &RunArgs,
    view: impl FnOnce(Target) -> Result<(), Failure>,
) -> Result<ExitCode, Failure> {
    let has_terminal = io::stdout().is_terminal() && io::stdin().is_terminal();
    if has_terminal {
        run_below_view(&args.command, view)
    } else {
        run_alone(&args.command)
    }
}

fn run_alone(command: &[OsString]) -> Result<ExitCode, Failure> {
    let mut program = Program::start(command)?;
    let status = match wait_for_socket(&mut program, Patience::UntilHint)? {
        Reached::End(status) => status,
        Reached::Socket(target) => {
            eprintln!(
                "stallscope: no terminal to draw on; `stallscope` on another one opens the view of {target}"
            );
            program.wait()?
        }
        Reached::Hint => program.wait()?,
    };
    Ok(exit_code(status))
}

fn run_below_view(
    command: &[OsString],
    view: impl FnOnce(Target) -> Result<(), Failure>,
) -> Result<ExitCode, Failure> {
    let (mut program, output) = Program::start_below(command)?;
    let target = match wait_for_socket(&mut program, Patience::Endless)? {
        Reached::Socket(target) => target,
        Reached::End(status) => {
            output.finish();
            return Ok(exit_code(status));
        }
        Reached::Hint => return Ok(exit_code(program.wait()?)),
    };
    output.hold();
    let viewed = view(target);
    let ended = program.end();
    output.release();
    output.finish();
    viewed?;
    // Ended from here, as the user wished: how it took that is not our status.
    Ok(ended?.map_or(ExitCode::SUCCESS, exit_code))
}

/// What waiting for a socket came to.
enum Reached {
    Socket(Target),
    End(ExitStatus),
    Hint,
}

#[derive(Clone, Copy, PartialEq)]
enum Patience {
    UntilHint,
    Endless,
}

fn wait_for_socket(program: &mut Program, patience: Patience) -> Result<Reached, Failure> {
    let hint_at = Instant::now() + HINT_AFTER;
    let mut hinted = false;
    loop {
        if let Some(status) = program.status()? {
            return Ok(Reached::End(status));
        }
        if let Some(found) = program.socket() {
            return Ok(Reached::Socket(found.into()));
        }
        if !hinted && Instant::now() >= hint_at {
            eprintln!("stallscope: {}", hint(program));
            hinted = true;
        }
        if hinted && patience == Patience::UntilHint {
            return Ok(Reached::Hint);
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// Why there may be no socket. The program goes on in any case.
fn hint(program: &Program) -> String {
    let seconds = HINT_AFTER.as_secs();
    let what = format!(
        "{} shows no stallscope socket after {seconds} s and runs on",
        program.name()
    );
    if std::env::var("STALLSCOPE").is_ok_and(|value| value == "off") {
        return format!("{what}: STALLSCOPE=off is set; unset it to look at the program");
    }
    if std::env::var_os("STALLSCOPE_LISTEN").is_some() {
        return format!(
            "{what}: STALLSCOPE_LISTEN moves its socket; give that to `stallscope` with --socket or --connect"
        );
    }
    format!(
        "{what}: put `#[stallscope::main]` in place of `#[tokio::main]` above its `async fn main`"
    )
}

/// As shells have it: a program that was killed by a signal has ended with 128 and the signal's number.
fn exit_code(status: ExitStatus) -> ExitCode {
    use std::os::unix::process::ExitStatusExt;
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
