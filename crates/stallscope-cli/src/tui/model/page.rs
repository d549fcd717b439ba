//! The page of one finding: what it showed when it was opened, kept up to date while the agent still tells of it.

use std::path::PathBuf;

use stallscope_wire::message::Finding;

use super::Findings;

/// A finding that is looked at.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// As it was sent last.
    pub(crate) finding: Finding,
    /// The agent's wall clock then, nanoseconds since 1970.
    pub(crate) at_unix_ns: u64,
    /// Code around the line to change; the reason if there is none.
    pub(crate) source: Option<Result<Source, String>>,
    /// Whether frames of other code than the application's are shown one by one.
    pub(crate) unfolded: bool,
    /// The first line of the page that is shown.
    pub(crate) scroll: u16,
}

/// Some lines of a source file on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    /// Number of the first of `lines`; the first line of a file is 1.
    pub(crate) first: u32,
    pub(crate) lines: Vec<String>,
}

impl Page {
    pub(crate) fn new(finding: Finding, at_unix_ns: u64) -> Self {
        Self {
            finding,
            at_unix_ns,
            source: None,
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

    /// File and line to change; `None` if no frame of the application's own code was found.
    pub(crate) fn place(&self) -> Option<(&str, u32)> {
        let location = self.finding.location.as_ref()?;
        Some((location.file.as_str(), location.line))
            .filter(|(file, line)| !file.is_empty() && *line > 0)
    }
}
