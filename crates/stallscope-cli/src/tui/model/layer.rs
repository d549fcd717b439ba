//! What lies over the main view. Keys go to the topmost layer; Esc takes it away.

use stallscope_wire::message::Term;

use super::{Cancel, Page};

/// One of the things that can lie over the tree.
#[derive(Clone, Debug)]
pub(crate) enum Layer {
    Help {
        scroll: u16,
    },
    Doctor {
        scroll: u16,
    },
    /// Who holds a lock, and who waits for it.
    Lock {
        id: u64,
        scroll: u16,
    },
    /// A list of what to sort by, with the line that is selected.
    Sort {
        cursor: usize,
    },
    Prompt(Prompt),
    /// Always the topmost.
    Cancel(Box<Cancel>),
    /// In place of everything between title and footer.
    Finding(Box<Page>),
}

/// A line that is being typed.
#[derive(Clone, Debug)]
pub(crate) struct Prompt {
    pub(crate) purpose: PromptPurpose,
    pub(crate) text: String,
    /// Why the text cannot be used as it stands.
    pub(crate) error: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) enum PromptPurpose {
    /// A filter, in force as far as it is valid. Esc brings back the one from before.
    Filter { before: AppliedFilter },
    /// The id of a task to go to.
    Task,
}

/// The filter in force.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct AppliedFilter {
    /// As it was typed; empty if there is none.
    pub(crate) text: String,
    pub(crate) terms: Vec<Term>,
}

impl Layer {
    /// Moves what is selected or shown by that many lines.
    pub(crate) fn scroll_by(&mut self, lines: i64, length: usize) {
        let last = length.saturating_sub(1);
        match self {
            Self::Help { scroll } | Self::Doctor { scroll } | Self::Lock { scroll, .. } => {
                scroll_to(scroll, lines, last);
            }
            Self::Finding(page) => scroll_to(&mut page.scroll, lines, last),
            Self::Sort { cursor } => {
                let to = (*cursor as u64).saturating_add_signed(lines);
                *cursor = usize::try_from(to).unwrap_or(usize::MAX).min(last);
            }
            Self::Prompt(_) | Self::Cancel(_) => {}
        }
    }
}

fn scroll_to(scroll: &mut u16, lines: i64, last: usize) {
    let to = u64::from(*scroll).saturating_add_signed(lines);
    *scroll = u16::try_from(to)
        .unwrap_or(u16::MAX)
        .min(u16::try_from(last).unwrap_or(u16::MAX));
}
