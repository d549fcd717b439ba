//! Which polls of a test's runtime took longer than they may, and how much of that was the program's doing?
//!
//! The recorder keeps wall time, in which the machine has a part; a test that fails because others ran beside it is worth nothing. So the
//! polls of a test are timed a second time, with what the kernel says of the thread: how long it ran, and how long it waited to run.
//! Reading that takes some microseconds, so a poll makes do with the last reading if it is recent: the time between them is small enough
//! to be charged to the machine.

use std::cell::Cell;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;
use stallscope_stack::Tid;
use stallscope_stack::kernel::{SchedTimes, ThreadState};

use crate::entry::allow;
use crate::findings::inquiry::PollInQuestion;
use crate::recorder::{RECORDER, Ticks};
use crate::runtimes::{RUNTIMES, RuntimeIndex, SHARED};
use crate::sync::perturb;
use crate::watch::pauses;

/// How old a reading of the thread's times may be at the beginning of a poll.
const RECENT: Duration = Duration::from_millis(1);

/// Polls that are kept; who stalls more often is told of these.
const KEPT: usize = 256;

/// The polls of one test.
#[derive(Debug)]
pub(super) struct Polls {
    limit: Duration,
    /// The runtime, if it does not tell the polls of its tasks: the watchdog sees some of them.
    untold: OnceLock<RuntimeIndex>,
    long: Mutex<Vec<LongPoll>>,
}

/// A poll that took longer than it may, as far as the machine is not known to have caused it.
#[derive(Clone, Debug)]
pub(super) struct LongPoll {
    /// The number of the thread's record and the beginning in ticks: how findings know it.
    key: (u16, Ticks),
    pub(super) what: What,
    began: Instant,
    /// Wall time.
    pub(super) lasted: Duration,
    /// Of that, neither spent in `allow_blocking` nor, as far as it is known, kept from running.
    held: Duration,
    /// Of that, known to be spent on a processor; none if the kernel does not say, or the worker was handed on meanwhile.
    pub(super) computed: Option<Duration>,
}

impl LongPoll {
    pub(super) fn in_question(&self) -> PollInQuestion {
        let (thread, started) = self.key;
        PollInQuestion {
            thread,
            started: started.0,
            lasted: self.lasted,
        }
    }

    /// How long the program itself held the thread, as far as it is known. To be asked after the watchdog has looked again: it is who notices
    /// that the process as a whole stood still.
    pub(super) fn held(&self) -> Duration {
        let stood_still = pauses::between(self.began, self.began + self.lasted);
        self.held.saturating_sub(stood_still)
    }
}

/// What was polled.
#[derive(Clone, Debug)]
pub(super) enum What {
    Body,
    #[cfg_attr(not(tokio_unstable), allow(dead_code))] // no hook tells
    Task {
        id: u64,
        /// Taken at once: it is forgotten with the task.
        name: Option<Arc<str>>,
        spawned_at: &'static Location<'static>,
    },
}

impl Polls {
    pub(super) fn new(limit: Duration) -> Arc<Self> {
        Arc::new(Polls {
            limit,
            untold: OnceLock::new(),
            long: Mutex::new(Vec::new()),
        })
    }

    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// To be called within the runtime.
    pub(super) fn meet_runtime(&self) {
        if let Some((index, watched)) = RUNTIMES.current()
            && !watched.is_hooked()
            // Those beyond share it: who stalled cannot be told.
            && index != SHARED
        {
            let _ = self.untold.set(index);
        }
    }

    pub(super) fn untold(&self) -> Option<RuntimeIndex> {
        self.untold.get().copied()
    }

    /// The long ones so far.
    pub(super) fn long(&self) -> Vec<LongPoll> {
        self.long
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The body of the test, with its polls timed, and some of them given to others if the test is perturbed.
    pub(super) fn of_body<F: Future>(
        self: &Arc<Self>,
        body: F,
    ) -> impl Future<Output = F::Output> + use<F> {
        Body {
            future: body,
            polls: self.clone(),
            gave_way: 0,
        }
    }

    fn ended(
        &self,
        stopwatch: &Stopwatch,
        what: impl FnOnce() -> What,
        handed_on: impl FnOnce() -> bool,
    ) {
        let lasted = stopwatch.began.elapsed();
        if lasted <= self.limit {
            return;
        }
        let intended = allow::time_of_this_thread().saturating_sub(stopwatch.intended);
        let mut held = lasted.saturating_sub(intended);
        let mut computed = None;
        if let (Some(before), Some(after)) = (stopwatch.before.times, times_of_this_thread()) {
            let gap = stopwatch
                .began
                .saturating_duration_since(stopwatch.before.at);
            held =
                held.saturating_sub(after.waiting_for_cpu.saturating_sub(before.waiting_for_cpu));
            computed = (!handed_on()).then(|| {
                let ran = after.on_cpu.saturating_sub(before.on_cpu);
                ran.saturating_sub(gap + intended)
            });
        }
        let Some(key) = RECORDER.current_poll().filter(|_| held > self.limit) else {
            return;
        };
        let mut long = self.long.lock().unwrap_or_else(PoisonError::into_inner);
        if long.len() < KEPT {
            long.push(LongPoll {
                key,
                what: what(),
                began: stopwatch.began,
                lasted,
                held,
                computed,
            });
        }
    }
}

/// Runs from the beginning of a poll to its end.
struct Stopwatch {
    began: Instant,
    before: Reading,
    /// What the thread had spent in `allow_blocking`.
    intended: Duration,
}

/// What the kernel says of the thread's times; none where it does not say.
#[derive(Clone, Copy)]
struct Reading {
    at: Instant,
    times: Option<SchedTimes>,
}

thread_local! {
    static LAST: Cell<Option<Reading>> = const { Cell::new(None) };
}

impl Stopwatch {
    fn start() -> Self {
        let now = Instant::now();
        let last = LAST
            .try_with(Cell::get)
            .ok()
            .flatten()
            .filter(|last| now.saturating_duration_since(last.at) < RECENT);
        let before = last.unwrap_or_else(|| {
            let reading = Reading {
                at: now,
                times: times_of_this_thread(),
            };
            let _ = LAST.try_with(|last| last.set(Some(reading))); // the thread ends: the next poll reads again
            reading
        });
        Stopwatch {
            began: now,
            before,
            intended: allow::time_of_this_thread(),
        }
    }
}

fn times_of_this_thread() -> Option<SchedTimes> {
    ThreadState::read_times(Tid::current()?)
}

pin_project! {
    struct Body<F> {
        #[pin]
        future: F,
        polls: Arc<Polls>,
        gave_way: u8,
    }
}

impl<F: Future> Future for Body<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if perturb::gives_way(this.gave_way, context) {
            return Poll::Pending;
        }
        let stopwatch = Stopwatch::start();
        let output = this.future.poll(context);
        // Outside of the workers, `block_in_place` leaves no trace.
        this.polls
            .ended(&stopwatch, || What::Body, can_be_handed_on);
        output
    }
}

fn can_be_handed_on() -> bool {
    let flavor = tokio::runtime::Handle::try_current().map(|handle| handle.runtime_flavor());
    !matches!(flavor, Ok(tokio::runtime::RuntimeFlavor::CurrentThread))
}

#[cfg(tokio_unstable)]
mod tasks {
    //! The polls of tasks, by hooks beside those of the hooks tier.

    use std::cell::Cell;
    use std::sync::Arc;

    use tokio::runtime::{Handle, TaskMeta, worker_index};

    use super::{Polls, Stopwatch, What, can_be_handed_on};
    use crate::entry::hooks::Hooks;
    use crate::recorder::{RECORDER, TaskId};

    thread_local! {
        /// Of the poll in progress. Of a poll within a poll, which only an executor of the test's own can bring about, the inner one's.
        static RUNNING: Cell<Option<Stopwatch>> = const { Cell::new(None) };
    }

    impl Polls {
        /// Hooks that time the polls of tasks.
        pub(in crate::entry::test) fn hooks(self: &Arc<Self>) -> Hooks {
            let polls = self.clone();
            Hooks::new()
                .on_before_task_poll(|_| {
                    let _ = RUNNING.try_with(|running| running.set(Some(Stopwatch::start())));
                })
                .on_after_task_poll(move |task| {
                    if let Ok(Some(stopwatch)) = RUNNING.try_with(Cell::take) {
                        polls.ended(&stopwatch, || what(task), was_handed_on);
                    }
                })
        }
    }

    fn what(task: &TaskMeta<'_>) -> What {
        let id = TaskId::of(task.id());
        What::Task {
            id: id.0,
            name: RECORDER.name(id),
            spawned_at: task.spawned_at(),
        }
    }

    /// Whether another thread has become the worker that this one was when the poll began: `block_in_place` does that.
    fn was_handed_on() -> bool {
        if !can_be_handed_on() {
            return false;
        }
        let (Some(worker), Ok(handle)) = (worker_index(), Handle::try_current()) else {
            return true;
        };
        let metrics = handle.metrics();
        worker >= metrics.num_workers()
            || metrics.worker_thread_id(worker) != Some(std::thread::current().id())
    }
}

#[cfg(not(tokio_unstable))]
impl Polls {
    /// No hook tells of tasks.
    pub(super) fn hooks(self: &Arc<Self>) -> crate::entry::hooks::Hooks {
        let _ = self;
        crate::entry::hooks::Hooks::new()
    }
}
