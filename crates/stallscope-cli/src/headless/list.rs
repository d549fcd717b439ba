//! `stallscope list`: the processes of this user that can be looked at.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use serde::Serialize;

use super::about::{About, Tiers};
use super::table::{self, Column};
use crate::cli::ListArgs;
use crate::client::Connection;
use crate::failure::Failure;
use crate::format::{UNKNOWN, duration, milliseconds, printable};
use crate::target::{Found, Survey, Target, TargetError, survey};

/// How long one process may take to accept and to answer. Short: one that is stopped must not hide the others.
const PATIENCE: Duration = Duration::from_secs(1);

pub(crate) fn run(args: &ListArgs, out: &mut impl Write) -> Result<(), Failure> {
    let Survey { found, ignored } = survey();
    let processes = ask_all(found);
    if args.json {
        let processes = processes.iter().map(ProcessJson::from).collect();
        serde_json::to_writer(&mut *out, &Answer { processes, ignored })?;
        writeln!(out)?;
        return Ok(());
    }
    if processes.is_empty() {
        writeln!(out, "{}", TargetError::Nothing { ignored })?;
        return Ok(());
    }
    write_table(out, &processes)?;
    // Beside the answer, not part of it: whoever reads the table by script sees processes only.
    for reason in ignored {
        eprintln!("stallscope: ignored: {reason}");
    }
    Ok(())
}

/// A process and what it says of itself, or why it says nothing.
struct Process {
    found: Found,
    about: Result<About, String>,
}

/// All are asked at the same time.
fn ask_all(found: Vec<Found>) -> Vec<Process> {
    thread::scope(|scope| {
        let asked: Vec<_> = found
            .iter()
            .map(|found| scope.spawn(|| ask(&found.clone().into())))
            .collect();
        let answers: Vec<_> = asked
            .into_iter()
            .map(|asked| {
                asked
                    .join()
                    .unwrap_or_else(|_| Err("asking it failed".to_owned()))
            })
            .collect();
        answers
    })
    .into_iter()
    .zip(found)
    .map(|(about, found)| Process { found, about })
    .collect()
}

fn ask(target: &Target) -> Result<About, String> {
    Connection::open_within(target, PATIENCE, PATIENCE)
        .and_then(|mut connection| About::ask(&mut connection))
        .map_err(|error| error.to_string())
}

#[derive(Serialize)]
struct Answer<'a> {
    processes: Vec<ProcessJson<'a>>,
    /// What was left out, with the reason.
    ignored: Vec<String>,
}

/// Everything but the first three is `null` when the process does not answer; `error` says why then.
#[derive(Serialize)]
struct ProcessJson<'a> {
    pid: u32,
    program: Option<&'a str>,
    socket: String,
    tokio: Option<&'a str>,
    stallscope: Option<&'a str>,
    uptime_ms: Option<f64>,
    live_tasks: Option<u64>,
    tiers: Option<Tiers<'a>>,
    error: Option<&'a str>,
}

impl<'a> From<&'a Process> for ProcessJson<'a> {
    fn from(process: &'a Process) -> Self {
        let about = process.about.as_ref().ok();
        ProcessJson {
            pid: process.found.pid,
            program: process.program(),
            socket: process.found.socket.display().to_string(),
            tokio: about.map(|about| about.process.tokio_version.as_str()),
            stallscope: about.map(|about| about.process.stallscope_version.as_str()),
            uptime_ms: about.map(|about| milliseconds(about.uptime_ns())),
            live_tasks: about.map(|about| about.overview.live_tasks),
            tiers: about.map(|about| Tiers(&about.overview.tiers)),
            error: process.about.as_ref().err().map(String::as_str),
        }
    }
}

impl Process {
    fn program(&self) -> Option<&str> {
        match &self.about {
            Ok(about) => Some(&about.process.program),
            Err(_) => self.found.program.as_deref(),
        }
    }
}

fn write_table(out: &mut impl Write, processes: &[Process]) -> io::Result<()> {
    let columns: [Column<Process>; 7] = [
        Column::right("PID", |process| process.found.pid.to_string()),
        Column::left("PROGRAM", |process| {
            process.program().map_or(UNKNOWN.to_owned(), printable)
        }),
        Column::right("UP", |process| {
            process
                .about
                .as_ref()
                .map_or(UNKNOWN.to_owned(), |about| duration(about.uptime_ns()))
        }),
        Column::right("TASKS", |process| {
            process.about.as_ref().map_or(UNKNOWN.to_owned(), |about| {
                about.overview.live_tasks.to_string()
            })
        }),
        Column::left("TIERS ON", |process| {
            process
                .about
                .as_ref()
                .map_or(UNKNOWN.to_owned(), About::tiers_on)
        }),
        Column::left("TOKIO", |process| {
            process.about.as_ref().map_or(UNKNOWN.to_owned(), |about| {
                printable(&about.process.tokio_version)
            })
        }),
        Column::left("SOCKET", |process| {
            process.found.socket.display().to_string()
        }),
    ];
    table::write(out, &columns, processes)?;
    for process in processes {
        if let Err(error) = &process.about {
            writeln!(out, "{error}")?;
        }
    }
    Ok(())
}
