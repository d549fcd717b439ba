//! What an expansion calls, from which line: this crate plays stallscope, with a builder that only takes notes.

extern crate self as stallscope;

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use stallscope::__private::{CALLS, Call, Limits};

/// The names that expansions use, with notes in place of a runtime.
pub(crate) mod __private {
    use std::cell::Cell;
    use std::ops::RangeInclusive;
    use std::panic::Location;
    use std::time::Duration;

    /// One call of `run`, `test`, or their siblings for a local runtime.
    #[derive(Debug)]
    pub(crate) struct Call {
        pub(crate) function: &'static str,
        pub(crate) caller: &'static Location<'static>,
        pub(crate) builder: String,
        pub(crate) limits: Limits,
    }

    #[derive(Debug, Default, PartialEq)]
    pub(crate) struct Limits {
        pub(crate) long_poll: Option<Duration>,
        pub(crate) leaks: Option<bool>,
        pub(crate) conflicts: Option<bool>,
        pub(crate) seeds: Option<RangeInclusive<u64>>,
    }

    impl Limits {
        pub(crate) fn new() -> Self {
            Self::default()
        }

        pub(crate) fn long_poll(self, limit: Duration) -> Self {
            let long_poll = self.long_poll.or(Some(limit));
            Self { long_poll, ..self }
        }

        pub(crate) fn leaks(self, allowed: bool) -> Self {
            let leaks = self.leaks.or(Some(allowed));
            Self { leaks, ..self }
        }

        pub(crate) fn conflicts(self, allowed: bool) -> Self {
            let conflicts = self.conflicts.or(Some(allowed));
            Self { conflicts, ..self }
        }

        pub(crate) fn perturb(self, seeds: RangeInclusive<u64>) -> Self {
            let seeds = self.seeds.clone().or(Some(seeds));
            Self { seeds, ..self }
        }
    }

    thread_local! {
        pub(crate) static CALLS: Cell<Vec<Call>> = const { Cell::new(Vec::new()) };
    }

    #[track_caller]
    pub(crate) fn run<F: Future>(builder: tokio::runtime::Builder, body: F) -> F::Output {
        note("run", builder.0, Limits::new(), Location::caller());
        super::complete(body)
    }

    #[track_caller]
    pub(crate) fn run_local<F: Future>(builder: tokio::runtime::Builder, body: F) -> F::Output {
        note("run_local", builder.0, Limits::new(), Location::caller());
        super::complete(body)
    }

    #[track_caller]
    pub(crate) fn test<F: Future>(
        builder: tokio::runtime::Builder,
        limits: Limits,
        mut body: impl FnMut() -> F,
    ) -> F::Output {
        note("test", builder.0, limits, Location::caller());
        super::complete(body())
    }

    #[track_caller]
    pub(crate) fn test_local<F: Future>(
        builder: tokio::runtime::Builder,
        limits: Limits,
        mut body: impl FnMut() -> F,
    ) -> F::Output {
        note("test_local", builder.0, limits, Location::caller());
        super::complete(body())
    }

    fn note(
        function: &'static str,
        builder: String,
        limits: Limits,
        caller: &'static Location<'static>,
    ) {
        let mut calls = CALLS.take();
        calls.push(Call {
            function,
            caller,
            builder,
            limits,
        });
        CALLS.set(calls);
    }

    pub(crate) mod tokio {
        pub(crate) mod runtime {
            use std::fmt::Debug;

            #[derive(Debug)]
            pub(crate) enum UnhandledPanic {
                Ignore,
                ShutdownRuntime,
            }

            /// The calls of its methods, in order.
            pub(crate) struct Builder(pub(crate) String);

            impl Builder {
                pub(crate) fn new_multi_thread() -> Self {
                    Self("multi_thread".to_owned())
                }

                pub(crate) fn new_current_thread() -> Self {
                    Self("current_thread".to_owned())
                }

                pub(crate) fn enable_all(&mut self) -> &mut Self {
                    self.set("enable_all", ())
                }

                pub(crate) fn worker_threads(&mut self, threads: usize) -> &mut Self {
                    self.set("worker_threads", threads)
                }

                pub(crate) fn start_paused(&mut self, paused: bool) -> &mut Self {
                    self.set("start_paused", paused)
                }

                pub(crate) fn unhandled_panic(&mut self, behavior: UnhandledPanic) -> &mut Self {
                    self.set("unhandled_panic", behavior)
                }

                pub(crate) fn name(&mut self, name: impl Into<String>) -> &mut Self {
                    self.set("name", name.into())
                }

                fn set(&mut self, method: &str, value: impl Debug) -> &mut Self {
                    self.0 = format!("{} {method}={value:?}", self.0);
                    self
                }
            }
        }
    }
}

/// What the fn returns, and the one call that it made.
fn observe<T>(function: impl FnOnce() -> T) -> (T, Call) {
    CALLS.take();
    let output = function();
    let [call] = <[Call; 1]>::try_from(CALLS.take()).expect("an expansion makes one call");
    (output, call)
}

fn complete<F: Future>(body: F) -> F::Output {
    match pin!(body).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("no body in here waits"),
    }
}

#[stallscope_macros::main]
async fn default() -> u8 {
    1
}

#[stallscope_macros::main(worker_threads = 3, name = "billing", flavor = "multi_thread")]
async fn workers() -> u8 {
    2
}

#[stallscope_macros::main(
    unhandled_panic = "shutdown_runtime",
    flavor = "current_thread",
    start_paused = true
)]
async fn one_thread() -> u8 {
    3
}

#[stallscope_macros::main(flavor = "local", unhandled_panic = "ignore")]
async fn local() -> u8 {
    4
}

#[test]
fn builder_gets_what_the_arguments_say_and_everything_enabled() {
    let (output, call) = observe(default);
    assert_eq!((output, call.function), (1, "run"));
    assert_eq!(call.builder, "multi_thread enable_all=()");

    let (output, call) = observe(workers);
    assert_eq!((output, call.function), (2, "run"));
    let expected = r#"multi_thread enable_all=() worker_threads=3 name="billing""#;
    assert_eq!(call.builder, expected);

    let (output, call) = observe(one_thread);
    assert_eq!((output, call.function), (3, "run"));
    let expected = "current_thread enable_all=() start_paused=true unhandled_panic=ShutdownRuntime";
    assert_eq!(call.builder, expected);

    let (output, call) = observe(local);
    assert_eq!((output, call.function), (4, "run_local"));
    assert_eq!(
        call.builder,
        "current_thread enable_all=() unhandled_panic=Ignore"
    );
}

/// Each is a test of its own as well.
mod tests {
    use std::fmt::Error;

    #[stallscope_macros::test]
    pub(super) async fn default() {}

    #[stallscope_macros::test(
        long_poll = "1500ms",
        flavor = "multi_thread",
        worker_threads = 2,
        leaks = "deny",
        perturb = 0x2a
    )]
    pub(super) async fn with_limit() -> Result<(), Error> {
        Ok(())
    }

    #[stallscope_macros::test(
        flavor = "local",
        start_paused = true,
        Long_Poll = "1m",
        leaks = "allow",
        perturb = "7 .. 9",
        conflicts = "allow"
    )]
    pub(super) async fn local() {}

    #[stallscope_macros::test]
    #[should_panic(expected = "as it should")]
    async fn panics() {
        panic!("as it should");
    }

    #[stallscope_macros::test]
    #[ignore = "would fail"]
    async fn is_ignored() {
        unreachable!();
    }
}

#[test]
fn test_gets_one_thread_unless_told_otherwise_and_its_limits() {
    let ((), call) = observe(tests::default);
    assert_eq!((call.function, call.limits), ("test", Limits::new()));
    assert_eq!(call.builder, "current_thread enable_all=()");

    let (output, call) = observe(tests::with_limit);
    assert_eq!((output, call.function), (Ok(()), "test"));
    let limits = Limits::new().long_poll(Duration::from_millis(1500));
    assert_eq!(call.limits, limits.leaks(false).perturb(42..=42));
    assert_eq!(call.builder, "multi_thread enable_all=() worker_threads=2");

    let ((), call) = observe(tests::local);
    assert_eq!(call.function, "test_local");
    let limits = Limits::new().long_poll(Duration::from_secs(60));
    let limits = limits.leaks(true).conflicts(true).perturb(7..=8);
    assert_eq!(call.limits, limits);
    assert_eq!(
        call.builder,
        "current_thread enable_all=() start_paused=true"
    );
}

mod elsewhere {
    pub(super) use crate::__private::tokio as renamed;
}

#[stallscope_macros::main(crate = "elsewhere::renamed", flavor = "local")]
async fn renamed() {}

#[test]
fn renamed_tokio_is_run_by_stallscope_all_the_same() {
    let ((), call) = observe(renamed);
    assert_eq!(call.function, "run_local");
    assert_eq!(call.builder, "current_thread enable_all=()");
}

/// The attribute and the fn are lines apart, so that one cannot be taken for the other.
mod placed {
    #[stallscope_macros::main]
    // A comment.
    #[must_use]
    pub(super) async fn run() -> u32 {
        line!() - 1
    }

    #[stallscope_macros::main(flavor = "local")]
    // A comment.
    #[must_use]
    pub(super) async fn run_local() -> u32 {
        line!() - 1
    }
}

#[test]
fn caller_is_the_line_of_the_fn() {
    for function in [placed::run, placed::run_local] {
        let (line_of_fn, call) = observe(function);
        assert_eq!(call.caller.line(), line_of_fn);
        assert_eq!(call.caller.file(), file!());
    }
}
