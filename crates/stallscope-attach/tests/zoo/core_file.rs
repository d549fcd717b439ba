//! A core file has the stacks that the process had, of threads that ran too, and the thread that was hit by its end.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use stallscope_attach::memory::{Live, Memory};
use stallscope_attach::threads::ThreadStack;
use stallscope_attach::{Options, Process, Signal, Target};

use crate::fuzz::copy;
use crate::marks::line_of;
use crate::program::{Zoo, programs};

const PATIENCE: Duration = Duration::from_secs(60);

/// What is compared of the threads that stand still: which task each polls, and the functions on its stack.
type Told = BTreeMap<u32, (Option<u64>, Vec<String>)>;

#[test]
fn a_process_that_was_written_as_a_core_file_has_the_stacks_it_had() {
    for program in programs() {
        let zoo = Zoo::start(program, &[]);
        let live = Live::open(zoo.pid()).expect("it runs and is ours");
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("core");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let before = told(&stacks(&Target::live(zoo.pid())));
            let mut image = copy(&live);
            image.threads = live.threads();
            fs::write(&file, image.to_core()).expect("written");
            let after = told(&stacks(&Target::live(zoo.pid())));
            // A thread may wake now and then, for a timer; all of them sleep most of the time.
            if before == after && before.len() == image.threads.len() {
                let then = told(&stacks(&Target::core(&file, None)));
                assert_eq!(then, before, "{}", program.display());
                assert!(
                    then.values().any(|(polls, _)| polls.is_some()),
                    "blocking threads run their closures"
                );
                break;
            }
            assert!(Instant::now() < deadline, "{before:#?} {after:#?}");
            sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn the_core_file_of_an_aborted_process_has_the_line_of_every_thread() {
    for program in programs() {
        let folder = tempfile::tempdir().expect("a folder");
        let Some(zoo) = Zoo::start_in(folder.path(), program, &["--busy"]) else {
            println!(
                "not tested: core files of this machine are not written to the process's folder"
            );
            return;
        };
        let pid = zoo.pid();
        zoo.end_by("ABRT");
        let target = Target::core(&core_file(folder.path()), None);
        let target = target.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(target.pid(), Some(pid));
        assert_eq!(target.program(), program);
        let process = Process::of(&target).unwrap_or_else(|error| panic!("{error}"));
        let stacks = process.stacks();

        let killed = |seen: &&ThreadStack| seen.thread.killed_by.is_some();
        let hit: Vec<_> = stacks.iter().filter(killed).collect();
        let [hit] = hit[..] else { panic!("{hit:#?}") };
        // A signal to a process goes to its main thread, if that takes it.
        assert_eq!(
            (hit.thread.tid, hit.thread.killed_by),
            (pid, Some(Signal(6)))
        );
        for (function, mark) in [("blocked", Some("blocked")), ("computing", None)] {
            let future = format!("zoo::lives::{function}::");
            let tasks = process.tasks(&Options::default());
            let task = tasks.iter().find(|task| task.future.starts_with(&future));
            let task = task
                .unwrap_or_else(|| panic!("{function} is not listed"))
                .id;
            let seen = stacks.iter().find(|seen| seen.polls == Some(task));
            let seen = seen.unwrap_or_else(|| panic!("nobody polls {function}"));
            let stack = seen.stack.as_ref().unwrap_or_else(|why| panic!("{why}"));
            let own = stack.frames.iter().find(|frame| frame.is_app());
            let own = own.unwrap_or_else(|| panic!("{:#?}", stack.frames));
            let file = own.file.as_deref().unwrap_or_default();
            assert!(file.ends_with("src/lives.rs"), "{own}");
            if let Some(mark) = mark {
                assert_eq!(own.line, Some(line_of("lives", mark)), "{own}");
            }
            let name = own.function.as_deref().unwrap_or_default();
            assert!(name.contains(&format!("lives::{function}")), "{own}");
        }
    }
}

fn stacks(target: &Result<Target, stallscope_attach::Error>) -> Vec<ThreadStack> {
    let target = target.as_ref().unwrap_or_else(|error| panic!("{error}"));
    let process = Process::of(target).unwrap_or_else(|error| panic!("{error}"));
    process.stacks()
}

fn told(stacks: &[ThreadStack]) -> Told {
    let known = stacks.iter().filter_map(|seen| {
        let stack = seen.stack.as_ref().ok()?;
        let frames = stack.frames.iter().map(ToString::to_string).collect();
        Some((seen.thread.tid, (seen.polls, frames)))
    });
    known.collect()
}

/// The kernel calls it `core`, with the number of the process behind it if it is told to.
fn core_file(folder: &Path) -> PathBuf {
    let mut files = fs::read_dir(folder).expect("the folder");
    let file = files.next().expect("a core file").expect("readable");
    file.path()
}
