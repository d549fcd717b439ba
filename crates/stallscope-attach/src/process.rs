//! One process, looked at from outside.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::debug::{Files, Program};
use crate::memory::{Core, Executable, Live, Memory, Thread};
#[cfg(target_os = "linux")]
use crate::system::System;
use crate::tasks::{Lister, Nobody, Outside, Polled, Task};
use crate::threads::{self, Namer, Running, Stacks, ThreadStack, Unseen, Walked};

/// A process's memory, and the files that its program was loaded from. A [`Process`] borrows from it.
pub struct Target {
    memory: Box<dyn Memory>,
    files: Files,
    executable: Executable,
    /// Of a live process, its number: the system can be asked about it.
    pid: Option<u32>,
    /// Of one that is no more, the number it had.
    was: Option<u32>,
}

impl Target {
    /// The running process of that number. It is not stopped, and nothing is written to it.
    ///
    /// # Errors
    /// If there is no such process, it may not be read, or its program's file cannot be.
    pub fn live(pid: u32) -> Result<Self, Error> {
        let live = Live::open(pid)?;
        let opened = live.executable().and_then(|executable| {
            let files = Files::open(&executable.open, &executable.beside, &executable.path)?;
            Ok((files, executable))
        });
        // What cannot be read of a process that is no more says nothing of its program.
        let (files, executable) = opened.map_err(|error| live.check().err().unwrap_or(error))?;
        Ok(Self {
            files,
            executable,
            memory: Box::new(live),
            pid: Some(pid),
            was: None,
        })
    }

    /// The process that a core file was written of. `program` is its program's file, where that is not at the path any more that the core
    /// file has.
    ///
    /// # Errors
    /// If a file cannot be read, or the program is another build than the one that ran.
    pub fn core(file: &Path, program: Option<&Path>) -> Result<Self, Error> {
        let core = Core::open(file, program)?;
        let executable = core.executable()?;
        Ok(Self {
            files: Files::open(&executable.open, &executable.beside, &executable.path)?,
            executable,
            was: core.pid(),
            memory: Box::new(core),
            pid: None,
        })
    }

    /// A process whose memory is at hand: one that was recorded. `program` is the file it ran from, which lay
    /// `bias` bytes higher than it was linked.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn recorded(memory: Box<dyn Memory>, program: &Path, bias: u64) -> Result<Self, Error> {
        Ok(Self {
            files: Files::open(program, program, program)?,
            executable: Executable {
                open: program.to_path_buf(),
                path: program.to_path_buf(),
                beside: program.to_path_buf(),
                bias,
            },
            memory,
            pid: None,
            was: None,
        })
    }

    /// The number of the process, or of one that is no more the number it had. `None`: nobody knows.
    pub fn pid(&self) -> Option<u32> {
        self.pid.or(self.was)
    }

    /// The path of its program, as the process saw it or as it was named.
    pub fn program(&self) -> &Path {
        &self.executable.path
    }

    /// The root of its paths, as seen from here.
    fn root(&self) -> PathBuf {
        self.pid
            .map_or_else(|| "/".into(), |pid| format!("/proc/{pid}/root").into())
    }

    /// Its memory.
    pub fn memory(&self) -> &dyn Memory {
        &*self.memory
    }

    /// What went wrong, or that the process has ended: then that is why.
    fn unless_ended(&self, error: Error) -> Error {
        let ended = self.pid.filter(|_| !self.memory.lasts());
        ended.map_or(error, Error::NoProcess)
    }
}

/// What to tell of each task.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// The values of saved locals. They can hold secrets.
    pub locals: bool,
}

/// A process, and what the debug information of its program says of it.
///
/// ```no_run
/// use stallscope_attach::{Options, Process, Target};
///
/// let target = Target::live(1234)?;
/// for task in Process::of(&target)?.tasks(&Options::default()) {
///     println!("{} {:?} {:?}", task.id, task.state, task.suspended_at);
/// }
/// # Ok::<(), stallscope_attach::Error>(())
/// ```
pub struct Process<'t> {
    program: Program<'t>,
    memory: &'t dyn Memory,
    lister: Lister,
    pid: Option<u32>,
    stacks: RefCell<Stacks>,
}

impl<'t> Process<'t> {
    /// Read the debug information, and find tokio in it.
    ///
    /// # Errors
    /// If it has no types, or no tokio in it; or if the process has ended meanwhile.
    pub fn of(target: &'t Target) -> Result<Self, Error> {
        let program = Program::new(&target.files)?;
        let lister = Lister::new(&program, target.memory(), target.executable.bias)
            .map_err(|error| target.unless_ended(error))?;
        let modules = threads::Program::new(
            target.executable.clone(),
            target.files.path(),
            target.root(),
        );
        Ok(Self {
            program,
            memory: target.memory(),
            lister,
            pid: target.pid,
            stacks: RefCell::new(Stacks::of(modules)),
        })
    }

    /// What is not known because a part of the debug information was split off and is not found: tasks whose types are in there are not
    /// seen. `None`: nothing is missing.
    pub fn incomplete(&self) -> Option<Error> {
        self.program.lacking()
    }

    /// Every thread that polls a task now, with that task, for [`Polls`](crate::watch::Polls). `wanted` is asked for each number of a task:
    /// of a thread that polls none, or none that is wanted, only a few words of memory are read.
    ///
    /// Of each, what it polls is read, then the kernel's files, then what it polls once more, which is told. A turn is told if it was the same
    /// both times: then what the kernel said was said within it.
    pub fn polling(&self, wanted: impl Fn(u64) -> bool) -> Vec<(Thread, Polled)> {
        let threads = self.memory.listed();
        let polling = threads.iter().filter_map(|listed| {
            let before = self.polled(listed, &wanted)?;
            let thread = self.memory.again(listed)?;
            let after = self.polled(&thread, &wanted)?;
            let turn = after.turn.filter(|_| before == after);
            Some((thread, Polled { turn, ..after }))
        });
        polling.collect()
    }

    /// Every thread there is now with its stack, or why that is not known. Nothing is stopped.
    ///
    /// The first call reads the unwind tables of all modules, and the lines of the program when something in it is named.
    pub fn stacks(&self) -> Vec<ThreadStack> {
        self.stacks_with(Running::Leave)
    }

    /// The same, with a choice for threads that run.
    pub fn stacks_with(&self, running: Running) -> Vec<ThreadStack> {
        let polled = |thread: &Thread| Some(self.polled(thread, |_| true)?.task);
        let stop = self.pid.filter(|_| running == Running::Stop);
        self.stacks.borrow_mut().look(self.memory, stop, polled)
    }

    /// Reads the unwind tables of all modules now, so that the first [`walk`](Self::walk) takes no longer than others.
    pub fn prepare_stacks(&self) {
        self.stacks.borrow_mut().prepare(self.memory);
    }

    /// The stack of one thread, if that has slept on since it was seen as `thread`; a [namer](Self::namer) names it when there is time.
    ///
    /// # Errors
    /// If it has run meanwhile, and for whatever else keeps a stack from being read.
    pub fn walk(&self, thread: &Thread) -> Result<Walked, Unseen> {
        self.stacks.borrow_mut().walk_asleep(self.memory, thread)
    }

    /// The same of a thread that runs, if it does so within this very poll. It is stopped for some 100 µs, by `ptrace`, and let go.
    ///
    /// # Errors
    /// If it polls something else by now, and for whatever else keeps a stack from being read.
    pub fn walk_running(&self, thread: &Thread, within: Polled) -> Result<Walked, Unseen> {
        let pid = self.pid.ok_or(Unseen::NotStopped)?;
        let is_there = || self.polled(thread, |_| true) == Some(within);
        let mut stacks = self.stacks.borrow_mut();
        stacks.walk_running(self.memory, pid, thread, is_there)
    }

    /// What gives names to stacks that were walked, on any thread.
    pub fn namer(&self) -> Namer {
        self.stacks.borrow().namer()
    }

    fn polled(&self, thread: &Thread, wanted: impl Fn(u64) -> bool) -> Option<Polled> {
        self.lister
            .polled(&self.program, self.memory, thread, wanted)
    }

    /// Every task there is now, by number.
    pub fn tasks(&self, options: &Options) -> Vec<Task> {
        let outside = outside(self.pid);
        self.lister
            .tasks(&self.program, self.memory, &*outside, options.locals)
    }
}

/// Whom to ask for what memory does not tell.
#[cfg(target_os = "linux")]
fn outside(pid: Option<u32>) -> Box<dyn Outside> {
    match pid {
        Some(pid) => Box::new(System::of(pid)),
        None => Box::new(Nobody),
    }
}

#[cfg(not(target_os = "linux"))]
fn outside(_pid: Option<u32>) -> Box<dyn Outside> {
    Box::new(Nobody)
}
