//! What is a long poll? Judged by what its thread does in the kernel, and by the calls on its stack.

use stallscope_stack::kernel::{Cause, Descriptor};
use stallscope_stack::{Frame, Origin};

use crate::tasks::Turn;

/// Who has called the code on a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// A task's poll.
    Poll,
    /// The blocking pool: a closure, or the loop of a worker outside of any poll.
    Pool,
    /// The stack does not say.
    Unknown,
}

/// Who has called the code on a stack, innermost frame first: the innermost of tokio's polls counts.
pub fn caller(frames: &[Frame]) -> Caller {
    // Frame for frame a closure looks like a task: what differs is the future that is polled.
    let is_closure = |frame: &&Frame| is_in(frame, "runtime::blocking::task::BlockingTask");
    match innermost_poll(frames) {
        None => Caller::Unknown,
        Some(poll) if frames.iter().take(poll).any(|frame| is_closure(&frame)) => Caller::Pool,
        Some(_) => Caller::Poll,
    }
}

/// The outermost function of the program's own within the innermost poll: it is the task's, or awaited by it.
pub fn future(frames: &[Frame]) -> Option<&str> {
    let within = frames.get(..innermost_poll(frames)?)?;
    let own = within.iter().rev().find(|frame| frame.is_app())?;
    let function = own.function.as_deref()?;
    // As the poll function of an `async fn` or block is called.
    Some(function.strip_suffix("::{{closure}}").unwrap_or(function))
}

/// The rule by which a long poll is told, as `docs/findings.md` has it. `None`: it is intended, or not the fault of its line, or neither
/// can be ruled out. `turn`: the one its thread was in, if that is known.
pub fn rule(cause: &Cause, turn: Option<Turn>, frames: &[Frame]) -> Option<&'static str> {
    let poll = innermost_poll(frames);
    // Within `block_in_place` a thread is in no turn. A stack that does not reach down to the poll does not tell whether there is one.
    let may_be_in_place = poll.is_none() && turn.is_none();
    if may_be_in_place || frames.iter().any(|frame| is_in(frame, "block_in_place")) {
        return None;
    }
    let own = frames.iter().position(Frame::is_app).or(poll);
    let inner = own.and_then(|own| frames.get(..own));
    let calls = |parts: &[&str]| {
        let inner = inner.unwrap_or_default().iter();
        let mut names = inner.filter_map(|frame| frame.function.as_deref());
        names.any(|name| parts.iter().any(|part| name.contains(part)))
    };
    let runs_child = calls(&["std::process::Command", "std::process::Child"]);
    Some(match cause {
        // On behalf of whichever call.
        Cause::OnCpu => "cpu",
        _ if calls(&["getaddrinfo", "lookup_host", "LookupHost"]) => "dns",
        Cause::ChildWait => "child-process",
        Cause::Poll(_) | Cause::PipeIo(_) | Cause::SystemCall(_) if runs_child => "child-process",
        // tokio's own locks are held for a moment, unless their holder gets no processor. Whose lock it is only the calls tell; in every
        // other cause a thread sleeps because somebody wanted it to.
        Cause::Futex if inner.is_none() => return None,
        Cause::Futex if calls(&["runtime::blocking::pool::", "runtime::scheduler::"]) => {
            return None;
        }
        Cause::Futex | Cause::Poll(_) if calls(&["block_on"]) => "block-on",
        Cause::Futex => "lock",
        Cause::Sleep => "sleep",
        Cause::FileIo(_) => "file-io",
        Cause::NetworkIo(_) => "network-io",
        Cause::PipeIo(_) => "pipe-io",
        Cause::Poll(io) if io.on.iter().any(is_socket) => "network-io",
        Cause::PageFault => "page-fault",
        Cause::Poll(_) | Cause::SystemCall(_) => "syscall",
        _ => "unknown",
    })
}

/// Schedulers and the blocking pool have tasks polled by these.
fn innermost_poll(frames: &[Frame]) -> Option<usize> {
    frames.iter().position(|frame| {
        is_in(frame, "runtime::task::raw::poll")
            || is_in(frame, "runtime::task::harness::poll_future")
            || is_in(frame, "runtime::task::harness::Harness")
    })
}

fn is_in(frame: &Frame, part: &str) -> bool {
    let function = frame.function.as_deref();
    frame.origin == Origin::Tokio && function.is_some_and(|function| function.contains(part))
}

fn is_socket(descriptor: &Descriptor) -> bool {
    matches!(descriptor, Descriptor::Socket { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLL: &str = "tokio::runtime::task::harness::Harness<T,S>::poll";
    const CLOSURE: &str =
        "<tokio::runtime::blocking::task::BlockingTask<T> as core::future::future::Future>::poll";
    const WORKER: &str = "tokio::runtime::scheduler::multi_thread::worker::Context::run_task";

    /// That of a worker which has its core.
    const TURN: Option<Turn> = Some(Turn {
        core: 0x5000,
        tick: 7,
    });

    /// Innermost first.
    fn frames(functions: &[&str]) -> Vec<Frame> {
        let frame = |function: &&str| Frame {
            function: Some((*function).to_owned()),
            file: None,
            line: None,
            column: None,
            origin: match *function {
                name if name.contains("tokio::") => Origin::Tokio,
                name if name.starts_with("shop::") => Origin::App,
                _ => Origin::Std,
            },
            inlined: false,
            address: 0,
            module: None,
            module_offset: None,
        };
        functions.iter().map(frame).collect()
    }

    #[test]
    fn a_task_on_a_worker_is_polled_though_the_worker_itself_is_a_closure_of_the_pool() {
        let stack = frames(&[
            "std::thread::sleep",
            "shop::stock::load",
            "shop::serve::{{closure}}",
            POLL,
            WORKER,
            CLOSURE,
            POLL,
        ]);
        assert_eq!(caller(&stack), Caller::Poll);
        assert_eq!(future(&stack), Some("shop::serve"));
        assert_eq!(rule(&Cause::Sleep, None, &stack), Some("sleep"));
    }

    #[test]
    fn a_worker_that_parks_and_a_closure_that_blocks_are_in_no_poll() {
        let parks = [
            "tokio::runtime::scheduler::multi_thread::park::Parker::park",
            CLOSURE,
            POLL,
        ];
        assert_eq!(caller(&frames(&parks)), Caller::Pool);
        let reads = ["std::fs::read", "shop::load::{{closure}}", CLOSURE, POLL];
        assert_eq!(caller(&frames(&reads)), Caller::Pool);
    }

    #[test]
    fn a_stack_without_names_says_nothing() {
        let mut nameless = frames(&["a", "b"]);
        for frame in &mut nameless {
            (frame.function, frame.origin) = (None, Origin::Unknown);
        }
        assert_eq!(caller(&nameless), Caller::Unknown);
        assert_eq!(future(&nameless), None);
        assert_eq!(caller(&[]), Caller::Unknown);
        assert_eq!(rule(&Cause::Futex, TURN, &nameless), None);
    }

    #[test]
    fn without_a_stack_only_what_nothing_on_it_could_excuse_is_told() {
        assert_eq!(rule(&Cause::Sleep, TURN, &[]), Some("sleep"));
        assert_eq!(rule(&Cause::PageFault, TURN, &[]), Some("page-fault"));
        assert_eq!(
            rule(&Cause::Futex, TURN, &[]),
            None,
            "it may be a lock of tokio's"
        );
        for cause in [Cause::Sleep, Cause::Futex, Cause::ChildWait] {
            assert_eq!(rule(&cause, None, &[]), None, "it may be in its place");
        }
        let cut = ["std::thread::sleep", "shop::load::{{closure}}"];
        assert_eq!(rule(&Cause::Sleep, None, &frames(&cut)), None);
        assert_eq!(rule(&Cause::Sleep, TURN, &frames(&cut)), Some("sleep"));
    }

    #[test]
    fn a_lock_of_tokio_is_not_told_either_where_no_frame_is_the_programs_own() {
        let library = [
            "std::sync::Mutex::lock",
            "tokio::runtime::blocking::pool::Spawner::spawn_task",
            "hyper::serve",
            POLL,
            WORKER,
        ];
        assert_eq!(rule(&Cause::Futex, TURN, &frames(&library)), None);
        let its_own = ["std::sync::Mutex::lock", "hyper::serve", POLL, WORKER];
        assert_eq!(rule(&Cause::Futex, TURN, &frames(&its_own)), Some("lock"));
    }

    #[test]
    fn what_the_line_called_says_more_than_the_system_call() {
        let judged = |functions: &[&str]| rule(&Cause::Futex, TURN, &frames(functions));
        assert_eq!(
            judged(&["std::sync::Mutex::lock", "shop::stock::load", POLL]),
            Some("lock")
        );
        assert_eq!(
            judged(&["std::sys::net::LookupHost::try_from", "shop::connect"]),
            Some("dns")
        );
        assert_eq!(
            judged(&["futures_executor::block_on", "shop::serve", POLL]),
            Some("block-on")
        );
    }

    #[test]
    fn what_computes_is_told_so_whatever_it_has_called() {
        let spawns = ["std::process::Command::spawn", "shop::serve", POLL];
        assert_eq!(rule(&Cause::OnCpu, TURN, &frames(&spawns)), Some("cpu"));
        assert_eq!(rule(&Cause::OnCpu, TURN, &[]), Some("cpu"));
    }

    #[test]
    fn what_is_intended_or_another_threads_fault_is_not_told() {
        let place = [
            "std::thread::sleep",
            "shop::load::{{closure}}",
            "tokio::task::blocking::block_in_place",
            "shop::serve::{{closure}}",
            POLL,
        ];
        assert_eq!(rule(&Cause::Sleep, None, &frames(&place)), None);
        let spawns = [
            "std::sync::Mutex::lock",
            "tokio::runtime::blocking::pool::Spawner::spawn_task",
            "shop::serve::{{closure}}",
            POLL,
        ];
        assert_eq!(rule(&Cause::Futex, TURN, &frames(&spawns)), None);
    }
}
