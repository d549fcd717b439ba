//! What does a key ask for? One [`table`] says so to dispatch, the footer, the help and `docs/keys.md`.

mod chord;
mod table;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use chord::Chord;
use table::BINDINGS;

/// What a key can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Up,
    Down,
    PageUp,
    PageDown,
    HalfPageUp,
    HalfPageDown,
    First,
    Last,
    Open,
    Expand,
    Collapse,
    Toggle,
    Details,
    FocusFindings,
    FocusPane,
    ShowTree,
    ShowPlaces,
    ShowLocks,
    OpenFinding,
    OpenPlace,
    OpenLock,
    LongerHistory,
    ShorterHistory,
    Unfold,
    OtherSide,
    Edit,
    Copy,
    Filter,
    GoToTask,
    Sort,
    SortPrevious,
    SortNext,
    Reverse,
    Follow,
    Cancel,
    Confirm,
    Decline,
    Freeze,
    Doctor,
    Processes,
    Choose,
    Accept,
    Erase,
    EraseAll,
    Help,
    Back,
    Quit,
}

/// Where keys are pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Context {
    /// The list of findings above the tree, the places or the locks.
    Findings,
    /// The page of one finding.
    Finding,
    Tree,
    /// The places that spawn tasks, where the tree stands otherwise.
    Places,
    /// The locks, where the tree stands otherwise.
    Locks,
    /// The list of processes, also while it is empty.
    Processes,
    /// The list of what to sort by.
    Sort,
    /// The question whether to cancel a task, and what came of it. Then keys that are not bound say that it was read.
    Confirm,
    /// A text that is only read: help, doctor, who holds a lock.
    Text,
    /// A line that is being typed. Keys that are not bound are typed into it.
    Prompt,
}

/// One line of the table.
pub(crate) struct Binding {
    chords: &'static [Chord],
    pub(crate) command: Command,
    contexts: &'static [Context],
    /// The word in the footer; empty for keys that are not shown there.
    pub(crate) hint: &'static str,
    /// The line in the help.
    pub(crate) help: &'static str,
}

use Context::{Confirm, Finding, Findings, Locks, Places, Processes, Prompt, Sort, Text, Tree};

/// What a key asks for in a context; `None` if nothing.
pub(crate) fn command(context: Context, key: &KeyEvent) -> Option<Command> {
    bindings(context)
        .find(|binding| binding.chords.iter().any(|chord| chord.matches(key)))
        .map(|binding| binding.command)
}

/// The lines of the table that hold in a context.
pub(crate) fn bindings(context: Context) -> impl Iterator<Item = &'static Binding> {
    BINDINGS
        .iter()
        .filter(move |binding| binding.contexts.contains(&context))
}

/// The character a key types; `None` if it types none.
pub(crate) fn typed(key: &KeyEvent) -> Option<char> {
    match key.code {
        KeyCode::Char(c)
            if !key
                .modifiers
                .intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) =>
        {
            Some(c)
        }
        _ => None,
    }
}

impl Context {
    pub(crate) const ALL: [Self; 10] = [
        Findings, Finding, Tree, Places, Locks, Processes, Sort, Confirm, Prompt, Text,
    ];

    /// Heading of the help.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Findings => "List of findings",
            Finding => "Page of a finding",
            Tree => "Tree of tasks",
            Places => "Places that spawn tasks",
            Locks => "Locks",
            Processes => "List of processes",
            Confirm => "Question whether to cancel a task",
            Sort => "Choice of the sort order",
            Text => "Help, doctor, and who holds a lock",
            Prompt => "While typing a filter or a task id",
        }
    }
}

impl Binding {
    /// The first key of the line, for the footer.
    pub(crate) fn key(&self) -> String {
        self.names().next().unwrap_or_default()
    }

    /// The names of all its keys.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        self.chords.iter().map(|chord| chord.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_in_one_context() {
        for context in Context::ALL {
            let mut seen = Vec::new();
            for binding in bindings(context) {
                for chord in binding.chords {
                    let name = chord.name();
                    assert!(
                        !seen.contains(&name),
                        "{name} is bound twice in {context:?}"
                    );
                    seen.push(name);
                }
            }
        }
    }

    #[test]
    fn every_context_can_be_left() {
        for context in Context::ALL {
            assert!(
                bindings(context)
                    .any(|binding| matches!(binding.command, Command::Back | Command::Quit)),
                "{context:?}"
            );
        }
    }

    #[test]
    fn a_capital_is_not_its_small_letter() {
        let shifted = KeyEvent::new(KeyCode::Char('F'), KeyModifiers::SHIFT);
        assert_eq!(command(Tree, &shifted), Some(Command::Follow));
        let plain = KeyEvent::new(KeyCode::Char('f'), KeyModifiers::NONE);
        assert_eq!(command(Tree, &plain), Some(Command::Freeze));
        let alt = KeyEvent::new(KeyCode::Char('f'), KeyModifiers::ALT);
        assert_eq!(command(Tree, &alt), None);
    }
}
