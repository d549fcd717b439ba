//! A child process with threads that are asleep in known places, and what is seen of them from outside.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use stallscope_stack::Origin;
use stallscope_stack::kernel::Position;

use super::*;
use crate::memory::Live;

const SWITCH: &str = "STALLSCOPE_ATTACH_SLEEPER";

const HOUR: Duration = Duration::from_secs(3600);

/// This test binary once more. Its end closes the pipe it waits for, also when the test fails.
struct Sleeper(Child);

impl Sleeper {
    fn start() -> Self {
        let (_, module) = module_path!()
            .split_once("::")
            .expect("a module of this crate");
        let mut child = Command::new(std::env::current_exe().expect("own path"))
            .args([&format!("{module}::program"), "--exact", "--nocapture"])
            .env(SWITCH, "on")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this binary");
        let stdout = child.stdout.take().expect("piped");
        let sleeper = Self(child);
        let ready = BufReader::new(stdout)
            .lines()
            .map_while(Result::ok)
            .any(|line| line == "@ ready");
        assert!(ready, "the child ended before it was ready");
        sleeper
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    fn memory(&self) -> Live {
        Live::open(self.pid()).expect("our child")
    }

    fn stacks(&self, memory: &Live) -> Stacks {
        let executable = memory.executable().expect("its program");
        let symbols = executable.path.clone();
        let root = format!("/proc/{}/root", self.pid()).into();
        Stacks::of(Program::new(executable, &symbols, root))
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Not a test: the child's own code.
#[test]
fn program() {
    if std::env::var_os(SWITCH).is_none() {
        return;
    }
    let (tell, told) = mpsc::channel();
    let bodies: [(&str, fn()); 3] = [("asleep", asleep), ("deep", deep), ("busy", busy)];
    for (name, body) in bodies {
        let tell = tell.clone();
        thread::Builder::new()
            .name(name.to_owned())
            .stack_size(64 << 20)
            .spawn(move || {
                let _ = tell.send(());
                body();
            })
            .expect("a thread");
    }
    for _ in bodies {
        told.recv().expect("it tells");
    }
    println!("\n@ ready");
    let _ = std::io::stdin().read(&mut [0]);
    std::process::exit(0);
}

#[inline(never)]
fn asleep() {
    // mark: asleep
    thread::sleep(HOUR);
    std::hint::black_box(());
}

/// More frames than are copied.
fn deep() {
    std::hint::black_box(descend(2_000));
}

#[inline(never)]
fn descend(left: u32) -> u32 {
    // Of 1 KiB at least.
    let frame = std::hint::black_box([left; 256]);
    if left == 0 {
        thread::sleep(HOUR);
    } else {
        descend(left - 1);
    }
    frame[0]
}

fn busy() {
    loop {
        std::hint::spin_loop();
    }
}

/// What is seen of the thread of that name once it is as wanted.
fn see(
    stacks: &mut Stacks,
    memory: &Live,
    name: &str,
    wanted: impl Fn(&ThreadStack) -> bool,
) -> ThreadStack {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let seen = stacks.look(memory, None, |_| None);
        let seen = seen.into_iter().find(|seen| seen.thread.name == name);
        match seen {
            Some(seen) if wanted(&seen) => return seen,
            seen => assert!(
                Instant::now() < deadline,
                "{}",
                seen.map_or_else(String::new, |seen| told(&seen))
            ),
        }
    }
}

/// A line for each frame.
fn told(seen: &ThreadStack) -> String {
    match &seen.stack {
        Ok(stack) => {
            let frames = stack.frames.iter().take(40);
            let frames = frames.map(|frame| format!("{frame} ({:?})\n", frame.origin));
            frames.collect::<String>() + &format!("{:?}", stack.ended)
        }
        Err(why) => why.to_string(),
    }
}

fn is_asleep(seen: &ThreadStack) -> bool {
    let Position::InSystemCall { call, .. } = seen.thread.position() else {
        return false;
    };
    call.name() == Some("clock_nanosleep") && seen.stack.is_ok()
}

fn is_at(frame: &Frame, function: &str) -> bool {
    frame
        .function
        .as_deref()
        .is_some_and(|name| name.contains(function))
}

/// The line below the comment `// mark: NAME`.
fn line_of(mark: &str) -> u32 {
    let wanted = format!("// mark: {mark}");
    let mut lines = include_str!("tests.rs").lines().zip(2..);
    let found = lines.find(|(line, _)| line.trim() == wanted);
    found.expect("the mark").1
}

#[test]
fn a_sleeping_thread_is_at_the_line_of_its_sleep() {
    let child = Sleeper::start();
    let memory = child.memory();
    let seen = see(&mut child.stacks(&memory), &memory, "asleep", is_asleep);
    let stack = seen.stack.expect("seen");
    assert_eq!(stack.ended, Ended::Root, "{stack:#?}");
    let own = stack
        .frames
        .iter()
        .find(|frame| is_at(frame, "tests::asleep"));
    let own = own.unwrap_or_else(|| panic!("{stack:#?}"));
    assert!(
        own.file
            .as_deref()
            .is_some_and(|file| file.ends_with("threads/tests.rs")),
        "{own:?}"
    );
    assert_eq!(own.line, Some(line_of("asleep")));
    let sleep = stack
        .frames
        .iter()
        .find(|frame| is_at(frame, "std::thread"));
    assert_eq!(sleep.map(|frame| &frame.origin), Some(&Origin::Std));
    assert_eq!(
        stack.frames.first().map(|frame| &frame.origin),
        Some(&Origin::Native),
        "the C library"
    );
}

#[test]
fn a_thread_that_runs_says_so_and_has_no_stack() {
    let child = Sleeper::start();
    let memory = child.memory();
    let runs = |seen: &ThreadStack| {
        seen.stack
            .as_ref()
            .is_err_and(|why| *why == Unseen::Running)
    };
    let seen = see(&mut child.stacks(&memory), &memory, "busy", runs);
    assert_eq!(seen.thread.stack_pointer(), None);
}

#[test]
fn a_thread_that_runs_is_stopped_for_a_moment_if_asked_and_runs_on() {
    let child = Sleeper::start();
    let memory = child.memory();
    let mut stacks = child.stacks(&memory);
    let mut look = || {
        let seen = stacks.look(&memory, Some(child.pid()), |_| None);
        let busy = seen.into_iter().find(|seen| seen.thread.name == "busy");
        busy.expect("the busy one")
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut seen = look();
    // On a loaded machine it may get no processor in time, in which to stop.
    while seen.stack.is_err() {
        assert!(Instant::now() < deadline, "{}", told(&seen));
        seen = look();
    }
    let stack = seen.stack.as_ref().expect("seen");
    assert!(
        stack.frames.iter().any(|frame| is_at(frame, "busy")),
        "{}",
        told(&seen)
    );
    assert!(
        stack
            .stopped
            .is_some_and(|stopped| stopped > Duration::ZERO)
    );
    assert_eq!(stack.ended, Ended::Root);
    let runs = |seen: &ThreadStack| {
        seen.stack
            .as_ref()
            .is_err_and(|why| *why == Unseen::Running)
    };
    see(&mut child.stacks(&memory), &memory, "busy", runs);
}

#[test]
fn a_stack_deeper_than_what_is_copied_is_cut_at_its_outer_end() {
    let child = Sleeper::start();
    let memory = child.memory();
    let seen = see(&mut child.stacks(&memory), &memory, "deep", is_asleep);
    let stack = seen.stack.expect("seen");
    assert_ne!(stack.ended, Ended::Root);
    assert!(
        stack
            .frames
            .iter()
            .filter(|frame| is_at(frame, "descend"))
            .count()
            > 100
    );
}

#[test]
fn the_same_stack_is_seen_when_the_files_of_the_libraries_cannot_be_had() {
    let child = Sleeper::start();
    let memory = child.memory();
    let whole = see(&mut child.stacks(&memory), &memory, "asleep", is_asleep);
    let executable = memory.executable().expect("its program");
    let symbols = executable.path.clone();
    let nowhere = tempfile::tempdir().expect("a folder");
    let program = Program::new(executable, &symbols, nowhere.path().to_owned());
    let seen = see(&mut Stacks::of(program), &memory, "asleep", is_asleep);
    let addresses = |seen: ThreadStack| -> Vec<u64> {
        let stack = seen.stack.expect("seen");
        stack.frames.iter().map(|frame| frame.address).collect()
    };
    assert_eq!(addresses(seen), addresses(whole));
}

#[test]
fn modules_are_the_program_the_libraries_and_the_page_of_the_kernel() {
    let child = Sleeper::start();
    let memory = child.memory();
    let mut stacks = child.stacks(&memory);
    let count = |stacks: &mut Stacks| {
        stacks.look(&memory, None, |_| None);
        stacks.modules.len()
    };
    let first = count(&mut stacks);
    assert!(
        first >= 3,
        "the program, the C library, the vDSO: {:?}",
        stacks.modules
    );
    stacks.areas.clear();
    assert_eq!(count(&mut stacks), first, "looked for again");
}
