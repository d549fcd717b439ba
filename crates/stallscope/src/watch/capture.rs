//! A poll has lasted too long: what is taken of it while it is still stuck, and is it this poll that was seen?

use std::time::{Duration, Instant};

use stallscope_stack::kernel::{Cause, ThreadState};
use stallscope_stack::{CaptureError, Method, RawStack, capture_within};

use super::evidence::{Evidence, Readings, Report};
use super::inbox::INBOX;
use super::stall::Poll;
use super::workers::Standing;
use super::{PATIENCE, Watchdog, nanos, runtime, thread};
use crate::recorder::{RECORDER, ThreadRecord, Ticks};
use crate::spans::Witness;

/// How long it may take for a stalled thread that is known to run: one that computes inside the kernel answers when its system call is over, and
/// reading a large file that is in memory is one call. Other stalls wait meanwhile; how long they were is known all the same.
const LONG_PATIENCE: Duration = Duration::from_secs(1);

impl Watchdog {
    /// Takes the evidence and reports it, unless it is not known to be of this poll.
    pub(super) fn capture(&mut self, poll: Poll, length: u64) {
        let Some(thread) = thread(poll.thread).filter(|thread| !thread.is_allowed()) else {
            return;
        };
        let before = self.readings.remove(&poll.thread);
        let witness = poll
            .task
            .map(|task| Witness::of(thread, task, Ticks(poll.key)));
        let after = Readings::take(poll.key);
        let handle = thread.handle();
        let mut earlier = None;
        if poll.task.is_none() {
            let now = nanos(RECORDER.clock().uptime());
            let later = handle.as_ref().and_then(|handle| after.of(handle.tid()));
            match self.workers.standing(&poll, later, now) {
                Standing::Proven => {}
                Standing::Likely(first) => earlier = Some(first),
                Standing::Unknown => return,
            }
        }
        let (mut cause, mut starved) = (Cause::Unknown, false);
        let mut stack = Err("stacks of other threads are not available here".to_owned());
        let mut may_come = false;
        let mut again = None;
        let mut answered = None;
        if let Some(handle) = handle {
            if let Some(before) = before.filter(|readings| readings.key == poll.key) {
                cause = before.cause(&after, handle.tid(), self.threshold / 4);
                starved = before.others_starved(&after, thread.tid());
            }
            // A thread that computes inside the kernel answers when its system call is over, and that is the moment to hear it: what it
            // does next is another matter.
            let in_time = Instant::now();
            let patience = match cause {
                Cause::OnCpu | Cause::WaitingForCpu => LONG_PATIENCE,
                _ => PATIENCE,
            };
            let captured = capture_within(&handle, patience);
            if cause == Cause::OnCpu && captured.is_ok() && in_time.elapsed() < PATIENCE {
                again = capture_within(&handle, PATIENCE).ok();
            }
            // Without a stack there is no line. While the stall is young, the next look may get one; a thread that computes inside
            // the kernel answers when its system call is over.
            let young = if cause == Cause::OnCpu { 50 } else { 4 };
            may_come = captured.as_ref().is_err_and(CaptureError::may_pass)
                && length < young * nanos(self.threshold);
            // Readings of a thread that was just about to change say nothing; two others will.
            may_come |= cause == Cause::Unknown
                && length < 4 * nanos(self.threshold)
                && ThreadState::unreadable().is_none();
            answered = captured.as_ref().ok().and_then(answered_at);
            stack = captured.map_err(|error| error.to_string());
        }
        let span = witness.and_then(Witness::span);
        let queued = runtime::queued_behind(thread);
        self.readings.insert(poll.thread, after);
        let was_in_it = || answered.is_some_and(|at| was_in(&poll, thread, at));
        if (self.goes_on(&poll, thread) || was_in_it()) && !may_come {
            INBOX.put(Report::Stalled(Box::new(Evidence {
                thread: poll.thread,
                key: poll.key,
                tid: thread.tid(),
                worker: thread.worker().map(|(_, worker)| worker),
                runtime: thread.worker().map(|(runtime, _)| runtime),
                task: poll.task,
                length,
                cause,
                starved,
                queued,
                span,
                stack,
                again,
                earlier,
            })));
        }
    }

    /// The poll may have ended while all this was read: then it belongs to another one, or to none.
    fn goes_on(&self, poll: &Poll, thread: &ThreadRecord) -> bool {
        match poll.task {
            Some(task) => thread
                .polling()
                .is_some_and(|now| now.task == task && now.since.0 == poll.key),
            None => self.workers.goes_on(poll),
        }
    }
}

/// When an interrupted thread has given its stack, nanoseconds since the start of recording.
fn answered_at(stack: &RawStack) -> Option<u64> {
    match stack.method {
        Method::Interrupted { at, .. } => Some(nanos(
            RECORDER.clock().uptime().saturating_sub(at.elapsed()),
        )),
        Method::Untouched => None,
    }
}

/// Whether a poll that is over by now was still going on at a moment.
fn was_in(poll: &Poll, thread: &ThreadRecord, at: u64) -> bool {
    let lasted = poll
        .task
        .and_then(|task| thread.long_polls.length_of(task, Ticks(poll.key)));
    lasted.is_some_and(|lasted| at < poll.since + RECORDER.clock().rate().nanos(lasted))
}
