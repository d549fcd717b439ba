//! A task that was read from outside, in words: the one spelling of its answers, its filters and the view.

use stallscope_attach::tasks::{Frame, Kind, State, Task, Waiting, WaitsFor};

use crate::format::{UNKNOWN, counted, printable};

/// `task`, `local`, `blocking`.
pub(crate) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Task => "task",
        Kind::Local => "local",
        Kind::Blocking => "blocking",
    }
}

/// `running`, `scheduled`, `idle`, `ended`.
pub(crate) fn state(state: State) -> &'static str {
    match state {
        State::Running => "running",
        State::Scheduled => "scheduled",
        State::Idle => "idle",
        State::Ended => "ended",
    }
}

/// The function or block it was made of, without what the compiler adds: `shop::serve`, `shop::main::{async_block#0}`.
pub(crate) fn function(task: &Task) -> String {
    let function = match outermost_own(&task.stack).or(task.stack.first()) {
        Some(frame) if task.kind != Kind::Blocking => frame.function.clone(),
        _ => inside(&task.future)
            .replace("::{async_fn_env#0}", "")
            .replace("_env#", "#"),
    };
    printable(&function)
}

/// The outermost frame of the program's own code. What spawned it may have put it into a future of its own, or into one that was written
/// by hand and awaits several, of which the first is the one it is about.
fn outermost_own(stack: &[Frame]) -> Option<&Frame> {
    stack.iter().find_map(|frame| {
        if frame.in_app && !frame.function.starts_with("stallscope::") {
            return Some(frame);
        }
        let about = frame.branches.first().filter(|_| frame.place.is_none())?;
        outermost_own(&about.stack)
    })
}

/// What tokio has wrapped up in a type of its own: the closure of a blocking task.
fn inside(future: &str) -> &str {
    let within = future
        .strip_prefix("tokio::runtime::blocking::task::BlockingTask<")
        .and_then(|rest| rest.strip_suffix('>'));
    within.unwrap_or(future)
}

/// Whether a `JoinHandle` of it is left.
pub(crate) fn detached(task: &Task) -> &'static str {
    match task.detached {
        Some(true) => "yes",
        Some(false) => "no",
        None => UNKNOWN,
    }
}

/// How many references can wake it.
pub(crate) fn wakers(task: &Task) -> String {
    task.wakers
        .map_or(UNKNOWN.to_owned(), |wakers| wakers.to_string())
}

/// The same two as sentences, where they are known: `detached: no JoinHandle is left`, `nothing can wake it`.
pub(crate) fn prospects(task: &Task) -> Vec<String> {
    let detached = match task.detached {
        Some(true) => Some("detached: no JoinHandle is left".to_owned()),
        Some(false) => Some("somebody holds its JoinHandle".to_owned()),
        None => None,
    };
    let wakers = match (task.state, task.wakers) {
        (State::Idle, Some(0)) if task.detached == Some(false) => {
            Some("only its abort can wake it: no waker is left".to_owned())
        }
        (State::Idle, Some(0)) => Some("nothing can wake it: no waker is left".to_owned()),
        (State::Idle, Some(wakers)) => Some(format!("{} left", counted(wakers.into(), "waker"))),
        _ => None,
    };
    detached.into_iter().chain(wakers).collect()
}

/// The line it hangs in: `src/main.rs:31`.
pub(crate) fn suspended_at(task: &Task) -> Option<String> {
    task.suspended_at.as_ref().map(ToString::to_string)
}

/// In a column: `timer: 6.2 s left`; of what has no name of its own, its type.
pub(crate) fn waits_in_short(waits: &WaitsFor) -> String {
    let detail = printable(&waits.detail);
    match (waits.kind, detail.as_str()) {
        (Waiting::Other, detail) if !detail.is_empty() => detail.to_owned(),
        (kind, "") => kind.name().to_owned(),
        (kind, detail) => format!("{}: {detail}", kind.name()),
    }
}

/// In a sentence that begins with "waits for": `a timer: 6.2 s left`.
pub(crate) fn waits(waits: &WaitsFor) -> String {
    let what = match waits.kind {
        Waiting::Timer => "a timer",
        Waiting::Notify => "a Notify",
        Waiting::MpscRecv => "a message of an mpsc channel",
        Waiting::MpscSend => "room in an mpsc channel",
        Waiting::Oneshot => "the value of a oneshot channel",
        Waiting::Watch => "a change of a watch channel",
        Waiting::Broadcast => "a message of a broadcast channel",
        Waiting::Mutex => "a Mutex",
        Waiting::RwLock => "an RwLock",
        Waiting::Semaphore => "a permit of a Semaphore",
        Waiting::Join => "the end of a task",
        Waiting::Tcp => "a TCP socket",
        Waiting::Udp => "a UDP socket",
        Waiting::Unix => "a Unix socket",
        Waiting::Signal => "a signal",
        Waiting::Process => "the end of a child process",
        Waiting::Blocking => "a closure on the blocking pool",
        Waiting::Other => "the future",
    };
    match waits.detail.as_str() {
        "" => what.to_owned(),
        detail if waits.kind == Waiting::Other => format!("{what} {}", printable(detail)),
        detail => format!("{what}: {}", printable(detail)),
    }
}

#[cfg(test)]
pub(crate) mod samples {
    //! Tasks as they could be read from a small shop.

    use stallscope_attach::tasks::{
        Branch, Frame, Kind, Local, Place, State, Task, Waiting, WaitsFor,
    };

    pub(crate) fn place(line: u32) -> Place {
        Place {
            file: "src/main.rs".to_owned(),
            line,
        }
    }

    pub(crate) fn waits(kind: Waiting, detail: &str) -> WaitsFor {
        WaitsFor {
            kind,
            detail: detail.to_owned(),
        }
    }

    pub(crate) fn frame(function: &str, line: u32) -> Frame {
        Frame {
            function: function.to_owned(),
            place: Some(place(line)),
            in_app: true,
            locals: Vec::new(),
            branches: Vec::new(),
        }
    }

    /// What a future of tokio adds to a stack.
    pub(crate) fn leaf(function: &str) -> Frame {
        Frame {
            place: None,
            in_app: false,
            ..frame(function, 0)
        }
    }

    /// A branch that waits for a timer.
    pub(crate) fn pending(stack: Vec<Frame>) -> Branch {
        Branch {
            done: false,
            stack,
            waits_for: Some(waits(Waiting::Timer, "6.2 s left")),
        }
    }

    /// A task that sleeps in `fetch`.
    pub(crate) fn task(id: u64) -> Task {
        let fetch = Frame {
            locals: vec![Local {
                name: "x".to_owned(),
                value: "6".to_owned(),
                maybe_moved: false,
            }],
            ..frame("shop::fetch", 4)
        };
        Task {
            id,
            address: 0x7f00_0000 + id * 0x100,
            kind: Kind::Task,
            state: State::Idle,
            future: "shop::handler::{async_fn_env#0}".to_owned(),
            detached: Some(true),
            wakers: Some(1),
            suspended_at: Some(place(4)),
            waits_for: Some(waits(Waiting::Timer, "6.2 s left")),
            stack: vec![
                frame("shop::handler", 10),
                fetch,
                leaf("tokio::time::sleep::Sleep"),
            ],
            notes: Vec::new(),
            never_polled: false,
        }
    }

    /// One whose state is all that is known.
    pub(crate) fn running(id: u64) -> Task {
        Task {
            state: State::Running,
            future: "shop::main::{async_block_env#0}".to_owned(),
            detached: Some(false),
            wakers: None,
            suspended_at: None,
            waits_for: None,
            stack: Vec::new(),
            ..task(id)
        }
    }

    /// One that waits in a `select!` for what will never come.
    pub(crate) fn select(id: u64) -> Task {
        let waiting = Branch {
            done: false,
            stack: vec![
                frame("shop::next_order", 51),
                leaf("tokio::sync::mpsc::Recv"),
            ],
            waits_for: Some(waits(Waiting::MpscRecv, "0 of 64 queued, 1 sender")),
        };
        let done = Branch {
            done: true,
            stack: Vec::new(),
            waits_for: None,
        };
        Task {
            kind: Kind::Local,
            future: "shop::Shop::run::{async_fn_env#0}".to_owned(),
            detached: Some(false),
            wakers: Some(0),
            suspended_at: Some(place(40)),
            waits_for: waiting.waits_for.clone(),
            stack: vec![Frame {
                branches: vec![waiting, done],
                ..frame("shop::Shop::run", 40)
            }],
            notes: vec!["the second branch of the select! could not be read".to_owned()],
            ..task(id)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::samples::{running, select, task};
    use super::*;

    #[test]
    fn a_task_is_called_as_in_the_source() {
        assert_eq!(function(&task(1)), "shop::handler");
        let mut wrapped = task(1);
        wrapped
            .stack
            .insert(0, samples::leaf("tracing::Instrumented"));
        assert_eq!(function(&wrapped), "shop::handler");
        let until_cancelled = Frame {
            branches: vec![samples::pending(task(1).stack)],
            ..samples::leaf("tokio_util::RunUntilCancelledFuture")
        };
        wrapped.stack = vec![until_cancelled];
        assert_eq!(function(&wrapped), "shop::handler");
        assert_eq!(function(&running(2)), "shop::main::{async_block#0}");
        let blocking = Task {
            kind: Kind::Blocking,
            future: "tokio::runtime::blocking::task::BlockingTask<shop::load::{closure_env#0}<u8>>"
                .to_owned(),
            ..running(5)
        };
        assert_eq!(function(&blocking), "shop::load::{closure#0}<u8>");
    }

    #[test]
    fn nothing_is_said_of_what_is_not_known() {
        let unknown = Task {
            detached: None,
            ..running(2)
        };
        assert_eq!((detached(&unknown), wakers(&unknown).as_str()), ("?", "?"));
        assert_eq!(prospects(&unknown), [""; 0]);
    }

    #[test]
    fn a_task_that_nothing_can_wake_is_told_as_such() {
        assert_eq!(
            prospects(&select(3)),
            [
                "somebody holds its JoinHandle",
                "only its abort can wake it: no waker is left"
            ]
        );
        let forgotten = Task {
            detached: Some(true),
            ..select(3)
        };
        assert_eq!(
            prospects(&forgotten)[1],
            "nothing can wake it: no waker is left"
        );
        assert_eq!(prospects(&task(1))[1], "1 waker left");
    }

    #[test]
    fn what_is_waited_for_reads_as_a_sentence_or_in_short() {
        let timer = task(1).waits_for.expect("it sleeps");
        assert_eq!(waits(&timer), "a timer: 6.2 s left");
        assert_eq!(waits_in_short(&timer), "timer: 6.2 s left");
        let other = WaitsFor {
            kind: Waiting::Other,
            detail: "shop::Countdown".to_owned(),
        };
        assert_eq!(waits_in_short(&other), "shop::Countdown");
    }
}
