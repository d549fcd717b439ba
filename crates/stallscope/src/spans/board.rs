//! Which spans has this thread entered in the poll that it is in?
//!
//! Written by the thread alone, with plain stores; read by the watchdog, which sees by a version whether the thread wrote meanwhile. Each entry says in which poll and in
//! which task of tokio it was made. A span that was left entered (a guard kept across an `.await`, or forgotten) thereby stays with the poll that
//! entered it: tracing goes on to call it current for whatever runs on the thread next, and a finding must not.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

use crate::recorder::Ticks;

/// Spans within spans that are noted. Of a thread that is in deeper, nothing is said.
const DEPTH: usize = 16;

/// How often a reader tries again when the thread writes at that moment.
const TRIES: usize = 8;

/// Names a span: ids are unique within one subscriber only.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct SpanKey {
    /// The layer that saw it.
    pub(super) layer: u32,
    pub(super) id: u64,
}

/// A span that a thread is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Entered {
    pub(super) span: SpanKey,
    /// The beginning of the poll in which it was entered.
    pub(super) poll: Ticks,
    /// The task that entered it, by tokio's number and as in a slot: 0 for code outside of any task, like a root future's own.
    pub(super) task: u64,
}

/// The spans of one thread.
#[derive(Default)]
pub(crate) struct Board {
    /// Odd while the thread writes.
    version: AtomicU64,
    /// Entries in use.
    len: AtomicU32,
    /// Spans entered beyond the last entry.
    beyond: AtomicU32,
    /// The beginning of the outermost poll that the entries are from.
    poll: AtomicU64,
    entries: [Entry; DEPTH],
}

#[derive(Default)]
struct Entry {
    id: AtomicU64,
    poll: AtomicU64,
    task: AtomicU64,
    layer: AtomicU32,
}

impl Board {
    /// The thread enters a span. `is_nested`: its poll runs within another poll of the thread.
    #[inline]
    pub(super) fn enter(&self, entered: Entered, is_nested: bool) {
        let writing = self.write();
        // What the last poll has left behind goes with the first span of the next.
        if !is_nested && self.poll.load(Ordering::Relaxed) != entered.poll.0 {
            self.poll.store(entered.poll.0, Ordering::Relaxed);
            self.len.store(0, Ordering::Relaxed);
            self.beyond.store(0, Ordering::Relaxed);
        }
        let (len, beyond) = (
            self.len.load(Ordering::Relaxed),
            self.beyond.load(Ordering::Relaxed),
        );
        match self.entries.get(len as usize) {
            Some(entry) if beyond == 0 => {
                entry.set(entered);
                self.len.store(len + 1, Ordering::Relaxed);
            }
            _ => self
                .beyond
                .store(beyond.saturating_add(1), Ordering::Relaxed),
        }
        drop(writing);
    }

    /// The thread leaves a span: usually the last one it entered. One that is not noted was entered outside of any poll, or too deep.
    #[inline]
    pub(super) fn exit(&self, span: SpanKey) {
        let len = self.len.load(Ordering::Relaxed) as usize;
        let noted = self.entries.get(..len).unwrap_or_default();
        let found = noted.iter().rposition(|entry| entry.get().span == span);
        let writing = self.write();
        if let Some(index) = found {
            for (entry, next) in noted[index..].iter().zip(&noted[index + 1..]) {
                entry.set(next.get());
            }
            self.len.store(len as u32 - 1, Ordering::Relaxed);
        } else {
            let beyond = self.beyond.load(Ordering::Relaxed);
            self.beyond
                .store(beyond.saturating_sub(1), Ordering::Relaxed);
        }
        drop(writing);
    }

    /// The spans the thread is in, outermost first; none if they are too many, or if the thread never stops writing.
    pub(super) fn read(&self) -> Vec<Entered> {
        for _ in 0..TRIES {
            let version = self.version.load(Ordering::Acquire);
            let len = self.len.load(Ordering::Relaxed) as usize;
            let beyond = self.beyond.load(Ordering::Relaxed);
            let noted = self.entries.get(..len).unwrap_or_default();
            let spans: Vec<Entered> = noted.iter().map(Entry::get).collect();
            // The loads above come before the one below; pairs with the fence in `write`.
            fence(Ordering::Acquire);
            let is_whole =
                version.is_multiple_of(2) && self.version.load(Ordering::Relaxed) == version;
            if is_whole {
                return if beyond == 0 { spans } else { Vec::new() };
            }
        }
        Vec::new()
    }

    #[inline]
    fn write(&self) -> Writing<'_> {
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version + 1, Ordering::Relaxed);
        // The odd number comes before all that is stored.
        fence(Ordering::Release);
        Writing(self, version + 2)
    }
}

impl Entry {
    #[inline]
    fn set(&self, entered: Entered) {
        self.id.store(entered.span.id, Ordering::Relaxed);
        self.layer.store(entered.span.layer, Ordering::Relaxed);
        self.poll.store(entered.poll.0, Ordering::Relaxed);
        self.task.store(entered.task, Ordering::Relaxed);
    }

    #[inline]
    fn get(&self) -> Entered {
        Entered {
            span: SpanKey {
                layer: self.layer.load(Ordering::Relaxed),
                id: self.id.load(Ordering::Relaxed),
            },
            poll: Ticks(self.poll.load(Ordering::Relaxed)),
            task: self.task.load(Ordering::Relaxed),
        }
    }
}

/// The thread is writing; when this is dropped, its board is whole again.
struct Writing<'a>(&'a Board, u64);

impl Drop for Writing<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.version.store(self.1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entered(id: u64, poll: u64) -> Entered {
        Entered {
            span: SpanKey { layer: 1, id },
            poll: Ticks(poll),
            task: 7,
        }
    }

    fn ids(board: &Board) -> Vec<u64> {
        board.read().iter().map(|entered| entered.span.id).collect()
    }

    #[test]
    fn spans_are_left_in_any_order() {
        let board = Board::default();
        for id in 1..=3 {
            board.enter(entered(id, 10), false);
        }
        board.exit(entered(1, 10).span);
        assert_eq!(ids(&board), [2, 3]);
        board.exit(entered(3, 10).span);
        board.exit(entered(9, 10).span);
        assert_eq!(ids(&board), [2]);
    }

    #[test]
    fn the_same_id_of_another_subscriber_is_another_span() {
        let board = Board::default();
        board.enter(entered(1, 10), false);
        board.exit(SpanKey { layer: 2, id: 1 });
        assert_eq!(ids(&board), [1]);
    }

    #[test]
    fn what_was_left_entered_goes_with_the_next_poll() {
        let board = Board::default();
        for poll in 0..100 {
            board.enter(entered(1, poll), false);
            assert_eq!(board.read(), [entered(1, poll)], "poll {poll}");
        }
    }

    #[test]
    fn a_nested_poll_keeps_the_spans_around_it() {
        let board = Board::default();
        board.enter(entered(1, 10), false);
        board.enter(entered(2, 20), true);
        assert_eq!(board.read(), [entered(1, 10), entered(2, 20)]);
        board.exit(entered(2, 20).span);
        board.enter(entered(3, 10), false);
        assert_eq!(board.read(), [entered(1, 10), entered(3, 10)]);
    }

    #[test]
    fn nothing_is_said_while_a_thread_is_in_deeper_than_is_noted() {
        let board = Board::default();
        let deepest = DEPTH as u64 + 2;
        for id in 0..deepest {
            board.enter(entered(id, 10), false);
        }
        for id in (DEPTH as u64..deepest).rev() {
            assert_eq!(board.read(), []);
            board.exit(entered(id, 10).span);
        }
        assert_eq!(board.read().len(), DEPTH);
    }

    #[test]
    fn a_reader_never_sees_half_an_entry() {
        let board = Board::default();
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for id in 1.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let entered = Entered {
                        span: SpanKey {
                            layer: id as u32,
                            id,
                        },
                        poll: Ticks(id),
                        task: id,
                    };
                    board.enter(entered, false);
                    board.exit(entered.span);
                }
            });
            for _ in 0..100_000 {
                for seen in board.read() {
                    let id = seen.span.id;
                    assert_eq!(
                        (seen.span.layer, seen.poll, seen.task),
                        (id as u32, Ticks(id), id)
                    );
                }
            }
            stop.store(true, Ordering::Relaxed);
        });
    }
}
