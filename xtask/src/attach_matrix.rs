//! `cargo xtask attach-matrix`: does `stallscope-attach` tell the zoo's tasks right, whatever tokio and however it was built?
//!
//! Each cell builds the zoo and runs the tests of it on that program. The builds are deleted one by one: a cell needs about
//! 200 MB of disk and a minute.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::cargo::{cargo, metadata, root, stdout_of};

/// Build the fixtures of stallscope-attach with other versions of tokio and in other ways; run its tests on each.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Every combination, not only each difference by itself: hours.
    #[arg(long)]
    full: bool,
    /// Only cells whose name has this in it, as "1.42" or "lto".
    #[arg(long, default_value = "")]
    only: String,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let cells = if args.full {
        every_combination()
    } else {
        each_difference()
    };
    let cells: Vec<_> = cells
        .into_iter()
        .filter(|cell| cell.to_string().contains(&args.only))
        .collect();
    ensure!(!cells.is_empty(), "no cell has {:?} in its name", args.only);
    let tests = tests()?;
    let room = metadata()?.target_directory.join("attach-matrix");
    let mut failed = 0;
    println!(
        "{:52} {:>8} {:>8} {:>8}",
        "cell", "build", "program", "tests"
    );
    for cell in &cells {
        let verdict = cell.judge(&room, &tests)?;
        println!("{:52} {verdict}", cell.to_string());
        failed += usize::from(verdict.complaint.is_some());
    }
    ensure!(
        failed == 0,
        "{failed} of {} cells failed: see above",
        cells.len()
    );
    println!("all {} cells passed", cells.len());
    Ok(())
}

/// The program of the tests, built once.
fn tests() -> Result<PathBuf> {
    let built = stdout_of(
        cargo()
            .args([
                "test",
                "--quiet",
                "--package",
                "stallscope-attach",
                "--test",
                "zoo",
            ])
            .args(["--no-run", "--message-format", "json"]),
    )?;
    let mut messages = built
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok());
    let program = messages.find_map(|message| message.executable);
    program.context("cargo has not said where the tests of stallscope-attach are")
}

/// What we use of cargo's messages.
#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
}

/// Which program the tests look at.
const PROGRAM: &str = "ZOO_PROGRAM";
/// The one that is for programs without types.
const LINES_ONLY: &str = "a_program_with_lines_only_is_told_what_it_needs";

/// The last patch of each minor version in which something that is read was changed; empty for the one in the lock file.
const TOKIO: [&str; 6] = ["", "1.48.0", "1.47.3", "1.45.1", "1.42.1", "1.38.2"];

/// One way to build the zoo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell {
    tokio: &'static str,
    opt_level: &'static str,
    debug: &'static str,
    /// Symbols in the newer mangling: it stands for generic arguments too.
    v0: bool,
    lto: bool,
    /// Where the compiler puts debug information: "off" is the binary, "packed" one file beside it, "unpacked" many.
    split: &'static str,
}

/// What most people ship, with what is needed: each cell differs from it.
const USUAL: Cell = Cell {
    tokio: "",
    opt_level: "3",
    debug: "2",
    v0: false,
    lto: false,
    split: "off",
};

fn each_difference() -> Vec<Cell> {
    let versions = TOKIO.map(|tokio| Cell { tokio, ..USUAL });
    let unoptimised = TOKIO.map(|tokio| Cell {
        tokio,
        opt_level: "0",
        ..USUAL
    });
    let builds = [
        Cell {
            opt_level: "2",
            ..USUAL
        },
        Cell { v0: true, ..USUAL },
        Cell { lto: true, ..USUAL },
        Cell {
            v0: true,
            lto: true,
            ..USUAL
        },
        Cell {
            debug: "1",
            ..USUAL
        },
    ];
    let split = ["packed", "unpacked"].map(|split| Cell { split, ..USUAL });
    let split_unoptimised = split.map(|cell| Cell {
        opt_level: "0",
        ..cell
    });
    versions
        .into_iter()
        .chain(unoptimised)
        .chain(builds)
        .chain(split)
        .chain(split_unoptimised)
        .collect()
}

fn every_combination() -> Vec<Cell> {
    let mut cells = Vec::new();
    for tokio in TOKIO {
        for opt_level in ["0", "2", "3"] {
            for debug in ["1", "2"] {
                for (v0, lto) in [(false, false), (true, false), (false, true), (true, true)] {
                    cells.extend(["off", "packed", "unpacked"].map(|split| Cell {
                        tokio,
                        opt_level,
                        debug,
                        v0,
                        lto,
                        split,
                    }));
                }
            }
        }
    }
    cells
}

impl Cell {
    fn judge(self, room: &Path, tests: &Path) -> Result<Verdict> {
        let started = Instant::now();
        let program = self.build(room)?;
        let build = started.elapsed();
        let bytes = fs::metadata(&program)
            .context("the zoo was not built")?
            .len();
        let started = Instant::now();
        let tested = self.test(&program, tests)?;
        let verdict = Verdict {
            build,
            bytes,
            tests: started.elapsed(),
            complaint: (!tested.status.success())
                .then(|| String::from_utf8_lossy(&tested.stdout).into_owned()),
        };
        fs::remove_dir_all(room).with_context(|| format!("cannot delete {}", room.display()))?;
        Ok(verdict)
    }

    /// From a copy, since another version of tokio is another lock file.
    fn build(self, room: &Path) -> Result<PathBuf> {
        let fixtures = root().join("crates/stallscope-attach/fixtures");
        fs::create_dir_all(room.join("src"))
            .with_context(|| format!("cannot create {}", room.display()))?;
        for file in ["Cargo.toml", "Cargo.lock"] {
            copy(&fixtures.join(file), &room.join(file))?;
        }
        for file in fs::read_dir(fixtures.join("src"))? {
            let file = file?;
            copy(&file.path(), &room.join("src").join(file.file_name()))?;
        }
        if !self.tokio.is_empty() {
            stdout_of(cargo().current_dir(room).args([
                "update",
                "--quiet",
                "--package",
                "tokio",
                "--precise",
                self.tokio,
            ]))?;
        }
        let target = room.join("target");
        stdout_of(
            cargo()
                .current_dir(room)
                .args(["build", "--quiet", "--locked", "--release", "--target-dir"])
                .arg(&target)
                // Instead of what the workspace's own configuration says: this is plain tokio.
                .env(
                    "RUSTFLAGS",
                    if self.v0 {
                        "-C symbol-mangling-version=v0"
                    } else {
                        ""
                    },
                )
                .env_remove("CARGO_ENCODED_RUSTFLAGS")
                .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", self.opt_level)
                .env("CARGO_PROFILE_RELEASE_DEBUG", self.debug)
                .env("CARGO_PROFILE_RELEASE_SPLIT_DEBUGINFO", self.split)
                .env(
                    "CARGO_PROFILE_RELEASE_LTO",
                    if self.lto { "thin" } else { "false" },
                ),
        )?;
        Ok(target.join("release/zoo"))
    }

    fn test(self, program: &Path, tests: &Path) -> Result<Output> {
        let mut tests = Command::new(tests);
        tests.env(PROGRAM, program);
        // What differs is said by the tests themselves; where in them says nothing.
        tests.env("RUST_BACKTRACE", "0");
        if !self.has_types() {
            tests.args(["--ignored", LINES_ONLY]);
        }
        tests.output().context("cannot start the tests")
    }

    /// `debug = 1` has functions and lines only.
    fn has_types(self) -> bool {
        self.debug != "1"
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tokio = if self.tokio.is_empty() {
            "newest"
        } else {
            self.tokio
        };
        write!(
            f,
            "tokio {tokio}, opt-level {}, debug {}",
            self.opt_level, self.debug
        )?;
        f.write_str(if self.v0 { ", v0" } else { "" })?;
        f.write_str(if self.lto { ", thin lto" } else { "" })?;
        match self.split {
            "off" => Ok(()),
            split => write!(f, ", split {split}"),
        }
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .map(|_| ())
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

/// What came of a cell.
struct Verdict {
    build: Duration,
    bytes: u64,
    tests: Duration,
    /// What the tests wrote, if they failed.
    complaint: Option<String>,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:6.0} s {:5.0} MB {:6.0} s  {}",
            self.build.as_secs_f64(),
            self.bytes as f64 / 1e6,
            self.tests.as_secs_f64(),
            if self.complaint.is_some() {
                "FAILED"
            } else {
                "passed"
            },
        )?;
        self.complaint
            .as_ref()
            .map_or(Ok(()), |complaint| write!(f, "\n{complaint}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_named_by_what_it_is_and_no_two_are_the_same() {
        assert_eq!(USUAL.to_string(), "tokio newest, opt-level 3, debug 2");
        for cells in [each_difference(), every_combination()] {
            let mut names: Vec<_> = cells.iter().map(ToString::to_string).collect();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), cells.len());
        }
    }

    #[test]
    fn each_difference_is_among_the_combinations() {
        let all = every_combination();
        assert!(each_difference().iter().all(|cell| all.contains(cell)));
    }
}
