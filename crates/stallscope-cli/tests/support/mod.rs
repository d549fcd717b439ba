//! A world of its own for a test: a runtime directory, agents in it, and the real binary looking at them.

pub(crate) mod agent;
pub(crate) mod conflicts;
pub(crate) mod findings;
pub(crate) mod locks;
pub(crate) mod places;
pub(crate) mod service;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A runtime directory that only this test's programs know.
pub(crate) struct Sandbox {
    directory: TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let sockets = directory.path().join("stallscope");
        fs::create_dir(&sockets).expect("the directory of the sockets");
        fs::set_permissions(&sockets, fs::Permissions::from_mode(0o700)).expect("mode");
        Sandbox { directory }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Where the process `pid` would put its socket.
    pub(crate) fn socket(&self, pid: u32) -> PathBuf {
        self.directory.path().join(format!("stallscope/{pid}.sock"))
    }

    /// The binary, about to run in this world.
    pub(crate) fn stallscope(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stallscope"));
        command
            .args(line.split_whitespace())
            .env("XDG_RUNTIME_DIR", self.directory.path())
            .env_remove("STALLSCOPE")
            .env_remove("STALLSCOPE_LISTEN")
            .env_remove("STALLSCOPE_TOKEN")
            .stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, line: &str) -> Session {
        Session::of(&mut self.stallscope(line))
    }

    /// Text without what differs from run to run: this directory and the numbers of processes.
    pub(crate) fn settled(&self, text: &str, pids: &[(u32, &str)]) -> String {
        let mut text = text.replace(&self.directory.path().display().to_string(), "RUNTIME");
        for (pid, name) in pids {
            text = text.replace(&pid.to_string(), name);
        }
        text
    }
}

/// What a run of the binary came to.
#[derive(Debug)]
pub(crate) struct Session {
    status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Session {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().expect("the binary starts");
        Session::from(output)
    }

    /// Its answer, for a run that must have been fine and silent beside it.
    #[track_caller]
    pub(crate) fn answer(&self) -> &str {
        self.expect_status(0);
        assert_eq!(self.stderr, "", "nothing on standard error");
        &self.stdout
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.answer()).expect("one JSON object")
    }

    /// The one line a run must have failed with.
    #[track_caller]
    pub(crate) fn complaint(&self, status: i32) -> &str {
        self.expect_status(status);
        assert_eq!(self.stdout, "", "no answer");
        let line = self.stderr.strip_suffix('\n').expect("a line");
        assert!(!line.contains('\n'), "more than a line: {line}");
        line.strip_prefix("stallscope: ").expect("who complains")
    }

    #[track_caller]
    pub(crate) fn expect_status(&self, status: i32) {
        assert_eq!(self.status.code(), Some(status), "{self:#?}");
    }
}

impl From<Output> for Session {
    fn from(output: Output) -> Self {
        Session {
            status: output.status,
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }
}

/// A process that lives as long as the test, for its number.
pub(crate) struct Bystander(Child);

impl Bystander {
    pub(crate) fn new() -> Self {
        Bystander(
            Command::new("sleep")
                .arg("1000")
                .spawn()
                .expect("sleep starts"),
        )
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Ends it; its number is free from here on.
    pub(crate) fn end(mut self) -> u32 {
        let pid = self.pid();
        self.stop();
        pid
    }

    fn stop(&mut self) {
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        self.stop();
    }
}
