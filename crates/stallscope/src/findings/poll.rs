//! Where on a stack does a worker poll a task? By the names of tokio's functions, for runtimes that do not tell their polls.

use stallscope_wire::message::Frame;

/// Whether this is the stack of a worker that polls a task. A stack without names cannot be told from one.
pub(super) fn is_of_a_worker(frames: &[Frame]) -> bool {
    frames.iter().all(|frame| frame.function.is_empty()) || outermost(frames).is_some()
}

/// The address at which the scheduler goes on when the poll returns.
pub(super) fn returns_to(frames: &[Frame]) -> Option<u64> {
    return_address(&frames[outermost(frames)?..])
}

/// The address at which the first of these frames returns.
pub(super) fn return_address(frames: &[Frame]) -> Option<u64> {
    let mut addresses = frames.iter().map(|frame| frame.address);
    // Frames that were inlined into the next one share its address.
    let inlined = addresses.next()?;
    addresses.find(|address| *address != inlined)
}

/// Whether two stacks of one thread may show the same poll: of the same future, in the same function of the application.
pub(super) fn is_same(one: &[Frame], other: &[Frame]) -> bool {
    let poll = |frames: &[Frame]| outermost(frames).map(|at| frames[at].function.clone());
    let innermost = |frames: &[Frame]| {
        let frame = frames.iter().find(|frame| frame.in_app)?;
        Some(frame.function.clone())
    };
    let agree = |one: Option<String>, other| one.is_some() && one == other;
    agree(poll(one), poll(other)) && agree(innermost(one), innermost(other))
}

/// The frame of the task's poll that lies nearest to the scheduler. Polls of executors that run within it lie further in; the worker
/// itself, further out, is polled by the pool that made its thread, as blocking closures are.
fn outermost(frames: &[Frame]) -> Option<usize> {
    let scheduler = frames
        .iter()
        .rposition(|frame| is_in(frame, "runtime::scheduler::"))?;
    frames[..scheduler].iter().rposition(is_call_of_poll)
}

/// Whether schedulers and blocking pools call this to have a task polled. What they call in a build without optimization is no more than a jump to
/// the other in one with.
pub(super) fn is_call_of_poll(frame: &Frame) -> bool {
    is_in(frame, "runtime::task::raw::poll") || is_in(frame, "runtime::task::harness::Harness")
}

/// Whether it is a function of this part of tokio.
pub(super) fn is_in(frame: &Frame, part: &str) -> bool {
    frame.function.starts_with("tokio::") && frame.function.contains(part)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Functions with the addresses of their physical frames, innermost first.
    pub(in super::super) fn stack(functions: &[(&str, u64)]) -> Vec<Frame> {
        let frame = |(function, address): &(&str, u64)| Frame {
            function: (*function).to_owned(),
            address: *address,
            in_app: function.starts_with("app::"),
            origin: function.split("::").next().unwrap_or_default().to_owned(),
            ..Frame::default()
        };
        functions.iter().map(frame).collect()
    }

    const WORKER: (&str, u64) = (
        "tokio::runtime::scheduler::multi_thread::worker::Context::run_task",
        30,
    );

    #[test]
    fn a_worker_in_a_poll_is_told_from_one_that_is_not() {
        let polling = stack(&[
            ("app::handler", 10),
            ("tokio::runtime::task::raw::poll", 20),
            ("tokio::runtime::task::LocalNotified::run", 30),
            WORKER,
        ]);
        assert!(is_of_a_worker(&polling));
        assert_eq!(returns_to(&polling), Some(30));
        let parked = stack(&[
            ("tokio::runtime::park::Inner::park", 10),
            WORKER,
            ("tokio::runtime::task::raw::poll", 40),
            ("tokio::runtime::blocking::pool::Inner::run", 50),
        ]);
        assert!(!is_of_a_worker(&parked));
        let closure = stack(&[
            ("app::closure", 10),
            ("tokio::runtime::task::raw::poll", 20),
            ("tokio::runtime::blocking::pool::Inner::run", 30),
        ]);
        assert!(!is_of_a_worker(&closure));
        assert_eq!(returns_to(&closure), None);
        assert!(is_of_a_worker(&stack(&[("", 10), ("", 20)])));
    }

    #[test]
    fn a_poll_is_known_in_an_optimized_build_too() {
        let optimized = stack(&[
            ("app::handler", 10),
            ("tokio::runtime::task::core::Core<T,S>::poll", 15),
            ("tokio::runtime::task::harness::Harness<T,S>::poll", 20),
            WORKER,
        ]);
        assert_eq!(returns_to(&optimized), Some(30));
    }

    #[test]
    fn a_runtime_within_a_poll_does_not_hide_it() {
        let nested = stack(&[
            ("app::inner", 10),
            ("tokio::runtime::task::raw::poll", 20),
            (
                "tokio::runtime::scheduler::current_thread::Context::run_task",
                25,
            ),
            ("app::outer", 27),
            ("tokio::runtime::task::raw::poll", 28),
            WORKER,
        ]);
        assert_eq!(returns_to(&nested), Some(30));
    }

    #[test]
    fn two_stacks_agree_only_in_future_and_function() {
        let of = |function, poll| stack(&[(function, 10), (poll, 20), WORKER]);
        let (a, b) = (
            "tokio::runtime::task::raw::poll::<A>",
            "tokio::runtime::task::raw::poll::<B>",
        );
        assert!(is_same(&of("app::f", a), &of("app::f", a)));
        assert!(!is_same(&of("app::f", a), &of("app::f", b)));
        assert!(!is_same(&of("app::f", a), &of("app::g", a)));
        assert!(!is_same(&of("std::f", a), &of("std::f", a)));
    }
}
