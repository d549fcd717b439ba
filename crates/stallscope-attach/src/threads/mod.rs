//! What each thread of the process does: where it is asleep and by which calls it came there, read without stopping it.
//!
//! A sleeping thread leaves its stack alone, so a copy of it is the stack; a copy during which it ran is thrown away. The
//! stack of a thread that runs cannot be read so: it is stopped for a moment if the user wants that.

mod copy;
mod image;
mod modules;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod stop;
#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
#[path = "no_stop.rs"]
mod stop;

use std::fmt;
use std::time::Duration;

use stallscope_stack::{Ended, ForeignModule, ForeignUnwinder, Frame, RawStack, Symbolizer, Trace};

use crate::memory::{Area, Memory, Thread};
pub(crate) use modules::Program;

/// A thread, and where it is.
#[derive(Debug, Clone)]
pub struct ThreadStack {
    /// The thread, as it was when its stack was read.
    pub thread: Thread,
    /// The number of the task it polled then. `None`: none, or it cannot be told.
    pub polls: Option<u64>,
    /// Its stack, or why it is not known.
    pub stack: Result<Stack, Unseen>,
}

/// A stack with names.
#[derive(Debug, Clone)]
pub struct Stack {
    /// Innermost first, inlined functions as frames of their own. As in a program that looks at itself, each has its
    /// [`Origin`](stallscope_stack::Origin).
    pub frames: Vec<Frame>,
    /// Whether it is the whole stack.
    pub ended: Ended,
    /// For how long the thread was stopped at most. `None`: it was not touched.
    pub stopped: Option<Duration>,
}

/// A stack that was walked and has no names yet: addresses of code.
#[derive(Debug, Clone)]
pub struct Walked {
    trace: Trace,
    stopped: Option<Duration>,
}

impl Walked {
    /// For how long the thread was stopped at most. `None`: it was not touched.
    pub fn stopped(&self) -> Option<Duration> {
        self.stopped
    }
}

/// Names what is on stacks. The first name takes long, for the lines of the whole program are read: a thread of its own may do it.
#[derive(Debug)]
pub struct Namer(Symbolizer);

impl Namer {
    /// A stack with names.
    pub fn name(&mut self, walked: &Walked) -> Stack {
        Stack {
            frames: self.0.frames(&walked.trace),
            ended: walked.trace.ended,
            stopped: walked.stopped,
        }
    }
}

/// What is done about the stacks of threads that run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Running {
    /// They are left alone.
    #[default]
    Leave,
    /// Each is stopped for some 100 µs, by `ptrace`, and let go.
    Stop,
}

/// Why the stack of a thread is not known. `Display` is one sentence for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unseen {
    /// It runs.
    Running,
    /// It runs, and could not be stopped.
    NotStopped,
    /// It ran in between each time it was looked at.
    KeepsMoving,
    /// It has ended meanwhile.
    Ended,
    /// Nobody tells where it stands.
    NotTold,
    /// Its stack pointer leads to no memory that can be read.
    Unreadable,
    /// There is no walking of stacks on this platform.
    NotAvailableHere,
}

impl fmt::Display for Unseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "it runs: its stack can be read only while it is stopped",
            Self::NotStopped => "it runs and could not be stopped: another debugger may trace it, or it stays in the kernel",
            Self::KeepsMoving => "it ran in between each time it was looked at: it is not stuck, look again later",
            Self::Ended => "it has ended meanwhile",
            Self::NotTold => "the kernel does not tell where it stands: /proc/PID/task/TID/syscall and schedstat are needed",
            Self::Unreadable => {
                "its stack pointer leads to no memory that can be read: it runs on a stack of its own making, or that part is missing in the core file"
            }
            Self::NotAvailableHere => "stacks can be walked on Linux x86-64 and aarch64 only",
        })
    }
}

/// Reads the stacks of one process; what was found out of its modules and named of its code is kept for the next time.
pub(crate) struct Stacks {
    program: Program,
    /// The areas that the modules were found in.
    areas: Vec<Area>,
    modules: Vec<ForeignModule>,
    unwinder: ForeignUnwinder,
    namer: Namer,
}

/// How often a thread is looked at that moves.
const ATTEMPTS: usize = 4;

impl Stacks {
    /// Nothing is read yet.
    pub(crate) fn of(program: Program) -> Self {
        Self {
            namer: Namer(Symbolizer::of_program(program.path())),
            program,
            areas: Vec::new(),
            modules: Vec::new(),
            unwinder: ForeignUnwinder::new(&[]),
        }
    }

    /// The stacks of all threads there are now, those that run too if they may be stopped, in the process of number `stop`.
    /// `polled` tells which task a thread polls at the moment.
    pub(crate) fn look(
        &mut self,
        memory: &dyn Memory,
        stop: Option<u32>,
        polled: impl Fn(&Thread) -> Option<u64>,
    ) -> Vec<ThreadStack> {
        let threads = memory.threads();
        // After the threads: each of them has its stack in there, and its code.
        let areas = memory.areas();
        self.refresh(memory, &areas);
        threads
            .into_iter()
            .map(|thread| {
                let seen = self.of_thread(memory, &areas, &polled, thread);
                match stop {
                    Some(pid)
                        if matches!(seen.stack, Err(Unseen::Running | Unseen::KeepsMoving)) =>
                    {
                        self.of_running(memory, pid, &areas, &polled, seen)
                    }
                    _ => seen,
                }
            })
            .collect()
    }

    /// Reads the unwind tables of all modules.
    pub(crate) fn prepare(&mut self, memory: &dyn Memory) {
        self.refresh(memory, &memory.areas());
    }

    /// The stack of a thread that has slept on since it was seen as `thread`.
    pub(crate) fn walk_asleep(
        &mut self,
        memory: &dyn Memory,
        thread: &Thread,
    ) -> Result<Walked, Unseen> {
        let areas = memory.areas();
        let copied = copy::of(memory, &areas, thread)?;
        let after = memory.again(thread).ok_or(Unseen::Ended)?;
        if !is_where_it_was(thread, &after) {
            return Err(Unseen::KeepsMoving);
        }
        self.refresh(memory, &areas);
        self.walk(memory, &copied, None)
    }

    /// The stack of a thread that runs, in the process of number `pid`: it is stopped for that. Only if `is_there` says before and after that
    /// it is where it is to be seen.
    pub(crate) fn walk_running(
        &mut self,
        memory: &dyn Memory,
        pid: u32,
        thread: &Thread,
        is_there: impl Fn() -> bool,
    ) -> Result<Walked, Unseen> {
        let areas = memory.areas();
        self.refresh(memory, &areas);
        if !is_there() {
            return Err(Unseen::KeepsMoving);
        }
        let (stack, stopped) = stop_and_copy(memory, pid, thread, &areas)?;
        // While it was stopped there was no time to ask.
        if !is_there() {
            return Err(Unseen::KeepsMoving);
        }
        self.walk(memory, &stack, Some(stopped))
    }

    /// Another one that gives the same names.
    pub(crate) fn namer(&self) -> Namer {
        Namer(Symbolizer::of_program(self.program.path()))
    }

    fn of_thread(
        &mut self,
        memory: &dyn Memory,
        areas: &[Area],
        polled: impl Fn(&Thread) -> Option<u64>,
        mut thread: Thread,
    ) -> ThreadStack {
        let mut polls = None;
        let mut stack = Err(Unseen::KeepsMoving);
        for _ in 0..ATTEMPTS {
            let copied = copy::of(memory, areas, &thread);
            polls = polled(&thread);
            let Some(after) = memory.again(&thread) else {
                stack = Err(Unseen::Ended);
                break;
            };
            let stood = is_where_it_was(&thread, &after);
            thread = after;
            // One that runs when it is first looked at may be about to sleep.
            if stood && copied != Err(Unseen::Running) {
                stack = copied;
                break;
            }
            stack = Err(copied.err().unwrap_or(Unseen::KeepsMoving));
        }
        ThreadStack {
            polls,
            stack: stack.and_then(|stack| self.walk_and_name(memory, &stack, None)),
            thread,
        }
    }

    /// Stops a thread for a moment.
    fn of_running(
        &mut self,
        memory: &dyn Memory,
        pid: u32,
        areas: &[Area],
        polled: impl Fn(&Thread) -> Option<u64>,
        seen: ThreadStack,
    ) -> ThreadStack {
        let before = polled(&seen.thread);
        let copied = stop_and_copy(memory, pid, &seen.thread, areas);
        // While it was stopped there was no time to ask.
        let polls = before.filter(|before| polled(&seen.thread) == Some(*before));
        let stack =
            copied.and_then(|(stack, stopped)| self.walk_and_name(memory, &stack, Some(stopped)));
        ThreadStack {
            polls,
            stack,
            ..seen
        }
    }

    fn walk_and_name(
        &mut self,
        memory: &dyn Memory,
        stack: &RawStack,
        stopped: Option<Duration>,
    ) -> Result<Stack, Unseen> {
        let walked = self.walk(memory, stack, stopped)?;
        Ok(self.namer.name(&walked))
    }

    /// Walks a stack that was copied.
    fn walk(
        &mut self,
        memory: &dyn Memory,
        stack: &RawStack,
        stopped: Option<Duration>,
    ) -> Result<Walked, Unseen> {
        let code = |address: u64, into: &mut [u8]| memory.read(address, into).ok();
        let trace: Trace = self.unwinder.unwind(stack, &code);
        if trace.frames.is_empty() {
            return Err(Unseen::NotAvailableHere);
        }
        Ok(Walked { trace, stopped })
    }

    /// Finds the modules anew if something was loaded or unloaded.
    fn refresh(&mut self, memory: &dyn Memory, areas: &[Area]) {
        let areas: Vec<Area> = modules::with_files(areas).cloned().collect();
        if areas != self.areas {
            self.modules = modules::list(memory, &areas, &self.program, &self.modules);
            self.unwinder = ForeignUnwinder::new(&self.modules);
            self.areas = areas;
        }
    }
}

/// The stack of a thread that is stopped for it, and for how long it was.
fn stop_and_copy(
    memory: &dyn Memory,
    pid: u32,
    thread: &Thread,
    areas: &[Area],
) -> Result<(RawStack, Duration), Unseen> {
    let copied = stop::copy(pid, thread.tid, areas);
    // Its number may belong to another thread by now.
    match memory.again(thread) {
        Some(again) if again.name == thread.name => copied,
        _ => Err(Unseen::Ended),
    }
}

/// Whether a thread slept on between two readings: it was put on no processor since.
fn is_where_it_was(before: &Thread, after: &Thread) -> bool {
    let switches = |thread: &Thread| Some(thread.kernel.as_ref()?.times?.switches);
    before.position() == after.position() && switches(before) == switches(after)
}

#[cfg(all(test, target_os = "linux", target_arch = "x86_64"))]
mod tests;
