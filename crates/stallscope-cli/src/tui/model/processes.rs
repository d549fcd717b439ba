//! The processes that can be looked at, for the picker and for the screen that waits for one.

use std::time::{Duration, Instant};

use crate::target::{Found, Survey, Target};

/// A program shows up within a second of its start; looking more often would not show it earlier.
const AGAIN: Duration = Duration::from_secs(1);

/// What the last look found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Processes {
    /// `None` until the first look is over.
    survey: Option<Survey>,
    /// Process number of the line that is selected; the first line if it is gone.
    chosen: Option<u32>,
    look_at: Option<Instant>,
}

impl Processes {
    pub(crate) fn found(&self) -> &[Found] {
        self.survey.as_ref().map_or(&[], |survey| &survey.found)
    }

    /// Sockets that were left out, each with the reason.
    pub(crate) fn ignored(&self) -> &[String] {
        self.survey.as_ref().map_or(&[], |survey| &survey.ignored)
    }

    pub(crate) fn is_known(&self) -> bool {
        self.survey.is_some()
    }

    /// Into [`found`](Self::found).
    pub(crate) fn cursor(&self) -> usize {
        self.found()
            .iter()
            .position(|found| Some(found.pid) == self.chosen)
            .unwrap_or(0)
    }

    pub(crate) fn selected(&self) -> Option<Target> {
        self.found().get(self.cursor()).cloned().map(Target::from)
    }

    pub(crate) fn move_by(&mut self, lines: i64) {
        let line = (self.cursor() as u64).saturating_add_signed(lines);
        let line = usize::try_from(line)
            .unwrap_or(usize::MAX)
            .min(self.found().len().saturating_sub(1));
        self.chosen = self.found().get(line).map(|found| found.pid);
    }

    /// Takes over the result of a look.
    pub(crate) fn surveyed(&mut self, survey: Survey, now: Instant) {
        self.survey = Some(survey);
        self.look_at = Some(now + AGAIN);
    }

    /// Whether it is time to look. True once for each time.
    pub(crate) fn look(&mut self, now: Instant) -> bool {
        let due = self.look_at.is_some_and(|at| at <= now);
        if due {
            self.look_at = None;
        }
        due
    }

    pub(crate) fn wakes_at(&self) -> Option<Instant> {
        self.look_at
    }
}
