//! The zoo as a process: built, started, read, ended.

use std::io::{BufRead, BufReader};
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
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("zoo");
    let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--locked", "--profile", profile])
        .arg("--manifest-path")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        // Plain tokio, whatever we are built with.
        .env("RUSTFLAGS", "")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status()
        .expect("cargo can be started");
    assert!(built.success(), "the zoo cannot be built: see above");
    target.join(directory).join("zoo")
}

/// A zoo that runs. It ends with us, if not before: its standard input does.
pub(crate) struct Zoo(Child);

impl Zoo {
    /// Returns once it says that its tasks wait.
    pub(crate) fn start(program: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} cannot be started: {error}", program.display()));
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
