//! Debug information that the compiler has split off is found where it is, and used if it is that of the program.
//!
//! The program is [split.rs](../../fixtures/examples/split.rs). That every task of the zoo is told right from split debug information, that of
//! the libraries too, is asked by `cargo xtask attach-matrix`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use stallscope_attach::tasks::Task;
use stallscope_attach::{Error, Process, Target};
use tempfile::TempDir;

use crate::marks::line_of;
use crate::program::{Zoo, cargo, target};

/// Written by the compiler into one file.
const PACKED: &str = "split-debuginfo=packed";
/// Written into a file for each unit.
const UNPACKED: &str = "split-debuginfo=unpacked";

#[test]
fn the_package_beside_the_program_is_read() {
    assert_told(&Installed::with_package(&[PACKED]));
}

#[test]
fn the_files_that_the_compiler_wrote_are_read() {
    assert_told(&Installed::alone(&[UNPACKED]));
}

#[test]
fn a_package_of_another_build_is_left_alone_where_there_are_files() {
    let installed = Installed::alone(&[UNPACKED]);
    let other = Installed::with_package(&[PACKED]);
    fs::copy(other.package(), installed.package()).expect("copied");
    assert_told(&installed);
}

#[test]
fn without_the_package_it_is_said_which_file_is_missing() {
    let installed = Installed::alone(&[PACKED]);
    let told = complaint(&installed.program);
    let package = installed.package();
    assert!(
        told.contains(&format!("{} is not there, nor is ", package.display())),
        "{told}"
    );
    assert!(told.contains("split-debuginfo"), "{told}");
}

#[test]
fn a_package_of_another_build_is_named() {
    let installed = Installed::alone(&[PACKED]);
    let other = Installed::with_package(&[PACKED, "opt-level=1"]);
    fs::copy(other.package(), installed.package()).expect("copied");
    let told = complaint(&installed.program);
    let package = installed.package();
    assert!(
        told.contains(&format!("{} is of another build", package.display())),
        "{told}"
    );
}

#[test]
fn a_package_that_was_cut_off_is_left_alone() {
    let installed = Installed::with_package(&[PACKED]);
    let bytes = fs::read(installed.package()).expect("readable");
    for part in [2, 3, 8] {
        fs::write(installed.package(), &bytes[..bytes.len() / part]).expect("written");
        complaint(&installed.program);
    }
}

/// A program in a folder of its own.
struct Installed {
    program: PathBuf,
    #[expect(dead_code, reason = "the folder is deleted when it is dropped")]
    folder: TempDir,
}

impl Installed {
    /// Built with these options of the compiler (`-C`), and copied without what the compiler has written beside it.
    fn alone(options: &[&str]) -> Self {
        Self::build(options, &["split"])
    }

    fn with_package(options: &[&str]) -> Self {
        Self::build(options, &["split", "split.dwp"])
    }

    fn build(options: &[&str], files: &[&str]) -> Self {
        /// What one build has left the next one replaces.
        static BUILD: Mutex<()> = Mutex::new(());
        let _one_at_a_time = BUILD.lock();
        let built = cargo("rustc")
            .args(["--example", "split", "--"])
            .args(options.iter().flat_map(|option| ["-C", option]))
            .status()
            .expect("cargo can be started");
        assert!(built.success(), "the program cannot be built: see above");
        let folder = tempfile::tempdir().expect("a folder");
        for file in files {
            let built = target().join("debug/examples").join(file);
            fs::copy(&built, folder.path().join(file))
                .unwrap_or_else(|error| panic!("{}: {error}", built.display()));
        }
        Self {
            program: folder.path().join("split"),
            folder,
        }
    }

    fn package(&self) -> PathBuf {
        self.program.with_extension("dwp")
    }
}

/// Compares its task with the source.
fn assert_told(installed: &Installed) {
    let zoo = Zoo::start(&installed.program, &[]);
    let waits = |task: &&Task| task.future == "split::waits::{async_fn_env#0}";
    let tasks = zoo.patiently(|tasks| {
        let found = tasks.iter().find(waits);
        match found.and_then(|task| task.suspended_at.as_ref()) {
            Some(_) => Ok(()),
            None => Err(format!("none of these waits: {tasks:?}")),
        }
    });
    let task = tasks.iter().find(waits).expect("it was found before");
    let place = task.suspended_at.as_ref().expect("it is suspended");
    assert_eq!(place.file, "examples/split.rs");
    assert_eq!(place.line, line_of("split", "split"));
    let mut locals = task.stack[0].locals.iter();
    let hours = locals.find(|local| local.name == "hours");
    assert_eq!(hours.expect("a local").value, "7");
    assert_eq!(lacking(&zoo), None);
}

/// What is told of debug information that is not there. That of the libraries is: it was not split off.
fn lacking(zoo: &Zoo) -> Option<String> {
    let target = Target::live(zoo.pid()).unwrap_or_else(|error| panic!("{error}"));
    let process = Process::of(&target).unwrap_or_else(|error| panic!("{error}"));
    let lacking = process.incomplete()?;
    assert!(matches!(lacking, Error::Split { .. }), "{lacking}");
    Some(lacking.to_string())
}

fn complaint(program: &Path) -> String {
    lacking(&Zoo::start(program, &[])).expect("there is no debug information of it")
}
