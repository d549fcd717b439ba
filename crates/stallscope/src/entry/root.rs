//! The root future: what is given to `block_on`, usually the body of `main`. No runtime hook sees
//! it, so it is wrapped.

use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::scout;
use crate::process;
use crate::recorder::{RECORDER, TaskId};
use crate::runtimes::{RUNTIMES, RuntimeIndex, Watched};
use crate::sync::left_entered::LeftEntered;

/// Watches a root future: the one given to `block_on`, which no hook of the runtime sees. Works on
/// every tier.
///
/// It becomes the root of the task tree; tasks it spawns appear below it. What a `LocalSet` inside
/// it does in one poll counts as that poll. The future need be neither `Send` nor `'static`.
///
/// ```
/// use stallscope::BuilderExt;
///
/// let runtime = tokio::runtime::Builder::new_current_thread().stallscope().build()?;
/// let text = String::from("borrowed");
/// let length = runtime.block_on(stallscope::root(async { text.len() }));
/// assert_eq!(length, 8);
/// # Ok::<(), std::io::Error>(())
/// ```
#[track_caller]
pub fn root<F: Future>(future: F) -> impl Future<Output = F::Output> {
    root_at(Location::caller(), future)
}

pub(super) fn root_at<F: Future>(
    place: &'static Location<'static>,
    future: F,
) -> impl Future<Output = F::Output> {
    Root {
        future,
        place,
        watch: Watch::NotYet,
    }
}

pin_project! {
    struct Root<F> {
        #[pin]
        future: F,
        place: &'static Location<'static>,
        watch: Watch,
    }
}

/// A root future is announced at its first poll: only then is the runtime known.
enum Watch {
    NotYet,
    /// Switched off, or more root futures than can be told apart.
    Nothing,
    On(Announced),
}

struct Announced {
    id: TaskId,
    runtime: RuntimeIndex,
    watched: Arc<Watched>,
    spans: LeftEntered,
}

impl<F: Future> Future for Root<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if let Watch::NotYet = this.watch {
            *this.watch = announce(this.place).map_or(Watch::Nothing, Watch::On);
        }
        let Watch::On(announced) = this.watch else {
            return this.future.poll(context);
        };
        let _poll = PollGuard::begin(announced.id, announced.runtime);
        let poll = this.future.poll(context);
        if poll.is_pending() {
            announced.spans.is_pending();
        }
        poll
    }
}

fn announce(place: &'static Location<'static>) -> Option<Announced> {
    if !process::start() {
        return None;
    }
    let (runtime, watched) = RUNTIMES.current()?;
    let id = RECORDER.root_started(place, runtime)?;
    watched.hold();
    if !watched.is_hooked() {
        scout::meet_workers(runtime);
    }
    Some(Announced {
        id,
        runtime,
        watched,
        spans: LeftEntered::new(place),
    })
}

impl Drop for Announced {
    fn drop(&mut self) {
        RECORDER.root_ended(self.id);
        self.watched.let_go();
    }
}

/// A poll in progress; it ends when the guard is dropped, also by a panic.
struct PollGuard(TaskId);

impl PollGuard {
    fn begin(id: TaskId, runtime: RuntimeIndex) -> Self {
        let _ = RECORDER.poll_started(id, runtime);
        PollGuard(id)
    }
}

impl Drop for PollGuard {
    fn drop(&mut self) {
        RECORDER.poll_ended(self.0);
    }
}
