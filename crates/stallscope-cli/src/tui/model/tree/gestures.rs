//! What the user does with the tree: move, fold, follow, sort, filter.

use stallscope_wire::message::{TaskSort, Term};

use super::Tree;
use crate::tui::model::order::Order;
use crate::tui::model::selection::Selection;

impl Tree {
    /// Moves the selection by that many lines.
    pub(crate) fn move_by(&mut self, lines: i64) {
        // The row after a lost one has the lost one's number.
        let lines = if self.selection.is_lost() && lines > 0 {
            lines - 1
        } else {
            lines
        };
        self.move_to(self.cursor.saturating_add_signed(lines));
    }

    /// Back to "the first row, whatever it is".
    pub(crate) fn move_to_first(&mut self) {
        self.stop_following();
        self.selection = Selection::First;
        self.cursor = 0;
        self.keep_in_view();
    }

    pub(crate) fn move_to_last(&mut self) {
        self.move_to(u64::MAX);
    }

    /// Lines of a page.
    pub(crate) fn page(&self) -> i64 {
        i64::from(self.height.saturating_sub(1).max(1))
    }

    /// Keeps the selected row selected from now on, also if it is only the first one so far.
    pub(crate) fn pin(&mut self) {
        if let Selection::First = self.selection {
            self.selection = Selection::at(self.row(self.cursor));
        }
    }

    /// Unfolds the selected row; false if there is nothing to unfold.
    pub(crate) fn expand(&mut self) -> bool {
        let Some((id, expanded)) = self.foldable() else {
            return false;
        };
        self.pin();
        if !expanded {
            self.folds.expand(id);
        }
        !expanded
    }

    /// Folds the selected row; false if there is nothing to fold.
    pub(crate) fn collapse(&mut self) -> bool {
        let Some((id, expanded)) = self.foldable() else {
            return false;
        };
        self.pin();
        if expanded {
            self.folds.collapse(id);
        }
        expanded
    }

    /// Selects the row that the selected one hangs below.
    pub(crate) fn move_to_parent(&mut self) {
        if let Some(parent) = self
            .window
            .as_ref()
            .and_then(|window| window.parent_of(self.cursor))
        {
            self.move_to(parent);
        }
    }

    /// Stays with a task wherever it goes, until the selection moves.
    pub(crate) fn follow(&mut self, task: u64) {
        self.follow = Some(task);
    }

    /// Leaves the followed task selected where it is.
    pub(crate) fn stop_following(&mut self) {
        if self.follow.take().is_some() {
            self.unfold_ancestors();
        }
    }

    pub(crate) fn set_order(&mut self, change: impl FnOnce(&mut Order<TaskSort>)) {
        self.stop_following();
        change(&mut self.order);
        self.start_anew();
    }

    pub(crate) fn set_filter(&mut self, filter: Vec<Term>) {
        if self.filter != filter {
            self.stop_following();
            self.filter = filter;
            self.start_anew();
        }
    }
}
