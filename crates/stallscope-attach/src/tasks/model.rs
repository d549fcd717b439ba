//! What is told of a task: plain values, as `ps` and `where` print them.

use std::fmt;

/// A task of the process.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// tokio's number of it.
    pub id: u64,
    /// Address of its header: names the task even where its number cannot be read.
    pub address: u64,
    /// What it is.
    pub kind: Kind,
    /// What it does.
    pub state: State,
    /// Its future's type, as the compiler names it.
    pub future: String,
    /// Whether no `JoinHandle` of it is left. `None`: unknown.
    pub detached: Option<bool>,
    /// References that can wake it: those in its state word less the owner's, the `JoinHandle`'s and that of a pending
    /// notification. An `AbortHandle` counts, and so does a leaked waker: 0 proves that nothing can wake the task, 1 proves nothing. `None`: unknown.
    pub wakers: Option<u32>,
    /// The innermost await in the user's own code. `None`: it is not suspended, or no frame is the user's.
    pub suspended_at: Option<Place>,
    /// What the innermost future waits for. `None`: it is not suspended.
    pub waits_for: Option<WaitsFor>,
    /// The async stack, outermost first. Empty: it is not suspended, or `notes` say why.
    pub stack: Vec<Frame>,
    /// Whether it is certain that it has never been polled. `false`: it has been, or that cannot be told.
    pub never_polled: bool,
    /// What could not be read of it, and why.
    pub notes: Vec<String>,
}

/// What kind of task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Of `tokio::spawn` and its like.
    Task,
    /// Of `spawn_local`.
    Local,
    /// A closure of `spawn_blocking`.
    Blocking,
}

/// What a task does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// A thread polls it.
    Running,
    /// It was woken and waits for a worker.
    Scheduled,
    /// It waits for a wake.
    Idle,
    /// It has ended; somebody holds on to its result.
    Ended,
}

/// A line of source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// As the compiler was given it.
    pub file: String,
    /// From 1.
    pub line: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// One future that awaits the next.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// `crate::module::handler`, `crate::Type::method`, `crate::f::{async_block#0}`; the type, for a future written by hand.
    pub function: String,
    /// The line of its await. `None`: a future written by hand, or one that has not been polled yet.
    pub place: Option<Place>,
    /// Whether this is code of the user's own, not of a registry crate, tokio or std.
    pub in_app: bool,
    /// Its saved locals, where they were asked for.
    pub locals: Vec<Local>,
    /// What a `select!`, a `join!` or a future written by hand waits for at once, each with its own stack. Empty for any other frame.
    pub branches: Vec<Branch>,
}

/// One of several futures that are awaited at once.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// Whether it has completed already (`join!`) or was switched off (`select!`).
    pub done: bool,
    /// Its stack, outermost first.
    pub stack: Vec<Frame>,
    /// What it waits for.
    pub waits_for: Option<WaitsFor>,
}

/// A variable that lives across the await.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// Its name.
    pub name: String,
    /// Its value as text, or its type if the value cannot be told.
    pub value: String,
    /// Whether it may have been moved out of already: captures of an async block.
    pub maybe_moved: bool,
}

/// What a future waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitsFor {
    /// What it is.
    pub kind: Waiting,
    /// For a person: "6.2 s left", "0 of 64 queued, 1 sender", the type of an `Other`.
    pub detail: String,
}

/// What a future can wait for. One table: name and meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "`name` is the meaning")]
pub enum Waiting {
    Timer,
    Notify,
    MpscRecv,
    MpscSend,
    Oneshot,
    Watch,
    Broadcast,
    Mutex,
    RwLock,
    Semaphore,
    Join,
    Tcp,
    Udp,
    Unix,
    Signal,
    Process,
    Blocking,
    Other,
}

impl Waiting {
    /// As JSON and tables have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Timer => "timer",
            Self::Notify => "notify",
            Self::MpscRecv => "mpsc-recv",
            Self::MpscSend => "mpsc-send",
            Self::Oneshot => "oneshot",
            Self::Watch => "watch",
            Self::Broadcast => "broadcast",
            Self::Mutex => "mutex",
            Self::RwLock => "rwlock",
            Self::Semaphore => "semaphore",
            Self::Join => "join",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Unix => "unix",
            Self::Signal => "signal",
            Self::Process => "process",
            Self::Blocking => "blocking",
            Self::Other => "other",
        }
    }
}
