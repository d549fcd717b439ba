//! At a signal all threads are written to stderr: while everything is stuck, without a client, and never at the application's expense.

use std::ffi::OsStr;
use std::fs;

use rustix::process::{Pid, Signal, kill_process};
use stallscope_wire::message::Level;

use crate::programs::place_of;
use crate::support::{Program, patiently};

/// So that nothing but the signal is left to reach it by.
const NO_SOCKET: (&str, &str) = ("STALLSCOPE_LISTEN", "tcp:127.0.0.1:0");

fn start(name: &str, variables: &[(&'static str, &'static str)]) -> Program {
    Program::start_with(
        name,
        variables
            .iter()
            .map(|&(name, value)| (name, OsStr::new(value))),
    )
}

fn send(program: &Program, signal: Signal) {
    let pid = i32::try_from(program.pid()).ok().and_then(Pid::from_raw);
    kill_process(pid.expect("a process id"), signal).expect("it runs");
}

/// How many workers the kernel has in a timed sleep.
fn asleep(program: &Program) -> Result<usize, String> {
    let threads =
        fs::read_dir(format!("/proc/{}/task", program.pid())).map_err(|error| error.to_string())?;
    let of = |thread: &fs::DirEntry, file| {
        fs::read_to_string(thread.path().join(file)).unwrap_or_default()
    };
    Ok(threads
        .flatten()
        .filter(|thread| {
            of(thread, "comm").trim() == "tokio-rt-worker"
                && of(thread, "wchan").contains("nanosleep")
        })
        .count())
}

#[test]
fn stuck_workers_are_written_with_their_lines_though_no_socket_is_there() {
    let mut program = start("stuck", &[("STALLSCOPE_DUMP_SIGNAL", "USR1"), NO_SOCKET]);
    program.expect("stuck");
    program.expect("stuck");
    // Each says so on the way into its sleep, and is written as it is found.
    patiently(|| match asleep(&program)? {
        2 => Ok(()),
        found => Err(format!("{found} of 2 workers sleep")),
    });
    // Twice: once is no proof that the next will be heard.
    for _ in 0..2 {
        send(&program, Signal::USR1);
        program.expect_error("stallscope: what process");
        let (file, line) = place_of("stuck: here");
        for _ in 0..2 {
            program.expect_error(&format!("{file}:{line}"));
        }
    }
    let (status, errors) = program.finish();
    assert!(status.success());
    for wanted in [
        "\"first\" for",
        "\"second\" for",
        ", worker 0, sleeping",
        ", worker 1, sleeping",
        "  > sessions::programs::dumps::stuck",
    ] {
        let found = errors.iter().filter(|line| line.contains(wanted)).count();
        assert!(
            found >= 2,
            "`{wanted}` is written {found} times: {errors:#?}"
        );
    }
    let (file, line) = place_of("stuck: spawned here");
    assert!(
        errors
            .iter()
            .any(|found| found.contains(&format!("{file}:{line}:"))),
        "{errors:#?}"
    );
}

#[test]
fn a_handler_that_the_application_installs_later_is_called_too() {
    let mut program = start("handles-later", &[("STALLSCOPE_DUMP_SIGNAL", "SIGUSR1")]);
    program.expect("listening");
    send(&program, Signal::USR1);
    program.expect("got the signal");
    program.expect_error("stallscope: what process");
    assert!(program.finish().0.success());
}

#[test]
fn a_signal_that_the_application_handles_stays_its_own_and_that_is_told() {
    let mut program = start("handles-before", &[("STALLSCOPE_DUMP_SIGNAL", "USR1")]);
    send(&program, Signal::USR1);
    program.expect("got the signal");
    let doctor = program.connect().doctor();
    let told = doctor.entries.iter().any(|entry| {
        entry.level() == Level::Warning
            && entry.message.contains("SIGUSR1 is used by the application")
    });
    assert!(told, "{doctor:#?}");
    let (status, errors) = program.finish();
    assert!(status.success());
    let ours: Vec<_> = errors
        .iter()
        .filter(|line| line.starts_with("stallscope: "))
        .collect();
    assert_eq!(
        ours,
        [
            "stallscope: STALLSCOPE_DUMP_SIGNAL: SIGUSR1 is used by the application, so it stays the application's: choose another signal"
        ]
    );
}

#[test]
fn a_signal_that_cannot_be_taken_is_told_and_the_program_runs() {
    for (value, why) in [
        ("SEGV", "a fault of the program"),
        ("USR3", "no signal of that name"),
    ] {
        let (status, errors) = start("error", &[("STALLSCOPE_DUMP_SIGNAL", value)]).finish();
        assert!(status.success(), "{errors:?}");
        let ours: Vec<_> = errors
            .iter()
            .filter(|line| line.starts_with("stallscope: "))
            .collect();
        assert!(ours.len() == 1 && ours[0].contains(why), "{errors:?}");
    }
}

#[test]
fn switched_off_the_signal_does_what_it_did() {
    let variables = [("STALLSCOPE_DUMP_SIGNAL", "USR1"), ("STALLSCOPE", "off")];
    let program = start("error", &variables);
    send(&program, Signal::USR1);
    let (status, _) = program.finish();
    assert!(!status.success(), "by default it ends the program");
}
