//! What `#[stallscope::test]` expands to: a builder that is ready, what the test may not exceed, a body, and one of these calls.
//!
//! The runtime is shut down before the test is judged: then no poll of it is in progress, and what was seen of them can be asked for.

mod conflicts;
mod meetings;
mod polls;
mod report;
mod seeds;
mod standstill;

use std::any::Any;
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::process::Termination;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions};

use self::polls::Polls;
pub(crate) use self::standstill::end_if_blocked;
use super::alive::{self, Left};
use super::builder::BuilderExt;
use super::root::root_at;
use crate::findings::inquiry;
use crate::sync::trial::{Running, Trial};
use crate::{process, watch};

/// What a test may not exceed, and with which seeds it is perturbed. Not part of the API.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    long_poll: Option<Duration>,
    may_leave_tasks: bool,
    may_conflict: bool,
    seeds: Option<RangeInclusive<u64>>,
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

    /// Whether state may be used without an order.
    pub fn conflicts(self, may_conflict: bool) -> Self {
        Limits {
            may_conflict,
            ..self
        }
    }

    /// The body is run once with each of these seeds.
    pub fn perturb(self, seeds: RangeInclusive<u64>) -> Self {
        Limits {
            seeds: Some(seeds),
            ..self
        }
    }
}

/// Builds the runtime and runs what `body` makes on it, as `#[tokio::test]` would; then judges what was seen. So once with each seed.
///
/// # Panics
/// If the runtime cannot be built, with the message of `#[tokio::test]`; if a limit was exceeded.
#[doc(hidden)] // reached through the macro only
#[track_caller]
#[allow(clippy::needless_pass_by_value)] // the macro makes them
pub fn test<B, F>(mut builder: Builder, limits: Limits, mut body: B) -> F::Output
where
    B: FnMut() -> F,
    F: Future,
    F::Output: Termination,
{
    let place = Location::caller();
    let verdict = seeds::each::<B, _>(limits.seeds(), |seed| {
        let watch = Watch::start::<B>(&limits, seed, &mut builder);
        let output = watch.guard(|| {
            let runtime = builder.build().expect("Failed building the Runtime");
            let output = runtime.block_on(watch.around(place, body()));
            if output.is_none() {
                // Threads of it may be blocked for good.
                runtime.shutdown_background();
            }
            output
        })?;
        watch.judge(output)
    });
    match verdict {
        Ok(output) => output,
        Err(complaint) => panic!("{complaint}"),
    }
}

/// As [`test`], on a [`LocalRuntime`](tokio::runtime::LocalRuntime).
///
/// # Panics
/// As [`test`] does.
#[doc(hidden)] // reached through the macro only
#[track_caller]
#[allow(clippy::needless_pass_by_value)] // the macro makes them
pub fn test_local<B, F>(mut builder: Builder, limits: Limits, mut body: B) -> F::Output
where
    B: FnMut() -> F,
    F: Future,
    F::Output: Termination,
{
    let place = Location::caller();
    let verdict = seeds::each::<B, _>(limits.seeds(), |seed| {
        let watch = Watch::start::<B>(&limits, seed, &mut builder);
        let output = watch.guard(|| {
            let options = LocalOptions::default();
            let runtime = builder.build_local(options);
            let runtime = runtime.expect("Failed building the Runtime");
            let output = runtime.block_on(watch.around(place, body()));
            if output.is_none() {
                // Closures of it may be blocked for good.
                runtime.shutdown_background();
            }
            output
        })?;
        watch.judge(output)
    });
    match verdict {
        Ok(output) => output,
        Err(complaint) => panic!("{complaint}"),
    }
}

impl Limits {
    /// Those of the environment in place of those of the attribute; none where nothing is watched.
    fn seeds(&self) -> Option<RangeInclusive<u64>> {
        let written = self.seeds.clone()?;
        process::start_in_test().then(|| process::seeds().unwrap_or(written))
    }
}

/// How a test has failed.
enum Failure {
    /// Its body ended as it should, but a limit was exceeded.
    Complaint(String),
    Panic(Box<dyn Any + Send>),
}

impl Failure {
    /// The complaint. A panic goes on with the very payload it began with.
    fn or_go_on(self) -> String {
        match self {
            Failure::Complaint(complaint) => complaint,
            Failure::Panic(payload) => resume_unwind(payload),
        }
    }
}

/// What is kept of a test while it runs; none with `STALLSCOPE=off`.
struct Watch(Option<Kept>);

struct Kept {
    polls: Arc<Polls>,
    trial: Arc<Trial>,
    may_leave_tasks: bool,
    running: OnceLock<Running>,
    /// Looked for when the body has ended.
    left: OnceLock<Left>,
}

impl Watch {
    /// `B` is the body: it knows the test's name.
    fn start<B>(limits: &Limits, seed: Option<u64>, builder: &mut Builder) -> Self {
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
            trial: Trial::new(seeds::name_of::<B>(), seed, limits.may_conflict),
            may_leave_tasks: limits.may_leave_tasks,
            running: OnceLock::new(),
            left: OnceLock::new(),
        }))
    }

    /// Runs the test up to the end of its runtime. To a panic of the body is added what may have caused it.
    fn guard<T>(&self, test: impl FnOnce() -> T) -> Result<T, Failure> {
        catch_unwind(AssertUnwindSafe(test)).map_err(|payload| {
            for complaint in self.of_trial() {
                eprintln!("{complaint}");
            }
            Failure::Panic(payload)
        })
    }

    /// The body as the root future, watched or not. None if it has to be ended, because it waits for good.
    async fn around<F: Future>(
        &self,
        place: &'static Location<'static>,
        body: F,
    ) -> Option<F::Output> {
        let Some(kept) = &self.0 else {
            return Some(body.await);
        };
        kept.polls.meet_runtime();
        let _ = kept.running.set(kept.trial.runs_here()); // once
        let body = root_at(place, kept.polls.of_body(body));
        let output = kept.trial.unless_stuck(body).await?;
        if !kept.may_leave_tasks
            && let Some(left) = alive::left().await
        {
            let _ = kept.left.set(left); // there is one body
        }
        kept.trial.is_over();
        Some(output)
    }

    /// What its tasks and threads did to state they share, and to each other by locks.
    fn of_trial(&self) -> Vec<String> {
        let Some(kept) = &self.0 else {
            return Vec::new();
        };
        let conflicts = conflicts::complaint(&kept.trial);
        let waits = standstill::complaint(&kept.trial);
        let meetings = meetings::complaint(&kept.trial);
        conflicts.into_iter().chain(waits).chain(meetings).collect()
    }

    /// Lets the test end as its body did, unless a limit was exceeded. To be called when the runtime is gone, or, of a body that had to be ended, let go.
    fn judge<T: Termination>(self, output: Option<T>) -> Result<T, Failure> {
        let of_trial = self.of_trial();
        let Some(output) = output else {
            // Polls that are still in progress, and tasks that are left, are what comes of it.
            return Err(Failure::Complaint(of_trial.join("\n\n")));
        };
        let Some(kept) = self.0 else {
            return Ok(output);
        };
        let left = kept.left.get();
        let left = left.map(|left| left.tell("at the end of the test", "the body of the test"));
        let complaints: Vec<String> = report::complaint(&kept.polls)
            .into_iter()
            .chain(of_trial)
            .chain(left)
            .collect();
        if complaints.is_empty() {
            return Ok(output);
        }
        // Prints an error that the body returned, which nobody would see otherwise.
        let _ = output.report();
        Err(Failure::Complaint(complaints.join("\n\n")))
    }
}
