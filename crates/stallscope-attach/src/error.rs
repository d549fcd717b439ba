//! Why a process cannot be looked into: each sentence names the culprit, what was expected, and what to do next.

use std::fmt;
use std::path::PathBuf;

/// Why a process cannot be looked into. `Display` is one sentence for a person.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// There is no such process (or it has ended).
    NoProcess(u32),
    /// The kernel does not let us read the process.
    NotPermitted {
        /// The process.
        pid: u32,
        /// What the kernel's rules want, in a sentence.
        because: String,
    },
    /// A file cannot be read, or is not what it should be.
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        because: String,
    },
    /// The program has no type information: nothing can be told of its tasks.
    NoTypes {
        /// The program's file.
        path: PathBuf,
        /// What it has instead ("no debug information", "lines only").
        has: &'static str,
    },
    /// The compiler has put its type information into files of their own, and those cannot be read.
    Split {
        /// The program's file.
        path: PathBuf,
        /// One of those files.
        file: PathBuf,
        /// What is wrong with that one ("is not there").
        because: String,
    },
    /// Its version of tokio keeps tasks in a way that is not understood.
    UnknownTokio {
        /// The program's file.
        path: PathBuf,
        /// As its source's path has it: `1.6.1`.
        version: Option<String>,
        /// The member that was looked for: `core.task_id`.
        missing: &'static str,
    },
    /// The program does not seem to have tokio's tasks in it.
    NoTokio {
        /// The program's file.
        path: PathBuf,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProcess(pid) => write!(f, "there is no process {pid}: it may have ended"),
            Self::NotPermitted { pid, because } => {
                write!(f, "process {pid} may not be read: {because}")
            }
            Self::File { path, because } => write!(f, "{}: {because}", path.display()),
            Self::NoTypes { path, has } => write!(
                f,
                "{} has {has}, and without types its tasks cannot be read: build it with `debug = 2` in its profile, or install its debug package",
                path.display()
            ),
            Self::Split {
                path,
                file,
                because,
            } => write!(
                f,
                "the debug information of {} is split, and {} {because}: keep the `.dwp` of this build beside the program (its `.dwo` files where \
                 they were written), or build it with `split-debuginfo = \"off\"`",
                path.display(),
                file.display()
            ),
            Self::UnknownTokio {
                path,
                version,
                missing,
            } => write!(
                f,
                "{} has tokio {}, whose tasks have no `{missing}`: they can be read from tokio 1.38 on",
                path.display(),
                version.as_deref().unwrap_or("of an unknown version")
            ),
            Self::NoTokio { path } => write!(
                f,
                "{} has no function of tokio that polls a task: is it a tokio program, linked into this file?",
                path.display()
            ),
        }
    }
}

impl std::error::Error for Error {}
