//! `stallscope cancel`: aborts a task, and waits until it is gone or the time for that is over.

use std::io::Write;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{CancelQuery, Cancellation, StacksQuery, Task, ThreadStack, update};

use super::about::About;
use super::ended::End;
use super::stacks::{ThreadJson, write_thread};
use super::task::{self, Places};
use crate::cancel::sentence;
use crate::cli::CancelArgs;
use crate::client::{ClientError, Connection};
use crate::failure::Failure;
use crate::format::printable;
use crate::target::Target;

/// How often it is asked whether the task is gone.
const EVERY: Duration = Duration::from_millis(25);

/// The task did not end in time.
const ALIVE: u8 = 1;

pub(crate) fn run(
    target: &Target,
    args: &CancelArgs,
    out: &mut impl Write,
) -> Result<ExitCode, Failure> {
    let mut connection = Connection::open(target)?;
    let about = About::ask(&mut connection)?;
    let began = Instant::now();
    let first = ask(&mut connection, args.task)?;
    let mut last = first.clone();
    while last.alive {
        let left = args.wait.saturating_sub(began.elapsed());
        if left.is_zero() {
            break;
        }
        thread::sleep(left.min(EVERY));
        last = ask(&mut connection, args.task)?;
    }
    let attempt = Attempt {
        id: args.task,
        waited: began.elapsed(),
        stuck_on: if last.alive {
            thread_that_polls(&mut connection, args.task)?
        } else {
            None
        },
        first,
        last,
    };
    if args.json {
        about.write_json(out, &Answer::from(&attempt))?;
    } else {
        attempt.write(out)?;
    }
    out.flush()?;
    Ok(ExitCode::from(if attempt.last.alive { ALIVE } else { 0 }))
}

fn ask(connection: &mut Connection, task: u64) -> Result<Cancellation, ClientError> {
    match connection.ask(Topic::Cancel(CancelQuery { task }))? {
        update::Body::Cancel(cancellation) => Ok(cancellation),
        _ => Err(connection.mismatch()),
    }
}

/// Where a task is that does not die.
fn thread_that_polls(
    connection: &mut Connection,
    task: u64,
) -> Result<Option<ThreadStack>, ClientError> {
    match connection.ask(Topic::Stacks(StacksQuery {}))? {
        update::Body::Stacks(stacks) => Ok(stacks
            .threads
            .into_iter()
            .find(|thread| thread.task == Some(task))),
        _ => Err(connection.mismatch()),
    }
}

/// What came of it.
struct Attempt {
    id: u64,
    waited: Duration,
    first: Cancellation,
    last: Cancellation,
    /// The thread that polls the task, if it lives on.
    stuck_on: Option<ThreadStack>,
}

#[derive(Serialize)]
struct Answer<'a> {
    task: u64,
    alive: bool,
    waited_ms: f64,
    /// All `null` while it lives.
    #[serde(flatten)]
    end: End<'a>,
    /// The thread that polls it, if it lives on and one does; as in `stacks --json`.
    thread: Option<ThreadJson<'a>>,
}

impl<'a> From<&'a Attempt> for Answer<'a> {
    fn from(attempt: &'a Attempt) -> Self {
        Answer {
            task: attempt.id,
            alive: attempt.last.alive,
            waited_ms: attempt.waited.as_secs_f64() * 1e3,
            end: attempt.last.ended.as_ref().map(End::of).unwrap_or_default(),
            thread: attempt.stuck_on.as_ref().map(ThreadJson::from),
        }
    }
}

impl Attempt {
    fn write(&self, out: &mut impl Write) -> Result<(), Failure> {
        let verdict = sentence(&self.last, self.waited);
        writeln!(out, "{} {verdict}", self.task())?;
        if let Some(thread) = &self.stuck_on {
            writeln!(out)?;
            write_thread(out, thread)?;
        }
        Ok(())
    }

    /// `task 88 "render", spawned at src/main.rs:63:9,`
    fn task(&self) -> String {
        let known = self.seen().map(|(task, sites)| {
            let name = match task.name.as_str() {
                "" => String::new(),
                name => format!(" \"{}\"", printable(name)),
            };
            let places = Places::from(sites.sites.clone());
            match places.of(task) {
                Some(_) => format!("{name}, spawned at {},", task::spawned_at(task, &places)),
                None => name,
            }
        });
        format!("task {}{}", self.id, known.unwrap_or_default())
    }

    /// The task, and the answer that knew it.
    fn seen(&self) -> Option<(&Task, &Cancellation)> {
        [&self.last, &self.first]
            .into_iter()
            .find_map(|answer| Some((answer.task.as_ref()?, answer)))
    }
}
