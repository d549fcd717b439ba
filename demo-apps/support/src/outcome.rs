//! How a service ends: its result on stdout, or what went wrong in one line on stderr.

use std::fmt::Display;
use std::process::ExitCode;

/// Prints the outcome and gives the exit status that belongs to it: 0, or 1 for an error.
pub fn report<T: Display>(outcome: anyhow::Result<T>) -> ExitCode {
    match outcome {
        Ok(result) => {
            println!("{result}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            // With all its causes, without a backtrace: it is for the user.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
