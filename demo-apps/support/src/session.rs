//! A demo under test: started as its user starts it, watched, interrupted, and never left running.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Longer than any demo takes for anything, on any machine that is not broken.
const LIMIT: Duration = Duration::from_secs(60);

/// A running demo. Its methods panic when it does not do what the test expects of it within a minute.
#[derive(Debug)]
pub struct Session {
    child: Running,
    log: Receiver<String>,
    seen: String,
    stdout: JoinHandle<String>,
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
        let mut child = Command::new(program)
            .args(arguments)
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {program}: {error}"));
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
            child: Running(child),
            log,
            seen: String::new(),
            stdout,
        }
    }

    /// Waits for a line of the log that holds `text`.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn expect_log(&mut self, text: &str) {
        let deadline = Instant::now() + LIMIT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.log.recv_timeout(left) else {
                panic!("the log has no line with {text:?}, but:\n{}", self.seen);
            };
            let found = line.contains(text);
            self.see(&line);
            if found {
                return;
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
