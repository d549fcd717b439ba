//! The page of one finding: what it showed when it was opened, kept up to date while the agent still tells of it.

use std::collections::BTreeMap;

use stallscope_wire::message::{Finding, FindingTask};

use super::Findings;
use crate::conflict::{Side, sides};
use crate::source::Source;

/// A finding that is looked at.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// As it was sent last.
    pub(crate) finding: Finding,
    /// The agent's wall clock then, nanoseconds since 1970.
    pub(crate) at_unix_ns: u64,
    /// Which of its sides keys are about; beyond the last is the last.
    selected: usize,
    /// Code around each line of the finding, or why there is none; `None` while it is looked for.
    sources: BTreeMap<(String, u32), Option<Result<Source, String>>>,
    /// Whether frames of other code than the application's are shown one by one.
    pub(crate) unfolded: bool,
    /// The first line of the page that is shown.
    pub(crate) scroll: u16,
}

impl Page {
    pub(crate) fn new(finding: Finding, at_unix_ns: u64) -> Self {
        Self {
            finding,
            at_unix_ns,
            selected: 0,
            sources: BTreeMap::new(),
            unfolded: false,
            scroll: 0,
        }
    }

    /// Shows what is known of it now. A finding that is no longer told of stays as it was.
    pub(crate) fn refresh(&mut self, findings: &Findings) {
        if let Some(finding) = findings.with_id(self.finding.id) {
            self.finding = finding.clone();
            self.at_unix_ns = findings.at_unix_ns();
        }
    }

    // ------------------------------------------------------------ its sides

    /// The index of the selected one.
    pub(crate) fn selected(&self) -> usize {
        self.selected.min(self.finding.parties.len())
    }

    /// Selects the next side, after the last the first. Whether there is another.
    pub(crate) fn turn(&mut self) -> bool {
        let sides = 1 + self.finding.parties.len();
        self.selected = (self.selected() + 1) % sides;
        sides > 1
    }

    /// File and line to change, of a conflict on the selected side; `None` if no line of the application's own code was found.
    pub(crate) fn place(&self) -> Option<(&str, u32)> {
        self.side().and_then(|side| side.place())
    }

    /// Whose code it is, of a conflict on the selected side.
    pub(crate) fn task(&self) -> Option<&FindingTask> {
        self.side()?.task
    }

    fn side(&self) -> Option<Side<'_>> {
        sides(&self.finding).into_iter().nth(self.selected())
    }

    // ------------------------------------------------------------ its source

    /// The lines whose source has to be looked for, each once.
    pub(crate) fn unread(&mut self) -> Vec<(String, u32)> {
        let mut unread = Vec::new();
        for side in sides(&self.finding) {
            let place = side.place().map(|(file, line)| (file.to_owned(), line));
            if let Some(place) = place.filter(|place| !self.sources.contains_key(place)) {
                self.sources.insert(place.clone(), None);
                unread.push(place);
            }
        }
        unread
    }

    /// What came of looking for one.
    pub(crate) fn read(&mut self, file: &str, line: u32, found: &Result<Source, String>) {
        if let Some(code) = self.sources.get_mut(&(file.to_owned(), line)) {
            *code = Some(found.clone());
        }
    }

    /// The code there, or why there is none; `None` while it is looked for.
    pub(crate) fn code(&self, (file, line): (&str, u32)) -> Option<&Result<Source, String>> {
        self.sources.get(&(file.to_owned(), line))?.as_ref()
    }
}
