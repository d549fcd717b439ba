//! What an expansion calls, from which line: this crate plays stallscope, with a builder that only takes notes.

extern crate self as stallscope;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use stallscope::__private::{CALLS, Call};

/// The names that expansions use, with notes in place of a runtime.
pub(crate) mod __private {
    use std::cell::Cell;
    use std::panic::Location;

    /// One call of `run` or `run_local`.
    #[derive(Debug)]
    pub(crate) struct Call {
        pub(crate) function: &'static str,
        pub(crate) caller: &'static Location<'static>,
        pub(crate) builder: String,
    }

    thread_local! {
        pub(crate) static CALLS: Cell<Vec<Call>> = const { Cell::new(Vec::new()) };
    }

    #[track_caller]
    pub(crate) fn run<F: Future>(builder: tokio::runtime::Builder, body: F) -> F::Output {
        note("run", builder.0, Location::caller());
        super::complete(body)
    }

    #[track_caller]
    pub(crate) fn run_local<F: Future>(builder: tokio::runtime::Builder, body: F) -> F::Output {
        note("run_local", builder.0, Location::caller());
        super::complete(body)
    }

    fn note(function: &'static str, builder: String, caller: &'static Location<'static>) {
        let mut calls = CALLS.take();
        calls.push(Call {
            function,
            caller,
            builder,
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
