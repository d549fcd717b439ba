//! A demo under test: started as its user starts it, watched, interrupted, and never left running.

mod binary;
mod client;
#[cfg(target_os = "linux")]
mod cost;
mod demo;
mod findings;
mod machine;
mod outside;
mod place;
mod tree;
mod untouched;

use std::env;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tempfile::TempDir;

#[cfg(target_os = "linux")]
pub use cost::Cost;
pub use demo::Demo;
pub use findings::{Durations, Finding, Line, fault_line_in};
pub use outside::{Frame, Kind, Outside, Stack, Waits, awaits_in};
pub use place::place_in;
pub use tree::{Task, Tree};
pub use untouched::published;

use machine::Share;

/// Longer than any demo takes for anything, on any machine that is not broken.
const LIMIT: Duration = Duration::from_secs(60);

/// A running demo. Its methods panic when it does not do what the test expects of it within a minute.
#[derive(Debug)]
pub struct Session {
    /// A program of the build whose client looks at it.
    built: PathBuf,
    child: Running,
    rules: Rules,
    /// Of this session alone: its client finds this demo and no other.
    runtime_dir: TempDir,
    log: Receiver<String>,
    seen: String,
    stdout: JoinHandle<String>,
    /// Given back when the demo is gone.
    _share: Share,
}

/// The thresholds of a session.
#[derive(Clone, Copy, Debug)]
enum Rules {
    Default,
    /// Leaks are told in seconds that take minutes in production.
    ShortLeaks,
    /// Bytes that are registered are watched.
    WatchedMemory,
}

/// A demo that ended.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// Its result.
    pub stdout: String,
    /// Its log.
    pub stderr: String,
}

impl Session {
    /// Starts `program`, an `env!("CARGO_BIN_EXE_…")`, with `arguments`.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    pub fn start(program: &str, arguments: &[&str]) -> Self {
        Self::start_with(program, arguments, Rules::Default, Share::beside_others())
    }

    fn start_with(program: &str, arguments: &[&str], rules: Rules, share: Share) -> Self {
        let program = Path::new(program);
        Self::start_program(program, program, arguments, rules, share)
    }

    fn start_program(
        program: &Path,
        built: &Path,
        arguments: &[&str],
        rules: Rules,
        share: Share,
    ) -> Self {
        let runtime_dir = tempfile::tempdir().expect("a temporary directory");
        let mut child = in_session(program, &runtime_dir)
            .args(arguments)
            .env_remove("RUST_LOG")
            .envs(rules.variables().iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", program.display()));
        let mut stdout = child.stdout.take().expect("stdout is piped");
        let stderr = child.stderr.take().expect("stderr is piped");
        let (lines, log) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if lines.send(line).is_err() {
                    return;
                }
            }
        });
        let stdout = thread::spawn(move || {
            let mut text = String::new();
            let _ = stdout.read_to_string(&mut text);
            text
        });
        Self {
            built: built.into(),
            child: Running(child),
            rules,
            runtime_dir,
            log,
            seen: String::new(),
            stdout,
            _share: share,
        }
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.child.0.id()
    }

    /// Waits for a line of the log that holds `text`, and gives what follows in that line.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn expect_log(&mut self, text: &str) -> String {
        let deadline = Instant::now() + LIMIT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.log.recv_timeout(left) else {
                panic!("the log has no line with {text:?}, but:\n{}", self.seen);
            };
            self.see(&line);
            if let Some((_, rest)) = line.split_once(text) {
                return rest.to_owned();
            }
        }
    }

    /// Presses Ctrl-C.
    ///
    /// # Panics
    ///
    /// If the demo has ended already.
    #[cfg(unix)]
    pub fn interrupt(&self) {
        use rustix::process::{Pid, Signal, kill_process};
        let pid = Pid::from_child(&self.child.0);
        kill_process(pid, Signal::INT).expect("the demo is running");
    }

    /// Waits for the demo to end.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub fn finish(mut self) -> Ended {
        let deadline = Instant::now() + LIMIT;
        let status = loop {
            if let Some(status) = self.child.0.try_wait().expect("a child can be waited for") {
                break status;
            }
            while let Ok(line) = self.log.try_recv() {
                self.see(&line);
            }
            assert!(
                Instant::now() < deadline,
                "the demo does not end; its log:\n{}",
                self.seen
            );
            thread::sleep(Duration::from_millis(10));
        };
        while let Ok(line) = self.log.recv() {
            self.see(&line);
        }
        let stdout = self.stdout.join().expect("the reader does not panic");
        Ended {
            status,
            stdout,
            stderr: self.seen,
        }
    }

    fn see(&mut self, line: &str) {
        self.seen.push_str(line);
        self.seen.push('\n');
    }
}

impl Rules {
    fn variables(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Default => &[],
            Self::ShortLeaks => &[
                ("STALLSCOPE_LEAK_WINDOW", "5s"),
                ("STALLSCOPE_LEAK_GRACE", "3s"),
                ("STALLSCOPE_STUCK_BLOCKING", "4s"),
            ],
            Self::WatchedMemory => &[("STALLSCOPE_MEMORY_WATCH", "on")],
        }
    }

    /// How long a report has to look to see what breaks them, in seconds.
    fn report_seconds(self) -> u8 {
        match self {
            Self::Default | Self::WatchedMemory => 5,
            Self::ShortLeaks => 9,
        }
    }
}

impl Ended {
    /// The number that its result has before `what`.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[track_caller]
    pub fn number(&self, what: &str) -> u64 {
        let (before, _) = self
            .stdout
            .split_once(&format!(" {what}"))
            .unwrap_or((&self.stdout, ""));
        let number = before
            .rsplit(' ')
            .next()
            .and_then(|number| number.parse().ok());
        number.unwrap_or_else(|| panic!("no number before {what:?} in: {self:?}"))
    }
}

/// Tries until it works, for a minute at most.
///
/// # Panics
///
/// If it never does, with the last reason.
pub fn eventually<T>(attempt: impl FnMut() -> Result<T, String>) -> T {
    within(LIMIT, attempt)
}

fn within<T>(limit: Duration, mut attempt: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        match attempt() {
            Ok(done) => return done,
            Err(why) => assert!(Instant::now() < deadline, "{why}"),
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// `program` in the world of a session, whatever the environment of the test says.
fn in_session(program: impl AsRef<OsStr>, runtime_dir: &TempDir) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("STALLSCOPE") {
            command.env_remove(name);
        }
    }
    command.env("XDG_RUNTIME_DIR", runtime_dir.path());
    command
}

/// A child that does not outlive its test.
#[derive(Debug)]
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail if it has ended already, which is as well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
