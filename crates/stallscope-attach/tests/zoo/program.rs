//! The zoo as a process: built, started, read, ended.

use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use stallscope_attach::tasks::{State, Task};
use stallscope_attach::{Options, Process, Target};

/// A program that was built already, which is looked at instead of those that we would build.
pub(crate) const PROGRAM: &str = "ZOO_PROGRAM";

/// How long a task may take to get where it belongs, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was told of the zoo's tasks once all of them waited, with their locals: one list for each way it is built.
pub(crate) fn readings() -> &'static [Reading] {
    static READINGS: LazyLock<Vec<Reading>> = LazyLock::new(|| {
        programs()
            .iter()
            .map(|program| Reading::of(program))
            .collect()
    });
    &READINGS
}

/// The zoo's tasks, as they are told.
pub(crate) struct Reading {
    pub(crate) program: PathBuf,
    pub(crate) tasks: Vec<Task>,
}

impl Reading {
    fn of(program: &Path) -> Self {
        let zoo = Zoo::start(program, &[]);
        Self {
            program: program.to_owned(),
            tasks: zoo.patiently(|tasks| {
                let unfinished = tasks
                    .iter()
                    .find(|task| task.state == State::Scheduled && task.wakers != Some(0));
                unfinished.map_or(Ok(()), |task| {
                    Err(format!("{} does not wait yet", task.future))
                })
            }),
        }
    }
}

/// The zoo's programs: without optimisation and with all of it.
pub(crate) fn programs() -> &'static [PathBuf] {
    static PROGRAMS: LazyLock<Vec<PathBuf>> = LazyLock::new(|| match std::env::var_os(PROGRAM) {
        Some(program) => vec![program.into()],
        None => vec![build("dev", "debug"), build("release", "release")],
    });
    &PROGRAMS
}

fn build(profile: &str, directory: &str) -> PathBuf {
    let built = cargo("build").args(["--profile", profile]).status();
    let built = built.expect("cargo can be started");
    assert!(built.success(), "the zoo cannot be built: see above");
    target().join(directory).join("zoo")
}

/// That command of cargo's for what is in `fixtures`.
pub(crate) fn cargo(command: &str) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args([command, "--quiet", "--locked", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/Cargo.toml"))
        .arg("--target-dir")
        .arg(target())
        // Plain tokio, whatever we are built with.
        .env("RUSTFLAGS", "")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    cargo
}

/// Where cargo builds it.
pub(crate) fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("zoo")
}

/// A zoo that runs. It ends with us, if not before: its standard input does.
pub(crate) struct Zoo(Child);

impl Zoo {
    /// Returns once it says that its tasks wait.
    pub(crate) fn start(program: &Path, arguments: &[&str]) -> Self {
        Self::get_ready(Command::new(program).args(arguments), program)
    }

    /// The same for one that will write a core file, into a folder. `None`: this machine writes none, or elsewhere.
    pub(crate) fn start_in(folder: &Path, program: &Path, arguments: &[&str]) -> Option<Self> {
        let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").ok()?;
        let unlimited = |then: &str| {
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("ulimit -c unlimited && {then}")]);
            shell
        };
        let may = unlimited("true").stderr(Stdio::null()).status();
        if pattern.contains(['|', '/']) || !may.is_ok_and(|status| status.success()) {
            return None;
        }
        let mut shell = unlimited("exec \"$0\" \"$@\"");
        shell.arg(program).args(arguments).current_dir(folder);
        Some(Self::get_ready(&mut shell, program))
    }

    fn get_ready(command: &mut Command, program: &Path) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let deadline = Instant::now() + PATIENCE;
        let mut child = loop {
            match command.spawn() {
                Ok(child) => break child,
                // A copy is open for writing in whatever another test has forked meanwhile, until that is executed.
                Err(busy)
                    if busy.kind() == ErrorKind::ExecutableFileBusy
                        && Instant::now() < deadline =>
                {
                    sleep(Duration::from_millis(1));
                }
                Err(error) => panic!("{} cannot be started: {error}", program.display()),
            }
        };
        let stdout = child.stdout.take().expect("it is piped");
        let zoo = Self(child);
        let mut line = String::new();
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("it writes text");
        assert_eq!(line, "ready\n", "{} does not get ready", program.display());
        zoo
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Ends it by that signal, and waits for its end: then its core file is written.
    pub(crate) fn end_by(mut self, signal: &str) {
        let sent = Command::new("sh")
            .args(["-c", &format!("kill -{signal} {}", self.pid())])
            .status();
        assert!(sent.expect("a shell").success());
        self.0.wait().expect("our child");
    }

    /// Its tasks, as soon as `fits` has nothing against them.
    pub(crate) fn patiently(&self, fits: impl Fn(&[Task]) -> Result<(), String>) -> Vec<Task> {
        self.watch(|tasks| {
            let deadline = Instant::now() + PATIENCE;
            loop {
                let tasks = tasks();
                match fits(&tasks) {
                    Ok(()) => return tasks,
                    Err(problem) if Instant::now() > deadline => panic!("{problem}"),
                    Err(_) => sleep(Duration::from_millis(20)),
                }
            }
        })
    }

    /// Hands out what lists its tasks, again and again: its debug information is read once.
    pub(crate) fn watch<R>(&self, look: impl FnOnce(&dyn Fn() -> Vec<Task>) -> R) -> R {
        let target = Target::live(self.pid()).unwrap_or_else(|error| panic!("{error}"));
        let process = Process::of(&target).unwrap_or_else(|error| panic!("{error}"));
        look(&|| process.tasks(&Options { locals: true }))
    }
}

impl Drop for Zoo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
