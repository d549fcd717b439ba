//! `stallscope stacks`: what every worker and blocking thread does now, with its stack.

use std::io::{self, Write};

use serde::Serialize;
use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{Stacks, StacksQuery, ThreadStack, update};

use super::about::About;
use super::frame::{self, FrameJson, known};
use crate::cli::StacksArgs;
use crate::client::Connection;
use crate::failure::Failure;
use crate::format::{duration, milliseconds, printable};
use crate::target::Target;

pub(crate) fn run(target: &Target, args: &StacksArgs, out: &mut impl Write) -> Result<(), Failure> {
    let mut connection = Connection::open(target)?;
    let about = About::ask(&mut connection)?;
    let update::Body::Stacks(stacks) = connection.ask(Topic::Stacks(StacksQuery {}))? else {
        return Err(connection.mismatch().into());
    };
    write(out, &about, &stacks, args.json)
}

pub(super) fn write(
    out: &mut impl Write,
    about: &About,
    stacks: &Stacks,
    as_json: bool,
) -> Result<(), Failure> {
    if as_json {
        about.write_json(out, &Answer::from(stacks))
    } else {
        about.write_header(out)?;
        for thread in &stacks.threads {
            writeln!(out)?;
            write_thread(out, thread)?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    threads: Vec<ThreadJson<'a>>,
}

#[derive(Serialize)]
pub(super) struct ThreadJson<'a> {
    tid: u32,
    name: Option<&'a str>,
    /// `null` for a thread that is no worker, such as one of the blocking pool.
    worker: Option<u32>,
    runtime: u32,
    state: Option<&'a str>,
    doing: Option<&'a str>,
    /// The poll in progress, and how long it has lasted; `null` if that is not known.
    task: Option<u64>,
    polling_ms: Option<f64>,
    /// Innermost frame first.
    stack: Vec<FrameJson<'a>>,
    /// Why there is no stack, or not all of it; `null` if nothing is missing.
    missing: Option<&'a str>,
}

impl<'a> From<&'a Stacks> for Answer<'a> {
    fn from(stacks: &'a Stacks) -> Self {
        Answer {
            threads: stacks.threads.iter().map(ThreadJson::from).collect(),
        }
    }
}

impl<'a> From<&'a ThreadStack> for ThreadJson<'a> {
    fn from(thread: &'a ThreadStack) -> Self {
        ThreadJson {
            tid: thread.tid,
            name: known(&thread.name),
            worker: thread.worker,
            runtime: thread.runtime,
            state: known(&thread.state),
            doing: known(&thread.doing),
            task: thread.task,
            polling_ms: polling(thread).map(milliseconds),
            stack: thread.stack.iter().map(FrameJson::from).collect(),
            missing: known(&thread.missing),
        }
    }
}

pub(super) fn write_thread(out: &mut impl Write, thread: &ThreadStack) -> io::Result<()> {
    writeln!(out, "{}", title(thread))?;
    if let Some(task) = thread.task {
        match polling(thread) {
            Some(time) => writeln!(out, "  polls task {task} for {}", duration(time))?,
            None => writeln!(out, "  polls task {task}")?,
        }
    }
    if let Some(doing) = known(&thread.doing) {
        writeln!(out, "  {}", printable(doing))?;
    }
    frame::write(out, &thread.stack)?;
    if let Some(missing) = known(&thread.missing) {
        writeln!(out, "  missing: {}", printable(missing))?;
    }
    Ok(())
}

/// How long the poll in progress has lasted: from outside it cannot be told.
fn polling(thread: &ThreadStack) -> Option<u64> {
    thread.task?;
    Some(thread.polling_ns).filter(|&time| time > 0)
}

/// `thread 4713 "tokio-rt-worker", worker 1, running`.
fn title(thread: &ThreadStack) -> String {
    let mut parts = vec![match known(&thread.name) {
        Some(name) => format!("thread {} \"{}\"", thread.tid, printable(name)),
        None => format!("thread {}", thread.tid),
    }];
    if let Some(worker) = thread.worker {
        // Most programs have but one runtime.
        parts.push(match thread.runtime {
            0 => format!("worker {worker}"),
            runtime => format!("worker {worker} of runtime {runtime}"),
        });
    }
    parts.extend(known(&thread.state).map(printable));
    parts.join(", ")
}
