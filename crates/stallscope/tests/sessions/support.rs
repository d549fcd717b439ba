//! A program under watch, and a client that asks about it.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use stallscope_wire::frame::{Decoder, Limit, encode};
use stallscope_wire::handshake::{accept, hello};
use stallscope_wire::message::{
    AgentMessage, ClientMessage, Doctor, DoctorQuery, Finding, FindingsQuery, Overview,
    OverviewQuery, Site, Subscribe, Task, TaskQuery, Welcome, agent_message, client_message,
    subscribe::Topic, update,
};

use crate::programs::place_of;

/// The environment variable that makes this test binary one of the programs.
pub(crate) const PROGRAM: &str = "SESSIONS_PROGRAM";

/// Long enough for a loaded machine, short enough to fail a test run.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A running program.
pub(crate) struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Lines,
    errors: Lines,
    runtime_dir: tempfile::TempDir,
}

impl Program {
    /// Starts a program and waits until it is ready.
    pub(crate) fn start(name: &str) -> Self {
        Self::start_with(name, [])
    }

    pub(crate) fn start_with<'a>(
        name: &str,
        variables: impl IntoIterator<Item = (&'a str, &'a OsStr)>,
    ) -> Self {
        Self::start_as(name, |mut command, _| {
            command.envs(variables);
            command
        })
    }

    /// Starts it by a command that was changed; the directory for its socket is told too.
    pub(crate) fn start_as(name: &str, change: impl FnOnce(Command, &Path) -> Command) -> Self {
        let runtime_dir = tempfile::tempdir().expect("a temporary directory");
        let mut command = Command::new(std::env::current_exe().expect("this test binary"));
        command
            .args(["program", "--exact", "--nocapture", "--test-threads=1"])
            .env(PROGRAM, name)
            .env("XDG_RUNTIME_DIR", runtime_dir.path());
        let mut command = change(command, runtime_dir.path());
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut program = Program {
            stdin: child.stdin.take(),
            lines: Lines::of(child.stdout.take().expect("piped")),
            errors: Lines::of(child.stderr.take().expect("piped")),
            child,
            runtime_dir,
        };
        program.expect("ready");
        program
    }

    /// Waits for a line of the program and returns what follows `word` in it. Lines that came
    /// before it stay to be expected.
    pub(crate) fn expect(&mut self, word: &str) -> String {
        self.lines.expect(word).unwrap_or_else(|| {
            let errors = self.errors.rest();
            panic!("the program never said `{word}`; on stderr: {errors:?}")
        })
    }

    /// Waits for a line on stderr, likewise.
    pub(crate) fn expect_error(&mut self, word: &str) -> String {
        self.errors.expect(word).unwrap_or_else(|| {
            panic!(
                "never said on stderr: `{word}`; but {:?}",
                self.errors.rest()
            )
        })
    }

    /// Lets the program go on to its next step.
    pub(crate) fn go_on(&mut self) {
        let stdin = self.stdin.as_mut().expect("not finished yet");
        stdin.write_all(b"go on\n").expect("the program listens");
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.runtime_dir
            .path()
            .join("stallscope")
            .join(format!("{}.sock", self.pid()))
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(&self.socket())
    }

    /// Lets the program end and returns its status and what it wrote to stderr.
    pub(crate) fn finish(mut self) -> (ExitStatus, Vec<String>) {
        drop(self.stdin.take());
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            match self.child.try_wait().expect("our own child") {
                Some(status) => break status,
                None if Instant::now() > deadline => panic!("the program does not end"),
                None => std::thread::yield_now(),
            }
        };
        (status, self.errors.until_the_end())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a program writes, line by line.
struct Lines {
    coming: Receiver<String>,
    heard: Vec<String>,
}

impl Lines {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let (sender, coming) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let heard = Vec::new();
        Lines { coming, heard }
    }

    /// What follows `word` in the first line that has it; none if there is no such line in time.
    fn expect(&mut self, word: &str) -> Option<String> {
        let deadline = Instant::now() + PATIENCE;
        let rest_of = |line: &String| {
            line.split_once(word)
                .map(|(_, rest)| rest.trim().to_owned())
        };
        loop {
            if let Some(index) = self.heard.iter().position(|line| rest_of(line).is_some()) {
                return rest_of(&self.heard.remove(index));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            self.heard.push(self.coming.recv_timeout(left).ok()?);
        }
    }

    /// What has been written and not been expected so far.
    fn rest(&mut self) -> Vec<String> {
        self.heard.extend(self.coming.try_iter());
        std::mem::take(&mut self.heard)
    }

    fn until_the_end(&mut self) -> Vec<String> {
        self.heard.extend(self.coming.iter());
        std::mem::take(&mut self.heard)
    }
}

/// A client that asks one thing at a time.
pub(crate) struct Client {
    stream: UnixStream,
    decoder: Decoder,
    pub(crate) welcome: Welcome,
}

impl Client {
    /// Connects as soon as the agent listens.
    pub(crate) fn connect(socket: &Path) -> Self {
        let mut stream = patiently(|| {
            UnixStream::connect(socket).map_err(|error| format!("{}: {error}", socket.display()))
        });
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let first = encode(&hello("0.0.0-test", None), Limit::TO_AGENT).expect("a short message");
        stream.write_all(&first).expect("the agent reads");
        let mut decoder = Decoder::new(Limit::TO_CLIENT);
        let answer = read_message(&mut stream, &mut decoder).expect("an answer");
        let welcome = accept(answer).expect("a welcome");
        Client {
            stream,
            decoder,
            welcome,
        }
    }

    pub(crate) fn send(&mut self, message: &ClientMessage) {
        let frame = encode(message, Limit::TO_AGENT).expect("a short message");
        self.stream.write_all(&frame).expect("the agent reads");
    }

    pub(crate) fn ask(&mut self, topic: Topic) -> Result<update::Body, String> {
        let request = Subscribe {
            subscription: 1,
            interval_ms: 0,
            topic: Some(topic),
        };
        self.send(&ClientMessage {
            body: Some(client_message::Body::Subscribe(request)),
        });
        match self.next().body {
            Some(agent_message::Body::Update(update)) => Ok(update.body.expect("a known answer")),
            Some(agent_message::Body::Failed(failed)) => Err(failed.reason),
            other => panic!("neither an answer nor a failure: {other:?}"),
        }
    }

    pub(crate) fn next(&mut self) -> AgentMessage {
        read_message(&mut self.stream, &mut self.decoder).expect("an answer")
    }

    pub(crate) fn overview(&mut self) -> Overview {
        match self.ask(Topic::Overview(OverviewQuery {})) {
            Ok(update::Body::Overview(overview)) => overview,
            other => panic!("no overview: {other:?}"),
        }
    }

    pub(crate) fn doctor(&mut self) -> Doctor {
        match self.ask(Topic::Doctor(DoctorQuery {})) {
            Ok(update::Body::Doctor(doctor)) => doctor,
            other => panic!("no doctor: {other:?}"),
        }
    }

    pub(crate) fn tasks(&mut self) -> Tasks {
        match self.ask(Topic::Tasks(TaskQuery {
            limit: 4096,
            ..TaskQuery::default()
        })) {
            Ok(update::Body::Tasks(window)) => Tasks {
                tasks: window.tasks,
                sites: window.sites,
            },
            other => panic!("no tasks: {other:?}"),
        }
    }

    pub(crate) fn findings(&mut self, with_info: bool) -> Vec<Finding> {
        let query = FindingsQuery {
            with_info,
            ..FindingsQuery::default()
        };
        match self.ask(Topic::Findings(query)) {
            Ok(update::Body::Findings(window)) => window.findings,
            other => panic!("no findings: {other:?}"),
        }
    }

    /// Asks until there is a finding that is as wanted, or patience ends.
    pub(crate) fn finding_when(&mut self, wanted: impl Fn(&Finding) -> bool) -> Finding {
        patiently(|| {
            let findings = self.findings(true);
            let summary = || {
                findings
                    .iter()
                    .map(|finding| finding.message.clone())
                    .collect::<Vec<_>>()
            };
            findings
                .iter()
                .find(|finding| wanted(finding))
                .cloned()
                .ok_or_else(|| format!("{:?}", summary()))
        })
    }

    /// Asks until the tasks are as wanted, or patience ends.
    pub(crate) fn tasks_when(&mut self, wanted: impl Fn(&Tasks) -> bool) -> Tasks {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let tasks = self.tasks();
            if wanted(&tasks) {
                return tasks;
            }
            assert!(
                Instant::now() < deadline,
                "the tasks never came to be as wanted: {tasks:#?}"
            );
        }
    }
}

fn read_message(stream: &mut UnixStream, decoder: &mut Decoder) -> Result<AgentMessage, String> {
    let mut buffer = [0; 4096];
    loop {
        if let Some(message) = decoder.next_message().map_err(|error| error.to_string())? {
            return Ok(message);
        }
        match stream.read(&mut buffer) {
            Ok(0) => return Err("the agent closed the connection".to_owned()),
            Ok(count) => decoder.push(&buffer[..count]),
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// The live tasks of a program.
#[derive(Debug)]
pub(crate) struct Tasks {
    pub tasks: Vec<Task>,
    sites: Vec<Site>,
}

impl Tasks {
    /// The tasks spawned at the line below this mark.
    pub(crate) fn at(&self, mark: &str) -> Vec<&Task> {
        let (file, line) = place_of(mark);
        let here = |task: &&Task| {
            self.sites
                .iter()
                .any(|site| site.id == task.site && site.line == line && site.file.ends_with(file))
        };
        self.tasks.iter().filter(here).collect()
    }

    /// The one task spawned there.
    pub(crate) fn one_at(&self, mark: &str) -> &Task {
        match self.at(mark)[..] {
            [one] => one,
            ref other => panic!("{} tasks at `{mark}`: {self:#?}", other.len()),
        }
    }

    pub(crate) fn get(&self, id: u64) -> &Task {
        self.tasks
            .iter()
            .find(|task| task.id == id)
            .unwrap_or_else(|| panic!("no task {id}: {self:#?}"))
    }
}

/// Tries until it works, or patience ends.
pub(crate) fn patiently<T>(mut attempt: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Ok(done) => return done,
            Err(why) if Instant::now() > deadline => panic!("{why}"),
            Err(_) => std::thread::yield_now(),
        }
    }
}
