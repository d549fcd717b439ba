//! A closure of a blocking pool that does not return, as a finding. The names on its thread's stack tell that it is one.

use stallscope_stack::kernel::Cause;
use stallscope_wire::message::{Certainty, Frame};

use super::finding::{Occurrence, Place};
use super::poll::{is_call_of_poll, is_in, return_address};
use super::rules::Rule;
use super::store::Episode;
use super::{Findings, nanos, unix_now};
use crate::process;
use crate::recorder::RECORDER;
use crate::watch::{Elderly, Whereabouts};

impl Findings {
    /// Looks at those threads of the blocking pools that are due.
    pub(crate) fn look_at_pools(&mut self) {
        let limit = nanos(process::stuck_blocking());
        let now = nanos(RECORDER.clock().uptime());
        let Findings { pools, analyst, .. } = self;
        let told = pools.look(now, limit, &mut |stack| {
            whereabouts(&analyst.frames(stack).0)
        });
        for closure in told {
            self.has_aged(closure);
        }
    }

    fn has_aged(&mut self, closure: Elderly) {
        let episode = Episode::Closure {
            thread: closure.thread,
            since: closure.since,
        };
        let Some(sight) = closure.sight else {
            self.store.over(episode, closure.length, unix_now());
            return;
        };
        let (frames, _) = self.analyst.frames(&sight.stack);
        if waits_for_input(&frames) {
            return;
        }
        let place = Place::of(&frames, None);
        self.found(Occurrence {
            detail: match sight.doing {
                Cause::Unknown => String::new(),
                doing => doing.to_string(),
            },
            certainty: Certainty::Likely,
            frames,
            tid: closure.tid,
            length: closure.length,
            ..Occurrence::of(episode, Rule::StuckBlocking, place)
        });
    }
}

/// Whether the thread with this stack is one of a pool, not a worker, and in no closure.
pub(super) fn is_between_closures(frames: &[Frame]) -> bool {
    !is_worker(frames) && matches!(whereabouts(frames), Some(Whereabouts::Elsewhere { .. }))
}

fn is_worker(frames: &[Frame]) -> bool {
    let is_one = |frame: &Frame| WORKER.iter().any(|part| is_in(frame, part));
    frames.iter().any(is_one)
}

/// Where the thread with this stack is; none if it is no thread of a pool, or has no names.
fn whereabouts(frames: &[Frame]) -> Option<Whereabouts> {
    let is_worker = |frame: &&Frame| WORKER.iter().any(|part| is_in(frame, part));
    if let Some(worker) = frames.iter().rev().find(is_worker) {
        return Some(Whereabouts::Elsewhere {
            known_by: worker.address,
        });
    }
    let of_pool = |frame: &Frame| is_in(frame, "runtime::blocking::pool::");
    let outermost = frames.iter().rposition(of_pool)?;
    let called = frames[..outermost].iter().rposition(is_call_of_poll);
    let Some(called) = called else {
        let innermost = frames.iter().find(|frame| of_pool(frame))?;
        return Some(Whereabouts::Elsewhere {
            known_by: innermost.address,
        });
    };
    let returns_to = return_address(&frames[called..])?;
    Some(Whereabouts::InClosure { returns_to })
}

/// What only a worker has on its stack; what a closure of the application may call, `block_in_place` for one, is not among it.
const WORKER: [&str; 3] = [
    "scheduler::multi_thread::worker::run",
    "scheduler::multi_thread::worker::Context::run",
    "scheduler::multi_thread::worker::Launch",
];

/// `tokio::io::stdin` reads in a closure: it lasts until somebody types.
fn waits_for_input(frames: &[Frame]) -> bool {
    let is_stdin = |frame: &Frame| frame.origin == "std" && frame.function.contains("Stdin");
    !frames.iter().any(|frame| frame.in_app) && frames.iter().any(is_stdin)
}

#[cfg(test)]
mod tests {
    use super::super::poll::tests::stack;
    use super::*;

    const RUN: (&str, u64) = ("tokio::runtime::blocking::pool::LockedImpl::run_worker", 90);
    /// It returns to [`RUN`].
    const IN_CLOSURE: Option<Whereabouts> = Some(Whereabouts::InClosure { returns_to: 90 });

    /// The thread of a closure that has called all this.
    fn closure_that_calls(callees: &[(&str, u64)]) -> Option<Whereabouts> {
        let closure = [
            ("app::import::{closure#0}", 40),
            ("tokio::runtime::task::raw::poll", 50),
            RUN,
        ];
        whereabouts(&stack(&[callees, &closure].concat()))
    }

    #[test]
    fn a_thread_that_waits_for_a_closure_is_between_two_and_a_worker_is_not() {
        let waits = [("std::sys::sync::condvar::futex::Condvar::wait", 10), RUN];
        assert!(is_between_closures(&stack(&waits)));
        let worker = [("tokio::runtime::scheduler::multi_thread::worker::run", 20)];
        assert!(!is_between_closures(&stack(
            &[&waits[..1], &worker, &[RUN]].concat()
        )));
        let closure = [
            ("app::import::{closure#0}", 40),
            ("tokio::runtime::task::raw::poll", 50),
            RUN,
        ];
        assert!(!is_between_closures(&stack(&closure)));
    }

    #[test]
    fn a_closure_returns_to_the_pool() {
        assert_eq!(
            closure_that_calls(&[("std::thread::sleep", 10)]),
            IN_CLOSURE
        );
    }

    #[test]
    fn frames_that_were_inlined_into_the_pools_are_not_where_it_returns_to() {
        let closure = stack(&[
            ("app::import::{closure#0}", 20),
            ("tokio::runtime::task::raw::poll", 30),
            ("tokio::runtime::task::raw::RawTask::poll", 90),
            ("tokio::runtime::blocking::pool::Task::run", 90),
            RUN,
        ]);
        assert_eq!(whereabouts(&closure), IN_CLOSURE);
    }

    #[test]
    fn a_closure_is_known_in_an_optimized_build_too() {
        // The names of what was inlined have lost where they are from.
        let closure = stack(&[
            ("{closure#0}", 20),
            ("tokio::runtime::task::core::Core<T,S>::poll", 30),
            ("tokio::runtime::task::harness::Harness<T,S>::poll", 40),
            ("poll", 90),
            ("run_worker", 90),
            ("tokio::runtime::blocking::pool::Inner::run", 90),
        ]);
        assert_eq!(whereabouts(&closure), IN_CLOSURE);
    }

    #[test]
    fn a_runtime_within_a_closure_does_not_hide_it() {
        let runtime = [
            ("app::inner", 10),
            ("tokio::runtime::task::raw::poll", 20),
            (
                "tokio::runtime::scheduler::current_thread::Context::run_task",
                30,
            ),
        ];
        assert_eq!(closure_that_calls(&runtime), IN_CLOSURE);
    }

    #[test]
    fn a_closure_that_calls_block_in_place_is_one_all_the_same() {
        let in_place = [
            ("app::import", 10),
            (
                "tokio::runtime::scheduler::multi_thread::worker::block_in_place",
                20,
            ),
            ("tokio::task::blocking::block_in_place", 30),
        ];
        assert_eq!(closure_that_calls(&in_place), IN_CLOSURE);
    }

    #[test]
    fn a_thread_that_waits_for_work_and_a_worker_are_in_no_closure() {
        let idle = stack(&[
            ("std::sys::futex_wait", 10),
            ("std::sync::Condvar::wait_timeout", 20),
            RUN,
        ]);
        assert_eq!(
            whereabouts(&idle),
            Some(Whereabouts::Elsewhere { known_by: 90 })
        );
        let in_place = stack(&[
            ("app::handler::{closure#0}", 10),
            ("tokio::task::blocking::block_in_place", 20),
            ("app::handler", 30),
            ("tokio::runtime::task::raw::poll", 40),
            (
                "tokio::runtime::scheduler::multi_thread::worker::Context::run_task",
                50,
            ),
            ("tokio::runtime::scheduler::multi_thread::worker::run", 60),
            ("tokio::runtime::task::raw::poll", 70),
            RUN,
        ]);
        assert_eq!(
            whereabouts(&in_place),
            Some(Whereabouts::Elsewhere { known_by: 60 })
        );
    }

    #[test]
    fn what_has_no_names_is_nowhere() {
        assert_eq!(whereabouts(&stack(&[("", 10), ("", 20)])), None);
        assert_eq!(
            whereabouts(&stack(&[("app::main", 10), ("std::main", 20)])),
            None
        );
    }

    #[test]
    fn a_program_that_waits_for_its_user_is_not_stuck() {
        let stdin = [
            ("std::io::stdio::Stdin::read", 10),
            ("tokio::io::blocking::Buf::read_from", 20),
        ];
        assert!(waits_for_input(&stack(&stdin)));
        let own = [
            ("std::io::stdio::Stdin::read_line", 10),
            ("app::prompt", 20),
        ];
        assert!(!waits_for_input(&stack(&own)));
    }
}
