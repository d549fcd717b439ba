//! The tracked locks as the agent sent them last, in its order, and which is meant.

use std::ops::Range;

use stallscope_wire::message::{Lock, LockQuery, LockWindow};

use super::Answer;
use super::cursor::{Cursor, Listed};
use super::order::Order;
use crate::locks::LocksSort;

/// What is asked for must not grow with the program.
const MOST: u32 = 256;

/// The state of the view of locks.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    answer: Answer<LockWindow>,
    order: Order<LocksSort>,
    cursor: Cursor<Lock>,
}

impl Listed for Lock {
    type Id = u64;

    fn id(&self) -> Option<u64> {
        Some(self.id)
    }
}

impl Locks {
    /// What to ask the agent for: it knows every order.
    pub(crate) fn query(&self) -> LockQuery {
        LockQuery {
            sort: self.order.sort().wire().into(),
            ascending: !self.order.descending(),
            limit: MOST,
            text: String::new(),
        }
    }

    /// Takes over an answer of the agent.
    pub(crate) fn apply(&mut self, window: LockWindow) {
        self.answer = Answer::Here(window);
        self.cursor.keep_in_view(rows(&self.answer));
    }

    /// The agent cannot tell.
    pub(crate) fn failed(&mut self, reason: String) {
        self.answer = Answer::Failed(reason);
    }

    /// Forgets what belongs to one process; the order stays.
    pub(crate) fn forget(&mut self) {
        *self = Self {
            order: self.order,
            cursor: Cursor::of_height(self.cursor.height()),
            ..Self::default()
        };
    }

    /// How many rows the screen has for them.
    pub(crate) fn resize(&mut self, height: u16) {
        self.cursor.resize(height.into(), rows(&self.answer));
    }

    // ------------------------------------------------------------ what is shown

    pub(crate) fn answer(&self) -> &Answer<LockWindow> {
        &self.answer
    }

    /// How many there are, also of those that were not sent.
    pub(crate) fn total(&self) -> u64 {
        let here = self.answer.here();
        here.map_or(0, |window| window.matched.max(window.locks.len() as u64))
    }

    /// In the order that is shown.
    pub(crate) fn all(&self) -> &[Lock] {
        rows(&self.answer)
    }

    /// One of them; none if it is gone.
    pub(crate) fn get(&self, id: u64) -> Option<&Lock> {
        self.all().iter().find(|lock| lock.id == id)
    }

    /// The rows on the screen, each with whether it is selected.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (&Lock, bool)> {
        self.cursor.shown(self.all())
    }

    pub(crate) fn scroll_bar(&self) -> Option<Range<u16>> {
        self.cursor.scroll_bar(self.all())
    }

    pub(crate) fn selected(&self) -> Option<&Lock> {
        self.cursor.selected(self.all())
    }

    pub(crate) fn order(&self) -> Order<LocksSort> {
        self.order
    }

    // ------------------------------------------------------------ what the user does

    /// Moves the selection by that many rows.
    pub(crate) fn move_by(&mut self, lines: i64) {
        self.cursor.move_by(lines, rows(&self.answer));
    }

    /// Back to "the first, whichever that is".
    pub(crate) fn move_to_first(&mut self) {
        self.cursor.move_to_first(rows(&self.answer));
    }

    /// Lines of a page.
    pub(crate) fn page(&self) -> i64 {
        self.cursor.page()
    }

    /// The rows stay as they are until the agent has sent them in the new order.
    pub(crate) fn set_order(&mut self, change: impl FnOnce(&mut Order<LocksSort>)) {
        change(&mut self.order);
    }
}

fn rows(answer: &Answer<LockWindow>) -> &[Lock] {
    answer.here().map_or(&[], |window| &window.locks)
}
