//! The tree of live tasks: what is asked of the agent, what of its answer is on the screen, and what is selected.
//!
//! The agent walks the tree; here is only the part of it around the screen, so a million tasks cost what a hundred do.

mod gestures;

use std::ops::Range;

use stallscope_wire::message::{TaskSort, Term, TreeQuery};

use super::folds::Folds;
use super::order::Order;
use super::scroll;
use super::selection::{Fate, Selection};
use super::window::{NodeId, Row, Window};

/// Tasks above this depth are unfolded without being asked.
const DEFAULT_DEPTH: u32 = 3;

/// The state of the tree's view.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    window: Option<Window>,
    folds: Folds,
    order: Order<TaskSort>,
    filter: Vec<Term>,
    follow: Option<u64>,
    selection: Selection,
    /// Number of the selected row; where it was, if it is lost.
    cursor: u64,
    /// Number of the first row on the screen.
    top: u64,
    /// Rows of the tree that the screen shows.
    height: u16,
    /// Lines of the whole screen. Unlike `height` it does not change with what else is shown, so that is no reason to ask anew.
    screen: u16,
}

/// One line of the screen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Line<'a> {
    Row {
        row: &'a Row,
        selected: bool,
    },
    /// The selected row, which is no longer in the tree.
    Lost {
        row: &'a Row,
        fate: Fate,
    },
    /// The agent has been asked for it, or it is of a kind that this client does not know.
    Unknown {
        selected: bool,
    },
}

impl Tree {
    /// What to ask the agent for.
    ///
    /// The window reaches a screen beyond what is shown on either side and moves in steps of a screen: scrolling by lines asks
    /// for nothing.
    pub(crate) fn query(&self) -> TreeQuery {
        let step = u64::from(self.screen.max(16));
        TreeQuery {
            filter: self.filter.clone(),
            sort: self.order.sort().into(),
            descending: self.order.descending(),
            offset: (self.top / step).saturating_sub(1) * step,
            limit: u32::try_from(step * 4).unwrap_or(u32::MAX),
            default_depth: DEFAULT_DEPTH,
            expanded: self.folds.expanded(),
            collapsed: self.folds.collapsed(),
            fold_at: 0,
            follow: self.follow.or(self.selection.sought()),
        }
    }

    /// Takes over the answer to the present [`query`](Self::query).
    pub(crate) fn apply(&mut self, window: Window) {
        let found = window.follow_row;
        self.window = Some(window);
        if let Some(task) = self.follow {
            self.keep_following(task, found);
        } else {
            match std::mem::take(&mut self.selection) {
                Selection::First => self.cursor = 0,
                Selection::Unknown => {
                    self.cursor = self.cursor.min(self.last());
                    self.selection = Selection::at(self.row(self.cursor));
                }
                Selection::Row(row) => self.find(row),
                Selection::Wanted(task) => match self.position(NodeId::Task(task)).or(found) {
                    Some(at) => self.settle(at),
                    None => self.cursor = 0,
                },
                Selection::Lost(row, fate) => match self.position(row.id).or(found) {
                    Some(at) => self.settle(at),
                    None => self.selection = Selection::Lost(row, self.verdict(fate)),
                },
            }
        }
        if self.selection.is_lost() {
            // It stays where it was, unless the tree has become too short for that.
            self.cursor = self.cursor.min(self.lines_in_all() - 1);
        }
        self.keep_in_view();
    }

    /// Forgets what belongs to one process; sort order and filter stay.
    pub(crate) fn forget(&mut self) {
        *self = Self {
            order: self.order,
            filter: std::mem::take(&mut self.filter),
            height: self.height,
            screen: self.screen,
            ..Self::default()
        };
    }

    /// How many rows a screen of that many lines has for it.
    pub(crate) fn resize(&mut self, height: u16, screen: u16) {
        self.height = height;
        self.screen = screen;
        self.keep_in_view();
    }

    // ------------------------------------------------------------ what is shown

    /// `None` until the first answer.
    pub(crate) fn window(&self) -> Option<&Window> {
        self.window.as_ref()
    }

    /// The lines on the screen, from the top.
    pub(crate) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let end = self
            .top
            .saturating_add(u64::from(self.height))
            .min(self.lines_in_all());
        (self.top..end).map(|line| {
            let selected = line == self.cursor;
            let number = match &self.selection {
                Selection::Lost(row, fate) if selected => return Line::Lost { row, fate: *fate },
                Selection::Lost(..) if line > self.cursor => line - 1,
                _ => line,
            };
            self.row(number)
                .map_or(Line::Unknown { selected }, |row| Line::Row {
                    row,
                    selected,
                })
        })
    }

    /// The selected row; `None` while the agent has not told what it is.
    pub(crate) fn selected(&self) -> Option<&Row> {
        match &self.selection {
            Selection::First => self.row(self.cursor),
            chosen => chosen.row(),
        }
    }

    pub(crate) fn selected_task(&self) -> Option<u64> {
        self.selected().and_then(Row::as_task).map(|task| task.id)
    }

    /// The lines of the screen that a scroll bar covers to show which part of the tree is seen; `None` if all of it is.
    pub(crate) fn scroll_bar(&self) -> Option<Range<u16>> {
        scroll::bar(self.top, self.lines_in_all(), self.height)
    }

    pub(crate) fn order(&self) -> Order<TaskSort> {
        self.order
    }

    pub(crate) fn follows(&self) -> Option<u64> {
        self.follow
    }

    // ------------------------------------------------------------ helpers

    fn row(&self, number: u64) -> Option<&Row> {
        self.window.as_ref()?.row(number)
    }

    fn position(&self, id: NodeId) -> Option<u64> {
        self.window.as_ref()?.position(id)
    }

    /// Number of the last row; 0 if there is none.
    fn last(&self) -> u64 {
        self.window
            .as_ref()
            .map_or(0, |window| window.total.saturating_sub(1))
    }

    fn lines_in_all(&self) -> u64 {
        let rows = self.window.as_ref().map_or(0, |window| window.total);
        rows.saturating_add(u64::from(self.selection.is_lost()))
    }

    /// The selected row, if anything is below it, and whether that is shown. With a filter nothing folds.
    fn foldable(&self) -> Option<(NodeId, bool)> {
        let row = self.selected().filter(|row| {
            row.children > 0 && self.filter.is_empty() && !self.selection.is_lost()
        })?;
        Some((row.id, row.expanded))
    }

    fn move_to(&mut self, number: u64) {
        self.stop_following();
        self.cursor = number.min(self.last());
        self.selection = Selection::at(self.row(self.cursor));
        self.keep_in_view();
    }

    fn keep_following(&mut self, task: u64, found: Option<u64>) {
        if let Some(at) = found {
            self.jump_to(at);
            return;
        }
        self.follow = None;
        self.selection = match std::mem::take(&mut self.selection) {
            Selection::Row(row) | Selection::Lost(row, _) if row.id == NodeId::Task(task) => {
                Selection::Lost(row, self.verdict(Fate::Asked))
            }
            other => other,
        };
    }

    /// Looks for the selected row in a new window.
    fn find(&mut self, row: Box<Row>) {
        match (self.position(row.id), row.id) {
            (Some(at), _) => {
                self.shift_to(at);
                self.selection = Selection::at(self.row(at));
            }
            (None, NodeId::Task(_)) => self.selection = Selection::Lost(row, Fate::Asked),
            // A group has not ended: its members have become too few to be folded. They stand where it was.
            (None, NodeId::Group(_)) => {
                self.cursor = self.cursor.min(self.last());
                self.selection = Selection::at(self.row(self.cursor));
            }
        }
    }

    /// What the absence of a row means after the agent looked for it in the whole tree.
    fn verdict(&self, fate: Fate) -> Fate {
        match fate {
            Fate::Asked if self.filter.is_empty() => Fate::Ended,
            Fate::Asked => Fate::EndedOrFiltered,
            known => known,
        }
    }

    /// Selects the row that was looked for, at its new place. It was found by unfolding what is above it for one answer;
    /// that has to last.
    fn settle(&mut self, at: u64) {
        self.jump_to(at);
        self.unfold_ancestors();
    }

    /// Selects a row that may be far away: that comes to the middle of the screen.
    fn jump_to(&mut self, number: u64) {
        self.shift_to(number);
        self.selection = Selection::at(self.row(number));
        let height = u64::from(self.height);
        if !(self.top..self.top.saturating_add(height)).contains(&number) {
            self.top = number.saturating_sub(height / 2);
        }
    }

    fn unfold_ancestors(&mut self) {
        let Some(window) = &self.window else { return };
        let mut number = self.cursor;
        while let Some(parent) = window.parent_of(number) {
            if let Some(row) = window.row(parent) {
                self.folds.expand(row.id);
            }
            number = parent;
        }
    }

    /// The selected row is now there. It stays on its line of the screen and everything else moves, but for the top of the
    /// tree: who looks at that wants to see what comes in there.
    fn shift_to(&mut self, number: u64) {
        if self.top > 0 {
            let line = self.cursor.saturating_sub(self.top);
            self.top = number.saturating_sub(line);
        }
        self.cursor = number;
    }

    fn keep_in_view(&mut self) {
        let height = u64::from(self.height.max(1));
        let lowest = self.lines_in_all().saturating_sub(height);
        self.top = self
            .top
            .clamp(self.cursor.saturating_sub(height - 1), self.cursor)
            .min(lowest);
    }

    /// The rows are about to be others.
    fn start_anew(&mut self) {
        self.selection = self.selection.carried_over();
        self.cursor = 0;
        self.top = 0;
    }
}
