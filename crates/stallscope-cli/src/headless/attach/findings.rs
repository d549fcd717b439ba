//! `stallscope findings --attach PID --for TIME`: what looks at a process from outside prove within a time.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use stallscope_attach::threads::Running;
use stallscope_wire::message::FindingsQuery;

use super::watching::watch;
use crate::attach::{self, Clock, Source, Stopped};
use crate::cli::FindingsArgs;
use crate::failure::Failure;
use crate::format::{counted, duration, milliseconds};
use crate::headless::about::About;
use crate::headless::finding::{self, Answer, Outside, Snapshot, Window};
use crate::time::nanoseconds;

pub(super) fn run(pid: u32, args: &FindingsArgs, out: &mut impl Write) -> Result<(), Failure> {
    let Some(window) = args.window else {
        return Err(Failure::Usage(
            "from outside nothing is known of what was before: say with --for how long to watch, for instance --for 5s"
                .to_owned(),
        ));
    };
    let running = if args.stop {
        Running::Stop
    } else {
        Running::Leave
    };
    let watched = attach::open(Source::Process(pid), |process| {
        watch(pid, process, window, running)
    })?;
    let clock = Clock::began_at(now().saturating_sub(nanoseconds(watched.time)));
    let snapshot = Snapshot {
        about: About::from_outside(pid, watched.tasks, watched.time),
        findings: watched.found.window(&FindingsQuery::default(), clock),
        outside: Outside::default(),
    };
    if args.json {
        let window = Window {
            asked_ms: milliseconds(nanoseconds(window)),
            watched_ms: milliseconds(nanoseconds(watched.time)),
            cut_short: watched.ended.then(|| "the program ended".to_owned()),
            stopped: watched.stopped.map(Into::into),
        };
        serde_json::to_writer(&mut *out, &Answer::new(&snapshot, Some(&window)))?;
        writeln!(out)?;
    } else {
        snapshot.about.write_header(out)?;
        if let Some(stopped) = watched.stopped {
            writeln!(out, "{}", told(stopped))?;
        }
        writeln!(out)?;
        let when = format!("in {}", duration(nanoseconds(watched.time)));
        finding::write(out, &snapshot, &when)?;
    }
    Ok(())
}

/// `3 stops of threads that ran, 92 µs at most`
fn told(stopped: Stopped) -> String {
    let stops = counted(stopped.count, "stop");
    let longest = stopped.longest.as_micros();
    format!("{stops} of threads that ran, {longest} µs at most")
}

/// Nanoseconds since 1970.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, nanoseconds)
}
