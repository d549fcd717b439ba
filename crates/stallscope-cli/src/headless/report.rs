//! `stallscope report`: what is wrong within a time from now on, and a status for scripts.

use std::io::Write;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use stallscope_wire::message::FindingsQuery;

use super::about::About;
use super::finding::{self, Answer, Outside, Snapshot, Window};
use crate::cli::ReportArgs;
use crate::client::{ClientError, Connection};
use crate::failure::Failure;
use crate::format::{duration, milliseconds};
use crate::target::Target;

/// How often findings are fetched: what is lost when the program ends is what it found since.
const INTERVAL: Duration = Duration::from_millis(250);

/// How long after the window its last answer may take.
const GRACE: Duration = Duration::from_secs(1);

/// The status with a finding that `--fail-on` names.
const FOUND: u8 = 1;

pub(crate) fn run(
    target: &Target,
    args: &ReportArgs,
    out: &mut impl Write,
) -> Result<ExitCode, Failure> {
    let began = Instant::now();
    let mut connection = Connection::open(target)?;
    let mut watched = watch(&mut connection, args, began)?;
    watched.last.look_outside(connection.local_pid());
    match write(out, args, &watched) {
        // Whoever reads no further may still want to know the status.
        Err(failure) if !failure.is_closed_pipe() => Err(failure),
        _ => Ok(status(args, &watched)),
    }
}

/// What was seen of a window.
struct Watched {
    /// The last answer: it holds everything since the window began.
    last: Snapshot,
    /// From the beginning of the window to that answer.
    time: Duration,
    cut_short: Option<CutShort>,
}

/// Why a window was not watched to its end.
enum CutShort {
    ProgramEnded,
    Failed(ClientError),
}

/// Fetches findings until the window closes. Whatever happens after the first answer, there is one to give.
fn watch(
    connection: &mut Connection,
    args: &ReportArgs,
    began: Instant,
) -> Result<Watched, ClientError> {
    let end = began + args.window;
    let about = About::ask(connection)?;
    let query = FindingsQuery {
        since_ns: about
            .uptime_ns()
            .saturating_sub(nanoseconds(began.elapsed())),
        with_info: args.all,
        limit: 0,
    };
    let mut watched = Watched {
        last: Snapshot {
            about,
            findings: finding::ask(connection, query)?,
            outside: Outside::default(),
        },
        time: began.elapsed(),
        cut_short: None,
    };
    connection.give_up_at(end + GRACE);
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() && watched.time >= args.window {
            return Ok(watched);
        }
        thread::sleep(left.min(INTERVAL));
        match Snapshot::ask(connection, query) {
            Ok(last) => {
                watched.last = last;
                watched.time = began.elapsed();
            }
            // A program that is stopped for a while may go on before the window closes.
            Err(error) if error.is_silence() && Instant::now() < end => {}
            Err(error) => {
                watched.cut_short = Some(if error.is_end() {
                    CutShort::ProgramEnded
                } else {
                    CutShort::Failed(error)
                });
                return Ok(watched);
            }
        }
    }
}

fn status(args: &ReportArgs, watched: &Watched) -> ExitCode {
    let fails = watched
        .last
        .findings
        .findings
        .iter()
        .any(|finding| args.fail_on.iter().any(|fail_on| fail_on.covers(finding)));
    if fails {
        ExitCode::from(FOUND)
    } else {
        ExitCode::SUCCESS
    }
}

fn write(out: &mut impl Write, args: &ReportArgs, watched: &Watched) -> Result<(), Failure> {
    if args.json {
        let window = watched.window(args);
        serde_json::to_writer(&mut *out, &Answer::new(&watched.last, Some(&window)))?;
        writeln!(out)?;
    } else {
        watched.last.about.write_header(out)?;
        writeln!(out)?;
        finding::write(out, &watched.last, &watched.when(args))?;
    }
    out.flush()?;
    Ok(())
}

impl Watched {
    fn window(&self, args: &ReportArgs) -> Window {
        Window {
            asked_ms: milliseconds(nanoseconds(args.window)),
            watched_ms: milliseconds(nanoseconds(self.time)),
            cut_short: self.cut_short.as_ref().map(|cut_short| match cut_short {
                CutShort::ProgramEnded => "the program ended".to_owned(),
                CutShort::Failed(error) => error.to_string(),
            }),
            stopped: None,
        }
    }

    fn when(&self, args: &ReportArgs) -> String {
        let watched = duration(nanoseconds(self.time));
        match &self.cut_short {
            None => format!("in {}", duration(nanoseconds(args.window))),
            Some(CutShort::ProgramEnded) => format!("in {watched}, when the program ended"),
            Some(CutShort::Failed(error)) => format!("in {watched}, then: {error}"),
        }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
