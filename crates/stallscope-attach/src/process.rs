//! One process, looked at from outside.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Error;
use crate::debug::{Files, Program};
use crate::memory::{Core, Executable, Live, Memory, Thread};
#[cfg(target_os = "linux")]
use crate::system::System;
use crate::tasks::{Lister, Nobody, Outside, Task};
use crate::threads::{self, Running, Stack, Stacks, ThreadStack, Unseen, Walked};
use crate::watch::Look;

/// A process's memory, and the files that its program was loaded from. A [`Process`] borrows from it.
pub struct Target {
    memory: Box<dyn Memory>,
    files: Files,
    executable: Executable,
    /// Of a live process, its number: the system can be asked about it.
    pid: Option<u32>,
}

impl Target {
    /// The running process of that number. It is not stopped, and nothing is written to it.
    ///
    /// # Errors
    /// If there is no such process, it may not be read, or its program's file cannot be.
    pub fn live(pid: u32) -> Result<Self, Error> {
        let live = Live::open(pid)?;
        let executable = live.executable()?;
        Ok(Self {
            files: Files::open(&executable.open, &executable.beside, &executable.path)?,
            executable,
            memory: Box::new(live),
            pid: Some(pid),
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
        })
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
    /// If it has no types, or no tokio in it.
    pub fn of(target: &'t Target) -> Result<Self, Error> {
        let program = Program::new(&target.files)?;
        let lister = Lister::new(&program, target.memory(), target.executable.bias)?;
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

    /// A look at all tasks, for a [`Watch`](crate::watch::Watch); `at` is the time.
    pub fn look(&self, at: Duration) -> Look {
        let tasks = self.tasks(&Options::default());
        Look { at, tasks }
    }

    /// Every thread there is now, with the number of the task it polls. `None`: none, or it cannot be told.
    pub fn threads(&self) -> Vec<(Thread, Option<u64>)> {
        let threads = self.memory.threads();
        let polled = self.lister.polled(&self.program, self.memory, &threads);
        threads.into_iter().zip(polled).collect()
    }

    /// Every thread there is now with its stack, or why that is not known. Nothing is stopped.
    ///
    /// The first call reads the unwind tables of all modules, and the lines of the program when something in it is named.
    pub fn stacks(&self) -> Vec<ThreadStack> {
        self.stacks_with(Running::Leave)
    }

    /// The same, with a choice for threads that run.
    pub fn stacks_with(&self, running: Running) -> Vec<ThreadStack> {
        let polled = |thread: &Thread| {
            let threads = std::slice::from_ref(thread);
            let polled = self.lister.polled(&self.program, self.memory, threads);
            polled.first().copied().flatten()
        };
        let stop = self.pid.filter(|_| running == Running::Stop);
        self.stacks.borrow_mut().look(self.memory, stop, polled)
    }

    /// Reads the unwind tables of all modules now, so that the first [`walk`](Self::walk) takes no longer than others.
    pub fn prepare_stacks(&self) {
        self.stacks.borrow_mut().prepare(self.memory);
    }

    /// The stack of one thread, if that has slept on since it was seen as `thread`; it is [named](Self::name) when there is time.
    ///
    /// # Errors
    /// If it has run meanwhile, and for whatever else keeps a stack from being read.
    pub fn walk(&self, thread: &Thread) -> Result<Walked, Unseen> {
        self.stacks.borrow_mut().walk_asleep(self.memory, thread)
    }

    /// A stack with names.
    pub fn name(&self, walked: &Walked) -> Stack {
        self.stacks.borrow_mut().name(walked)
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
