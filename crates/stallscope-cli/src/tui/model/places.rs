//! The places that spawn tasks: their figures as the agent sent them last, in which order, and which is meant.

use std::ops::Range;

use stallscope_wire::message::{Site, SiteQuery, SiteSort, SiteStats, SiteWindow};

use super::Answer;
use super::cursor::{Cursor, Listed};
use super::order::Order;
use crate::places::{History, PlaceSort};

/// Places beyond these have fewer live tasks than any that is shown. What is asked for must not grow with the program.
const MOST: u32 = 256;

/// The state of the view of places.
#[derive(Debug, Default)]
pub(crate) struct Places {
    answer: Answer<Report>,
    order: Order<PlaceSort>,
    history: History,
    cursor: Cursor<SiteStats>,
}

impl Listed for SiteStats {
    type Id = u32;

    fn id(&self) -> Option<u32> {
        self.site.as_ref().map(|site| site.id)
    }
}

#[derive(Debug)]
pub(crate) struct Report {
    /// In the order that is shown.
    places: Vec<SiteStats>,
    /// How many there are, of which `places` have the most live tasks.
    total: u64,
}

/// A row of the view.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlaceLine<'a> {
    pub(crate) site: &'a Site,
    pub(crate) stats: &'a SiteStats,
    pub(crate) selected: bool,
}

impl Places {
    /// What to ask the agent for. The same for every order: the agent does not know all of them, and what leaks has live tasks.
    pub(crate) fn query() -> SiteQuery {
        SiteQuery {
            sort: SiteSort::Live.into(),
            ascending: false,
            limit: MOST,
        }
    }

    /// Takes over an answer of the agent.
    pub(crate) fn apply(&mut self, window: SiteWindow) {
        let mut places = window.sites;
        let sent = places.len() as u64;
        places.retain(|stats| stats.site.is_some());
        self.answer = Answer::Here(Report {
            places,
            total: window.total.max(sent),
        });
        self.sort();
    }

    /// The agent cannot tell.
    pub(crate) fn failed(&mut self, reason: String) {
        self.answer = Answer::Failed(reason);
    }

    /// Forgets what belongs to one process; order and history stay.
    pub(crate) fn forget(&mut self) {
        *self = Self {
            order: self.order,
            history: self.history,
            cursor: Cursor::of_height(self.cursor.height()),
            ..Self::default()
        };
    }

    /// How many rows the screen has for them.
    pub(crate) fn resize(&mut self, height: u16) {
        self.cursor.resize(height.into(), rows(&self.answer));
    }

    // ------------------------------------------------------------ what is shown

    pub(crate) fn answer(&self) -> &Answer<Report> {
        &self.answer
    }

    /// How many there are, also of those that were not sent.
    pub(crate) fn total(&self) -> u64 {
        self.answer.here().map_or(0, |report| report.total)
    }

    /// In the order that is shown.
    pub(crate) fn all(&self) -> &[SiteStats] {
        rows(&self.answer)
    }

    /// The rows on the screen.
    pub(crate) fn lines(&self) -> impl Iterator<Item = PlaceLine<'_>> {
        let shown = self.cursor.shown(self.all());
        shown.filter_map(|(stats, selected)| {
            Some(PlaceLine {
                site: stats.site.as_ref()?,
                stats,
                selected,
            })
        })
    }

    pub(crate) fn scroll_bar(&self) -> Option<Range<u16>> {
        self.cursor.scroll_bar(self.all())
    }

    pub(crate) fn selected(&self) -> Option<&Site> {
        self.cursor.selected(self.all())?.site.as_ref()
    }

    pub(crate) fn order(&self) -> Order<PlaceSort> {
        self.order
    }

    pub(crate) fn history(&self) -> History {
        self.history
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

    pub(crate) fn set_order(&mut self, change: impl FnOnce(&mut Order<PlaceSort>)) {
        change(&mut self.order);
        self.sort();
    }

    pub(crate) fn set_history(&mut self, history: History) {
        self.history = history;
        self.sort();
    }

    // ------------------------------------------------------------ helpers

    fn sort(&mut self) {
        let (order, history) = (self.order, self.history);
        if let Answer::Here(report) = &mut self.answer {
            report
                .places
                .sort_by(|a, b| order.sort().compare(a, b, history, order.descending()));
        }
        self.cursor.keep_in_view(rows(&self.answer));
    }
}

fn rows(answer: &Answer<Report>) -> &[SiteStats] {
    answer.here().map_or(&[], |report| &report.places)
}
