//! What `#[stallscope::test]` expands to: a builder that is ready, what the test may not exceed, a body, and one of these calls.
//!
//! The runtime is shut down before the test is judged: then no poll of it is in progress, and what was seen of them can be asked for.

mod polls;
mod report;

use std::panic::Location;
use std::process::Termination;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions};

use self::polls::Polls;
use super::alive::{self, Left};
use super::builder::BuilderExt;
use super::root::root_at;
use crate::findings::inquiry;
use crate::{process, watch};

/// What a test may not exceed. Not part of the API.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    long_poll: Option<Duration>,
    may_leave_tasks: bool,
}

impl Limits {
    /// The defaults.
    pub fn new() -> Self {
        Limits::default()
    }

    /// How long a poll may take.
    pub fn long_poll(self, limit: Duration) -> Self {
        Limits {
            long_poll: Some(limit),
            ..self
        }
    }

    /// Whether tasks may be alive when the body has ended.
    pub fn leaks(self, may_leave_tasks: bool) -> Self {
        Limits {
            may_leave_tasks,
            ..self
        }
    }
}

/// Builds the runtime and runs `body` on it, as `#[tokio::test]` would; then judges what was seen.
///
/// # Panics
/// If the runtime cannot be built, with the message of `#[tokio::test]`; if a limit was exceeded.
#[doc(hidden)] // reached through the macro only
#[track_caller]
pub fn test<F>(mut builder: Builder, limits: Limits, body: F) -> F::Output
where
    F: Future,
    F::Output: Termination,
{
    let place = Location::caller();
    let watch = Watch::start(limits, &mut builder);
    let output = {
        let runtime = builder.build().expect("Failed building the Runtime");
        runtime.block_on(watch.around(place, body))
    };
    watch.judge(output)
}

/// As [`test`], on a [`LocalRuntime`](tokio::runtime::LocalRuntime).
///
/// # Panics
/// As [`test`] does.
#[doc(hidden)] // reached through the macro only
#[track_caller]
pub fn test_local<F>(mut builder: Builder, limits: Limits, body: F) -> F::Output
where
    F: Future,
    F::Output: Termination,
{
    let place = Location::caller();
    let watch = Watch::start(limits, &mut builder);
    let output = {
        let options = LocalOptions::default();
        let runtime = builder.build_local(options);
        let runtime = runtime.expect("Failed building the Runtime");
        runtime.block_on(watch.around(place, body))
    };
    watch.judge(output)
}

/// What is kept of a test while it runs; none with `STALLSCOPE=off`.
struct Watch(Option<Kept>);

struct Kept {
    polls: Arc<Polls>,
    may_leave_tasks: bool,
    /// Looked for when the body has ended.
    left: OnceLock<Left>,
}

impl Watch {
    fn start(limits: Limits, builder: &mut Builder) -> Self {
        if !process::start_in_test() {
            return Watch(None);
        }
        let limit = limits.long_poll.unwrap_or_else(process::long_poll);
        inquiry::announce();
        // A stall is first captured at up to one and a half times the age from which on polls are looked at: before it is too long.
        watch::look_from(limit / 2);
        let polls = Polls::new(limit);
        builder.stallscope_with(polls.hooks());
        Watch(Some(Kept {
            polls,
            may_leave_tasks: limits.may_leave_tasks,
            left: OnceLock::new(),
        }))
    }

    /// The body as the root future, watched or not.
    async fn around<F: Future>(&self, place: &'static Location<'static>, body: F) -> F::Output {
        let Some(kept) = &self.0 else {
            return body.await;
        };
        kept.polls.meet_runtime();
        let output = root_at(place, kept.polls.of_body(body)).await;
        if !kept.may_leave_tasks
            && let Some(left) = alive::left().await
        {
            let _ = kept.left.set(left); // there is one body
        }
        output
    }

    /// Lets the test end as its body did, unless a limit was exceeded.
    #[track_caller]
    fn judge<T: Termination>(self, output: T) -> T {
        let Some(kept) = self.0 else {
            return output;
        };
        let left = kept.left.get();
        let left = left.map(|left| left.tell("at the end of the test", "the body of the test"));
        let complaints: Vec<String> = report::complaint(&kept.polls)
            .into_iter()
            .chain(left)
            .collect();
        if complaints.is_empty() {
            return output;
        }
        // Prints an error that the body returned, which nobody would see otherwise.
        let _ = output.report();
        panic!("{}", complaints.join("\n\n"));
    }
}
