//! Which row of a list is meant, by what it is and not by where it stands, and which rows are on the screen?

use std::fmt::Debug;
use std::ops::Range;

use super::scroll;

/// A row that can be told from the others, also when they have changed their places.
pub(super) trait Listed {
    type Id: Copy + PartialEq + Debug;

    /// `None`: the agent has not said which one it is.
    fn id(&self) -> Option<Self::Id>;
}

/// The selection of a list of `T`. The rows themselves come with every question.
#[derive(Clone, Debug)]
pub(super) struct Cursor<T: Listed> {
    /// The first row, whichever that is, if this is gone or none was chosen.
    chosen: Option<T::Id>,
    /// Index of the first row on the screen.
    top: usize,
    /// Rows that the screen shows.
    height: usize,
}

impl<T: Listed> Default for Cursor<T> {
    fn default() -> Self {
        Self::of_height(0)
    }
}

impl<T: Listed> Cursor<T> {
    /// The first row is selected, on a screen with room for so many.
    pub(super) fn of_height(height: usize) -> Self {
        Self {
            chosen: None,
            top: 0,
            height,
        }
    }

    pub(super) fn height(&self) -> usize {
        self.height
    }

    /// Lines of a page.
    pub(super) fn page(&self) -> i64 {
        let height = i64::try_from(self.height).unwrap_or(i64::MAX);
        (height - 1).max(1)
    }

    pub(super) fn scroll_bar(&self, rows: &[T]) -> Option<Range<u16>> {
        let height = u16::try_from(self.height).unwrap_or(u16::MAX);
        scroll::bar(self.top as u64, rows.len() as u64, height)
    }

    /// Index of the selected row; 0 if there is none.
    pub(super) fn index(&self, rows: &[T]) -> usize {
        let at = |chosen| rows.iter().position(|row| row.id() == Some(chosen));
        self.chosen.and_then(at).unwrap_or(0)
    }

    pub(super) fn selected<'a>(&self, rows: &'a [T]) -> Option<&'a T> {
        rows.get(self.index(rows))
    }

    /// Those that the screen has room for, each with whether it is selected.
    pub(super) fn shown<'a>(
        &self,
        rows: &'a [T],
    ) -> impl Iterator<Item = (&'a T, bool)> + use<'a, T> {
        let selected = self.index(rows);
        let shown = rows.iter().enumerate().skip(self.top).take(self.height);
        shown.map(move |(index, row)| (row, index == selected))
    }

    /// Moves the selection by that many rows, as far as there are any.
    pub(super) fn move_by(&mut self, by: i64, rows: &[T]) {
        let to = (self.index(rows) as u64).saturating_add_signed(by);
        let last = rows.len().saturating_sub(1);
        let to = usize::try_from(to).unwrap_or(usize::MAX).min(last);
        self.chosen = rows.get(to).and_then(T::id);
        self.keep_in_view(rows);
    }

    /// Back to "the first, whichever that is".
    pub(super) fn move_to_first(&mut self, rows: &[T]) {
        self.chosen = None;
        self.keep_in_view(rows);
    }

    pub(super) fn resize(&mut self, height: usize, rows: &[T]) {
        self.height = height;
        self.keep_in_view(rows);
    }

    /// To be called when the rows are others.
    pub(super) fn keep_in_view(&mut self, rows: &[T]) {
        let (selected, height) = (self.index(rows), self.height.max(1));
        let lowest = rows.len().saturating_sub(height);
        self.top = self
            .top
            .clamp((selected + 1).saturating_sub(height), selected)
            .min(lowest);
    }
}
