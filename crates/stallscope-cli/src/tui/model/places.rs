//! The places that spawn tasks: their figures as the agent sent them last, in which order, and which is meant.

use std::ops::Range;

use stallscope_wire::message::{Site, SiteQuery, SiteSort, SiteStats, SiteWindow};

use super::Answer;
use super::order::Order;
use super::scroll;
use crate::places::{History, PlaceSort};

/// Places beyond these have fewer live tasks than any that is shown. What is asked for must not grow with the program.
const MOST: u32 = 256;

/// The state of the view of places.
#[derive(Debug, Default)]
pub(crate) struct Places {
    answer: Answer<Report>,
    order: Order<PlaceSort>,
    history: History,
    /// Id of the selected place; the first, whichever that is, if none was chosen.
    chosen: Option<u32>,
    /// Index of the first row on the screen.
    top: usize,
    /// Rows that the screen shows.
    height: u16,
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
            height: self.height,
            ..Self::default()
        };
    }

    /// How many rows the screen has for them.
    pub(crate) fn resize(&mut self, height: u16) {
        self.height = height;
        self.keep_in_view();
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
        self.answer.here().map_or(&[], |report| &report.places)
    }

    /// The rows on the screen.
    pub(crate) fn lines(&self) -> impl Iterator<Item = PlaceLine<'_>> {
        let cursor = self.cursor();
        let shown = self.all().iter().enumerate().skip(self.top);
        shown
            .take(usize::from(self.height))
            .filter_map(move |(index, stats)| {
                Some(PlaceLine {
                    site: stats.site.as_ref()?,
                    stats,
                    selected: index == cursor,
                })
            })
    }

    pub(crate) fn scroll_bar(&self) -> Option<Range<u16>> {
        scroll::bar(self.top as u64, self.all().len() as u64, self.height)
    }

    pub(crate) fn selected(&self) -> Option<&Site> {
        self.all().get(self.cursor())?.site.as_ref()
    }

    pub(crate) fn order(&self) -> Order<PlaceSort> {
        self.order
    }

    pub(crate) fn history(&self) -> History {
        self.history
    }

    // ------------------------------------------------------------ what the user does

    /// Moves the selection by that many rows.
    pub(crate) fn move_by(&mut self, rows: i64) {
        let to = (self.cursor() as u64).saturating_add_signed(rows);
        let last = self.all().len().saturating_sub(1);
        let to = usize::try_from(to).unwrap_or(usize::MAX).min(last);
        self.chosen = self.all().get(to).and_then(id);
        self.keep_in_view();
    }

    /// Back to "the first, whichever that is".
    pub(crate) fn move_to_first(&mut self) {
        self.chosen = None;
        self.keep_in_view();
    }

    /// Lines of a page.
    pub(crate) fn page(&self) -> i64 {
        i64::from(self.height.saturating_sub(1).max(1))
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
        self.keep_in_view();
    }

    fn cursor(&self) -> usize {
        let at = |chosen| {
            self.all()
                .iter()
                .position(|stats| id(stats) == Some(chosen))
        };
        self.chosen.and_then(at).unwrap_or(0)
    }

    fn keep_in_view(&mut self) {
        let (cursor, rows) = (self.cursor(), usize::from(self.height.max(1)));
        let lowest = self.all().len().saturating_sub(rows);
        self.top = self
            .top
            .clamp((cursor + 1).saturating_sub(rows), cursor)
            .min(lowest);
    }
}

fn id(stats: &SiteStats) -> Option<u32> {
    stats.site.as_ref().map(|site| site.id)
}
