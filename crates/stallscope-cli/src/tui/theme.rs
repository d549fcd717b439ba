//! How meaning looks: views name a role, and only this file knows colours.
//!
//! Every role is told by a word or a sign as well. Colours are the sixteen a terminal's own theme defines, so that they suit
//! light and dark backgrounds; with `NO_COLOR` there are none.

use ratatui::style::{Color, Modifier, Style};

/// What a piece of text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Text,
    /// Less important than what is around it.
    Dim,
    Title,
    ColumnHead,
    /// The head of the column that sorts.
    SortedHead,
    Key,
    /// A mode that is on: filter, following, freeze.
    Mode,
    Running,
    Scheduled,
    Idle,
    Ended,
    On,
    Off,
    Warning,
    /// Worse than a warning.
    High,
    /// The application's own code among that of others.
    Own,
    Bar,
    /// Laid over the whole line of the selected row.
    Selected,
    /// Laid over the selected row of the part that keys do not go to.
    Remembered,
    /// Laid over a picture that is old.
    Stale,
}

impl Role {
    /// Of the selected row in a part of the screen.
    pub(crate) fn selection(has_keys: bool) -> Self {
        if has_keys {
            Self::Selected
        } else {
            Self::Remembered
        }
    }
}

/// The styles in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    Colour,
    Mono,
}

impl Theme {
    /// As the environment wants it: `NO_COLOR` with any text in it means none.
    pub(crate) fn from_environment() -> Self {
        match std::env::var_os("NO_COLOR") {
            Some(value) if !value.is_empty() => Self::Mono,
            _ => Self::Colour,
        }
    }

    pub(crate) fn style(self, role: Role) -> Style {
        match self {
            Self::Colour => colour(role),
            Self::Mono => mono(role),
        }
    }
}

fn colour(role: Role) -> Style {
    let style = Style::new();
    match role {
        Role::Text | Role::Idle => style,
        Role::Dim | Role::Ended | Role::Off => style.fg(Color::DarkGray),
        Role::Title => style.fg(Color::Cyan).add_modifier(Modifier::BOLD),
        Role::ColumnHead => style.fg(Color::DarkGray).add_modifier(Modifier::BOLD),
        Role::SortedHead | Role::Key => style.fg(Color::Cyan),
        Role::Mode => style.fg(Color::Black).bg(Color::Cyan),
        Role::Running => style.fg(Color::Green).add_modifier(Modifier::BOLD),
        Role::Scheduled | Role::Bar => style.fg(Color::Blue),
        Role::On => style.fg(Color::Green),
        Role::Warning => style.fg(Color::Yellow).add_modifier(Modifier::BOLD),
        Role::High => style.fg(Color::Red).add_modifier(Modifier::BOLD),
        Role::Own => style.add_modifier(Modifier::BOLD),
        Role::Remembered => style.add_modifier(Modifier::UNDERLINED),
        Role::Selected => style
            .fg(Color::Reset)
            .bg(Color::Reset)
            .add_modifier(Modifier::REVERSED),
        Role::Stale => style
            .fg(Color::DarkGray)
            .bg(Color::Reset)
            .remove_modifier(Modifier::BOLD),
    }
}

fn mono(role: Role) -> Style {
    let style = Style::new();
    match role {
        Role::Text | Role::Idle | Role::Scheduled | Role::On | Role::Bar => style,
        Role::Dim | Role::Ended | Role::Off | Role::Stale => style.add_modifier(Modifier::DIM),
        Role::Title | Role::Running | Role::Key | Role::Own => style.add_modifier(Modifier::BOLD),
        Role::ColumnHead | Role::Remembered => style.add_modifier(Modifier::UNDERLINED),
        Role::SortedHead => style
            .add_modifier(Modifier::BOLD)
            .add_modifier(Modifier::UNDERLINED),
        Role::Warning | Role::High | Role::Mode => style
            .add_modifier(Modifier::BOLD)
            .add_modifier(Modifier::REVERSED),
        Role::Selected => style.add_modifier(Modifier::REVERSED),
    }
}
