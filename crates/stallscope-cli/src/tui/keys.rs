//! The one table of keys: what each does, where, and how that is told. It feeds dispatch, the footer, the help and
//! `docs/keys.md`.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

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
    OpenFinding,
    OpenPlace,
    LongerHistory,
    ShorterHistory,
    Unfold,
    Edit,
    Copy,
    Filter,
    GoToTask,
    Sort,
    SortPrevious,
    SortNext,
    Reverse,
    Follow,
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
    /// The list of findings above the tree or the places.
    Findings,
    /// The page of one finding.
    Finding,
    Tree,
    /// The places that spawn tasks, where the tree stands otherwise.
    Places,
    /// The list of processes, also while it is empty.
    Processes,
    /// The list of what to sort by.
    Sort,
    /// A text that is only read: help, doctor.
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

#[derive(Clone, Copy)]
enum Chord {
    Plain(KeyCode),
    Ctrl(char),
}

use Chord::{Ctrl, Plain};
use Context::{Finding, Findings, Places, Processes, Prompt, Sort, Text, Tree};

const fn char(c: char) -> Chord {
    Plain(KeyCode::Char(c))
}

/// Every key there is. The footer shows hints in this order, as many as fit.
pub(crate) static BINDINGS: &[Binding] = &[
    Binding {
        chords: &[char('?'), Plain(KeyCode::F(1))],
        command: Command::Help,
        contexts: &[Findings, Finding, Tree, Places, Processes, Sort, Text],
        hint: "help",
        help: "show these keys",
    },
    Binding {
        chords: &[char('q'), Ctrl('c')],
        command: Command::Quit,
        contexts: &[Findings, Finding, Tree, Places, Processes, Sort, Text],
        hint: "quit",
        help: "quit",
    },
    Binding {
        chords: &[Plain(KeyCode::Enter)],
        command: Command::Choose,
        contexts: &[Processes],
        hint: "open",
        help: "look at this process",
    },
    Binding {
        chords: &[Plain(KeyCode::Enter)],
        command: Command::Accept,
        contexts: &[Sort, Prompt],
        hint: "ok",
        help: "take it",
    },
    Binding {
        chords: &[Plain(KeyCode::Enter)],
        command: Command::OpenFinding,
        contexts: &[Findings],
        hint: "open",
        help: "the page of the finding: line, task, cause, stack, source",
    },
    Binding {
        chords: &[Plain(KeyCode::Tab), char('1')],
        command: Command::FocusFindings,
        contexts: &[Tree, Places],
        hint: "findings",
        help: "to the findings",
    },
    Binding {
        chords: &[Plain(KeyCode::Tab)],
        command: Command::FocusPane,
        contexts: &[Findings],
        hint: "",
        help: "to what stands below: the tree, or the places",
    },
    Binding {
        chords: &[char('2')],
        command: Command::ShowTree,
        contexts: &[Findings, Places],
        hint: "tree",
        help: "to the tree of tasks",
    },
    Binding {
        chords: &[char('o')],
        command: Command::Edit,
        contexts: &[Finding],
        hint: "edit",
        help: "open the line in $EDITOR",
    },
    Binding {
        chords: &[char('y')],
        command: Command::Copy,
        contexts: &[Finding],
        hint: "copy",
        help: "copy the line's place; the terminal has to allow it (OSC 52)",
    },
    Binding {
        chords: &[Plain(KeyCode::Enter), char(' ')],
        command: Command::Unfold,
        contexts: &[Finding],
        hint: "stack",
        help: "unfold or fold the frames that are not the application's own",
    },
    Binding {
        chords: &[char('/')],
        command: Command::Filter,
        contexts: &[Findings, Tree],
        hint: "filter",
        help: "filter tasks, for instance: busy>50ms !state:idle db",
    },
    Binding {
        chords: &[Plain(KeyCode::Enter)],
        command: Command::OpenPlace,
        contexts: &[Places],
        hint: "tasks",
        help: "the tasks of this place, in the tree",
    },
    Binding {
        chords: &[char('s')],
        command: Command::Sort,
        contexts: &[Tree, Places],
        hint: "sort",
        help: "choose what siblings, or places, are sorted by",
    },
    Binding {
        chords: &[char('3')],
        command: Command::ShowPlaces,
        contexts: &[Findings, Tree],
        hint: "places",
        help: "to the places that spawn tasks: which of them leaks?",
    },
    Binding {
        chords: &[char('+')],
        command: Command::LongerHistory,
        contexts: &[Places],
        hint: "longer",
        help: "look further back: ten minutes, an hour",
    },
    Binding {
        chords: &[char('-')],
        command: Command::ShorterHistory,
        contexts: &[Places],
        hint: "shorter",
        help: "look less far back",
    },
    Binding {
        chords: &[Plain(KeyCode::Enter)],
        command: Command::Open,
        contexts: &[Tree],
        hint: "open",
        help: "unfold or fold; details of a task with nothing below it",
    },
    Binding {
        chords: &[char('d')],
        command: Command::Details,
        contexts: &[Tree],
        hint: "details",
        help: "details of the selected task: ancestors, times, what is not seen",
    },
    Binding {
        chords: &[char('F')],
        command: Command::Follow,
        contexts: &[Tree],
        hint: "follow",
        help: "stay with the selected task wherever it goes",
    },
    Binding {
        chords: &[char('f')],
        command: Command::Freeze,
        contexts: &[Findings, Tree, Places],
        hint: "freeze",
        help: "freeze the picture; again to go on",
    },
    Binding {
        chords: &[char('i')],
        command: Command::Doctor,
        contexts: &[Findings, Tree, Places],
        hint: "doctor",
        help: "what stallscope can see here, what not, and why",
    },
    Binding {
        chords: &[char('p')],
        command: Command::Processes,
        contexts: &[Findings, Tree, Places],
        hint: "processes",
        help: "look at another process",
    },
    Binding {
        chords: &[Plain(KeyCode::Up), char('k')],
        command: Command::Up,
        contexts: &[Findings, Finding, Tree, Places, Processes, Sort, Text],
        hint: "",
        help: "up",
    },
    Binding {
        chords: &[Plain(KeyCode::Down), char('j')],
        command: Command::Down,
        contexts: &[Findings, Finding, Tree, Places, Processes, Sort, Text],
        hint: "",
        help: "down",
    },
    Binding {
        chords: &[Plain(KeyCode::PageUp)],
        command: Command::PageUp,
        contexts: &[Finding, Tree, Places, Text],
        hint: "",
        help: "a page up",
    },
    Binding {
        chords: &[Plain(KeyCode::PageDown)],
        command: Command::PageDown,
        contexts: &[Finding, Tree, Places, Text],
        hint: "",
        help: "a page down",
    },
    Binding {
        chords: &[Ctrl('u')],
        command: Command::HalfPageUp,
        contexts: &[Finding, Tree, Places, Text],
        hint: "",
        help: "half a page up",
    },
    Binding {
        chords: &[Ctrl('d')],
        command: Command::HalfPageDown,
        contexts: &[Finding, Tree, Places, Text],
        hint: "",
        help: "half a page down",
    },
    Binding {
        chords: &[Plain(KeyCode::Home), char('g')],
        command: Command::First,
        contexts: &[Findings, Finding, Tree, Places, Text],
        hint: "",
        help: "to the first line, whatever comes to stand there",
    },
    Binding {
        chords: &[Plain(KeyCode::End), char('G')],
        command: Command::Last,
        contexts: &[Findings, Finding, Tree, Places, Text],
        hint: "",
        help: "to the last line",
    },
    Binding {
        chords: &[Plain(KeyCode::Right), char('l')],
        command: Command::Expand,
        contexts: &[Tree],
        hint: "",
        help: "unfold",
    },
    Binding {
        chords: &[Plain(KeyCode::Left), char('h')],
        command: Command::Collapse,
        contexts: &[Tree],
        hint: "",
        help: "fold; if nothing is to be folded, to the parent",
    },
    Binding {
        chords: &[char(' ')],
        command: Command::Toggle,
        contexts: &[Tree],
        hint: "",
        help: "unfold or fold",
    },
    Binding {
        chords: &[char('#')],
        command: Command::GoToTask,
        contexts: &[Tree],
        hint: "",
        help: "follow the task with an id that you type",
    },
    Binding {
        chords: &[char('<')],
        command: Command::SortPrevious,
        contexts: &[Tree, Places],
        hint: "",
        help: "sort by the column to the left",
    },
    Binding {
        chords: &[char('>')],
        command: Command::SortNext,
        contexts: &[Tree, Places],
        hint: "",
        help: "sort by the column to the right",
    },
    Binding {
        chords: &[char('r')],
        command: Command::Reverse,
        contexts: &[Tree, Places],
        hint: "",
        help: "reverse the order",
    },
    Binding {
        chords: &[Plain(KeyCode::Esc)],
        command: Command::Back,
        contexts: &[Finding, Sort, Text, Prompt],
        hint: "back",
        help: "back, without a change",
    },
    Binding {
        chords: &[Plain(KeyCode::Esc)],
        command: Command::Back,
        contexts: &[Findings, Tree],
        hint: "",
        help: "end one thing, the latest first: details, following, freeze, filter",
    },
    Binding {
        chords: &[Plain(KeyCode::Esc)],
        command: Command::Back,
        contexts: &[Places],
        hint: "",
        help: "back to the tree; first end the freeze",
    },
    Binding {
        chords: &[Plain(KeyCode::Backspace), Ctrl('h')],
        command: Command::Erase,
        contexts: &[Prompt],
        hint: "",
        help: "erase a character",
    },
    Binding {
        chords: &[Ctrl('u')],
        command: Command::EraseAll,
        contexts: &[Prompt],
        hint: "erase",
        help: "erase everything",
    },
    Binding {
        chords: &[Ctrl('c')],
        command: Command::Quit,
        contexts: &[Prompt],
        hint: "",
        help: "quit",
    },
];

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
    pub(crate) const ALL: [Self; 8] = [
        Findings, Finding, Tree, Places, Processes, Sort, Prompt, Text,
    ];

    /// Heading of the help.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Findings => "List of findings",
            Finding => "Page of a finding",
            Tree => "Tree of tasks",
            Places => "Places that spawn tasks",
            Processes => "List of processes",
            Sort => "Choice of the sort order",
            Text => "Help and doctor",
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

impl Chord {
    fn matches(self, key: &KeyEvent) -> bool {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        if key.modifiers.contains(KeyModifiers::ALT) {
            return false;
        }
        // Shift is part of the character already, and terminals do not agree on telling it besides.
        match self {
            Plain(code) => !ctrl && key.code == code,
            Ctrl(c) => ctrl && key.code == KeyCode::Char(c),
        }
    }

    fn name(self) -> String {
        match self {
            Ctrl(c) => format!("Ctrl-{c}"),
            Plain(KeyCode::Char(' ')) => "Space".to_owned(),
            Plain(KeyCode::Up) => "↑".to_owned(),
            Plain(KeyCode::Down) => "↓".to_owned(),
            Plain(KeyCode::Left) => "←".to_owned(),
            Plain(KeyCode::Right) => "→".to_owned(),
            Plain(KeyCode::PageUp) => "PgUp".to_owned(),
            Plain(KeyCode::PageDown) => "PgDn".to_owned(),
            Plain(code) => code.to_string(),
        }
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
