//! `stallscope stacks --attach PID`: what every thread of a process does now, with its stack, and which task it polls, as seen from outside.

use std::io::Write;
use std::time::Duration;

use stallscope_attach::Options;
use stallscope_wire::message::Stacks;

use super::thread;
use crate::attach::{self, Source};
use crate::cli::StacksArgs;
use crate::failure::Failure;
use crate::headless::about::About;
use crate::headless::stacks;

pub(super) fn run(pid: u32, args: &StacksArgs, out: &mut impl Write) -> Result<(), Failure> {
    let (tasks, threads) = attach::open(Source::Process(pid), |process| {
        Ok((process.tasks(&Options::default()).len(), process.stacks()))
    })?;
    let about = About::from_outside(pid, tasks as u64, Duration::ZERO);
    let threads = threads.iter().map(thread::convert).collect();
    stacks::write(out, &about, &Stacks { threads }, args.json)
}
