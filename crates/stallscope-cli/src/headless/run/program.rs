//! A program started from here: its start, its socket, its end.

use std::ffi::OsString;
use std::fs;
use std::io::{self, IsTerminal, PipeReader, pipe};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use super::Output;
use crate::failure::Failure;
use crate::target::{Found, survey_of};

/// Time for a clean end before it is forced.
const GRACE: Duration = Duration::from_secs(5);
const CHECK_EVERY: Duration = Duration::from_millis(20);

pub(super) struct Program {
    name: String,
    child: Child,
    /// A group of its own, so that those it started end with it.
    leads_group: bool,
    signals: Handle,
}

impl Program {
    /// Starts it as if nobody stood in between: same terminal, same group, signals passed on.
    pub(super) fn start(command: &[OsString]) -> Result<Self, Failure> {
        let (name, mut command) = prepare(command)?;
        Self::spawn(name, &mut command, false)
    }

    /// Starts it without the terminal, which the view needs: no input, and an output that can be held back.
    pub(super) fn start_below(command: &[OsString]) -> Result<(Self, Output), Failure> {
        let (name, mut command) = prepare(command)?;
        let pipe = redirect(&mut command).map_err(|error| cannot_start(&name, &error))?;
        command.process_group(0);
        let output = Output::new(pipe).map_err(|error| cannot_start(&name, &error))?;
        let program = Self::spawn(name, &mut command, true)?;
        // `command` is dropped here and with it our copies of the pipe's end: the output ends with the program.
        Ok((program, output))
    }

    fn spawn(name: String, command: &mut Command, leads_group: bool) -> Result<Self, Failure> {
        // Before the program is there, so that no signal is lost; a new program starts with none of our handlers.
        let mut signals = Signals::new([SIGINT, SIGQUIT, SIGTERM, SIGHUP])
            .map_err(|error| cannot_start(&name, &error))?;
        let handle = signals.handle();
        let child = command
            .spawn()
            .map_err(|error| cannot_start(&name, &error))?;
        let program = Program {
            name,
            child,
            leads_group,
            signals: handle,
        };
        let (pid, leads_group) = (program.pid(), program.leads_group);
        let passing = thread::Builder::new()
            .name("stallscope-signals".to_owned())
            .spawn(move || {
                for signal in &mut signals {
                    // The terminal sends Ctrl-C and Ctrl-\ to the program as well, if it shares our group.
                    if matches!(signal, SIGTERM | SIGHUP) || leads_group {
                        send(pid, leads_group, Signal::from_named_raw(signal));
                    }
                }
            });
        match passing {
            Ok(_) => Ok(program),
            Err(error) => Err(cannot_start(&program.name, &error)),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// `None` while it runs.
    pub(super) fn status(&mut self) -> Result<Option<ExitStatus>, Failure> {
        self.child
            .try_wait()
            .map_err(|error| lost(&self.name, &error))
    }

    pub(super) fn wait(&mut self) -> Result<ExitStatus, Failure> {
        self.child.wait().map_err(|error| lost(&self.name, &error))
    }

    /// The socket of the program, or of one it started: `sh -c` and `cargo run` are programs too.
    pub(super) fn socket(&self) -> Option<Found> {
        let own = self.child.id();
        let mut found = survey_of(|pid| descends(pid, own)).found;
        found.sort_by_key(|found| found.pid != own);
        found.into_iter().next()
    }

    /// Ends it, first politely; `None` if it had to be ended, its status if it had ended by itself.
    pub(super) fn end(&mut self) -> Result<Option<ExitStatus>, Failure> {
        if let Some(status) = self.status()? {
            return Ok(Some(status));
        }
        send(self.pid(), self.leads_group, Some(Signal::TERM));
        let deadline = Instant::now() + GRACE;
        while self.status()?.is_none() {
            if Instant::now() >= deadline {
                eprintln!(
                    "stallscope: {} did not end within {} s of SIGTERM and was killed",
                    self.name,
                    GRACE.as_secs()
                );
                send(self.pid(), self.leads_group, Some(Signal::KILL));
                self.wait()?;
                break;
            }
            thread::sleep(CHECK_EVERY);
        }
        Ok(None)
    }

    fn pid(&self) -> Option<Pid> {
        Pid::from_raw(self.child.id().cast_signed())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.signals.close();
    }
}

fn prepare(command: &[OsString]) -> Result<(String, Command), Failure> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(Failure::Usage(
            "nothing to run: give a program after `--`".to_owned(),
        ));
    };
    let mut command = Command::new(program);
    command.args(arguments);
    Ok((format!("`{}`", program.to_string_lossy()), command))
}

/// What would go to the terminal goes into one pipe, in the order in which it was printed. What was sent elsewhere stays so.
fn redirect(command: &mut Command) -> io::Result<PipeReader> {
    let (reader, writer) = pipe()?;
    command.stdin(Stdio::null());
    if io::stderr().is_terminal() {
        command.stderr(writer.try_clone()?);
    }
    command.stdout(writer);
    Ok(reader)
}

fn send(pid: Option<Pid>, group: bool, signal: Option<Signal>) {
    let (Some(pid), Some(signal)) = (pid, signal) else {
        return;
    };
    // Fails only for a program that has just ended.
    let _sent = if group {
        kill_process_group(pid, signal)
    } else {
        kill_process(pid, signal)
    };
}

/// Whether `pid` is `ancestor` or was started by it, directly or through others that still run.
fn descends(pid: u32, ancestor: u32) -> bool {
    std::iter::successors(Some(pid), |pid| parent(*pid))
        .take_while(|pid| *pid > 1)
        .any(|pid| pid == ancestor)
}

/// From `/proc/PID/stat`: the second field behind the program's name, which is in brackets and may hold brackets.
fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, behind_name) = stat.rsplit_once(')')?;
    behind_name.split_whitespace().nth(1)?.parse().ok()
}

fn cannot_start(name: &str, error: &io::Error) -> Failure {
    Failure::Usage(format!(
        "{name} cannot be started: {error}; give a program that is in PATH, or its path"
    ))
}

fn lost(name: &str, error: &io::Error) -> Failure {
    Failure::Target(format!(
        "{name} can no longer be waited for: {error}; see `stallscope list`"
    ))
}
