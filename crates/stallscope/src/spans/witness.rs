//! In which span was a stalled poll all the while its stack was taken?
//!
//! The stack is taken of a thread that may run, and may enter and leave spans meanwhile. What is told is the innermost span that it was in before and after.

use stallscope_wire::message::Span;

use super::board::{Entered, SpanKey};
use super::book::{BOOK, Noted};
use crate::recorder::{TaskId, ThreadRecord, Ticks};

/// Reads the spans of a thread before something is done to it, and again afterwards.
pub(crate) struct Witness {
    thread: &'static ThreadRecord,
    /// The poll this is about.
    poll: Ticks,
    task: u64,
    before: Vec<Entered>,
}

impl Witness {
    /// The poll of `task` that began at `poll`, as it is now.
    pub(crate) fn of(thread: &'static ThreadRecord, task: TaskId, poll: Ticks) -> Self {
        Witness {
            thread,
            poll,
            task: task.to_own_code(),
            before: thread.spans.read(),
        }
    }

    /// The innermost span that the poll has been in since. None if there was none, or it cannot be told.
    pub(crate) fn span(self) -> Option<Span> {
        let still = common(&self.before, &self.thread.spans.read());
        let span = innermost(still, self.poll, self.task)?;
        let noted = BOOK.look_up(span)?;
        // Read once more: a subscriber that gives numbers out again may have made another span of that number, but not while the thread is in the first.
        let later = common(still, &self.thread.spans.read());
        (innermost(later, self.poll, self.task) == Some(span)).then(|| message(&noted))
    }
}

/// The spans that a thread was in at both times, outermost first.
fn common<'a>(before: &'a [Entered], after: &[Entered]) -> &'a [Entered] {
    let same = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    &before[..same]
}

/// The last of them that this poll entered itself, in the code of the task that is polled. One further in that is another's does not hide it: it is around that one.
fn innermost(spans: &[Entered], poll: Ticks, task: u64) -> Option<SpanKey> {
    let own = |entered: &&Entered| entered.poll == poll && entered.task == task;
    Some(spans.iter().rfind(own)?.span)
}

fn message(noted: &Noted) -> Span {
    let metadata = noted.metadata;
    Span {
        name: metadata.name().to_owned(),
        target: metadata.target().to_owned(),
        fields: noted.fields.to_string(),
        file: metadata.file().unwrap_or_default().to_owned(),
        line: metadata.line().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entered(id: u64, poll: u64, task: u64) -> Entered {
        Entered {
            span: SpanKey { layer: 1, id },
            poll: Ticks(poll),
            task,
        }
    }

    fn told(spans: &[Entered]) -> Option<u64> {
        innermost(spans, Ticks(10), 7).map(|span| span.id)
    }

    #[test]
    fn the_innermost_span_of_the_poll_is_told() {
        assert_eq!(told(&[entered(1, 10, 7), entered(2, 10, 7)]), Some(2));
        assert_eq!(told(&[]), None);
    }

    #[test]
    fn a_span_that_another_poll_or_task_has_left_entered_is_not_told() {
        assert_eq!(told(&[entered(1, 9, 7)]), None);
        assert_eq!(told(&[entered(1, 10, 8)]), None);
        assert_eq!(told(&[entered(1, 10, 7), entered(2, 10, 8)]), Some(1));
    }

    #[test]
    fn of_a_thread_that_goes_on_the_span_around_it_all_is_told() {
        let before = [entered(1, 10, 7), entered(2, 10, 7)];
        let after = [entered(1, 10, 7), entered(3, 10, 7)];
        assert_eq!(told(common(&before, &after)), Some(1));
        assert_eq!(told(common(&before, &before)), Some(2));
        assert_eq!(told(common(&before, &[])), None);
    }
}
