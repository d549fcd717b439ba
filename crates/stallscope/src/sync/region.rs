//! Regions that must be of one piece: what happens to tracked state inside of one, and how it ends.

use std::cell::RefCell;
use std::panic::Location;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::conflict::{CONFLICTS, Side};
use super::party::Party;
use super::{here, is_on, perturb};
use crate::findings::Rule;

/// Watches a region of a task that is meant to happen as a whole, or not at all.
///
/// Two things become findings:
///
/// - `torn-region`: the region is dropped before its end (by `select!`, a timeout, an abort, a panic) after it has written through a
///   [`Mutex`](crate::sync::Mutex), an [`RwLock`](crate::sync::RwLock), one of [`blocking`](crate::sync::blocking), or a
///   [`Shared`](crate::sync::Shared).
/// - `lost-update`: within the region such a lock is let go of and taken again, somebody else wrote through it in between, and the
///   region writes all the same.
///
/// A lock held through the whole region gives no such finding, and neither does a region that only reads. Reading through a guard is `Deref`, writing is
/// `DerefMut`. The region changes nothing but what is known: it neither locks nor rolls back.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use stallscope::sync::Mutex;
///
/// let (from, to) = (Mutex::new(100), Mutex::new(0));
/// stallscope::atomic("transfer", async {
///     *from.lock().await -= 10;
///     // If the task were cancelled at this `.await`, the money would be gone.
///     *to.lock().await += 10;
/// })
/// .await;
/// # }
/// ```
#[track_caller]
pub fn atomic<F: Future>(name: &'static str, region: F) -> impl Future<Output = F::Output> {
    let place = Location::caller();
    Atomic {
        future: region,
        state: is_on().then(|| Box::new(State::new(name, place))),
        gave_way: 0,
    }
}

pin_project! {
    struct Atomic<F> {
        #[pin]
        future: F,
        // None: not watched, or over, or being polled further out.
        state: Option<Box<State>>,
        // So often in a row. Tests only.
        gave_way: u8,
    }

    impl<F> PinnedDrop for Atomic<F> {
        fn drop(this: Pin<&mut Self>) {
            if let Some(state) = this.project().state.take() {
                state.torn();
            }
        }
    }
}

impl<F: Future> Future for Atomic<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if perturb::gives_way(this.gave_way, context) {
            return Poll::Pending;
        }
        let inside = Inside::enter(this.state);
        let poll = this.future.poll(context);
        drop(inside);
        if poll.is_ready() {
            *this.state = None;
        }
        poll
    }
}

/// Whether there has been a region in this process: before that nobody asks who wrote what.
#[inline]
pub(crate) fn was_ever() -> bool {
    EVER.load(Ordering::Relaxed)
}

/// Whether the code that runs on this thread is inside of a region.
#[inline]
pub(crate) fn is_inside() -> bool {
    here::with(|here| here.regions.get() > 0)
}

/// A tracked value was written at this place.
#[inline]
pub(crate) fn wrote(at: Side) {
    if is_inside() {
        each(|state| state.wrote = Some(at));
    }
}

/// A tracked lock was taken. Whether a region had it before, let go of it, and it was written since by somebody else.
pub(crate) fn took(lock: u64, version: u64, writer: Option<Party>) -> bool {
    let mut is_stale = false;
    let is_others = writer != Some(Party::current());
    each(|state| is_stale |= is_others && state.knows_other(lock, version));
    is_stale
}

/// A tracked lock is let go of, with the version that it has then.
pub(crate) fn left(lock: u64, version: u64) {
    each(|state| state.left(lock, version));
}

static EVER: AtomicBool = AtomicBool::new(false);

/// Regions within regions that are told apart; those further in are not watched.
const NESTED: usize = 8;
/// Locks that one region remembers.
const LOCKS: usize = 16;

thread_local! {
    static STATES: RefCell<[Option<Box<State>>; NESTED]> = const { RefCell::new([const { None }; NESTED]) };
}

/// What is known of one region.
struct State {
    name: &'static str,
    place: &'static Location<'static>,
    /// The last write within it.
    wrote: Option<Side>,
    /// Locks that it has let go of, by id, with their versions then.
    left: [Option<(u64, u64)>; LOCKS],
}

impl State {
    fn new(name: &'static str, place: &'static Location<'static>) -> Self {
        // Whoever writes behind a lock that this region has let go of has synchronized with it, and sees this.
        EVER.store(true, Ordering::Relaxed);
        State {
            name,
            place,
            wrote: None,
            left: [None; LOCKS],
        }
    }

    fn knows_other(&self, lock: u64, version: u64) -> bool {
        let known = self.left.iter().flatten().find(|(known, _)| *known == lock);
        known.is_some_and(|(_, known)| *known != version)
    }

    fn left(&mut self, lock: u64, version: u64) {
        let known = |entry: &&mut Option<(u64, u64)>| entry.is_none_or(|(known, _)| known == lock);
        // A region of more locks than are remembered: the others are not compared.
        if let Some(entry) = self.left.iter_mut().find(known) {
            *entry = Some((lock, version));
        }
    }

    fn torn(&self) {
        if let Some(wrote) = self.wrote {
            let at = Side::here(self.place);
            CONFLICTS.tell(Rule::TornRegion, self.name, at, Some(wrote));
        }
    }
}

/// The poll of a region: its state is where tracked primitives find it.
struct Inside<'a> {
    home: &'a mut Option<Box<State>>,
    index: Option<usize>,
}

impl<'a> Inside<'a> {
    fn enter(home: &'a mut Option<Box<State>>) -> Self {
        let index = here::with(|here| here.regions.get());
        let mut inside = Inside { home, index: None };
        if index < NESTED
            && let Some(state) = inside.home.take()
        {
            let put = STATES.try_with(|states| match states.try_borrow_mut() {
                Ok(mut states) => states[index].replace(state),
                Err(_) => Some(state),
            });
            // Only of a thread that is about to end there is no place for it, and then it is gone.
            *inside.home = put.ok().flatten();
            if inside.home.is_none() {
                here::with(|here| here.regions.set(index + 1));
                inside.index = Some(index);
            }
        }
        inside
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        if let Some(index) = self.index {
            here::with(|here| here.regions.set(index));
            let taken = STATES.try_with(|states| states.try_borrow_mut().ok()?[index].take());
            *self.home = taken.ok().flatten();
        }
    }
}

fn each(mut body: impl FnMut(&mut State)) {
    let _ = STATES.try_with(|states| {
        if let Ok(mut states) = states.try_borrow_mut() {
            let inside = here::with(|here| here.regions.get());
            states[..inside.min(NESTED)]
                .iter_mut()
                .flatten()
                .for_each(|state| body(state));
        }
    });
}
