//! One key with or without Ctrl: whether it is the one that was pressed, and what it is called.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

#[derive(Clone, Copy)]
pub(super) enum Chord {
    Plain(KeyCode),
    Ctrl(char),
}

use Chord::{Ctrl, Plain};

/// The key that types this character.
pub(super) const fn char(c: char) -> Chord {
    Plain(KeyCode::Char(c))
}

impl Chord {
    pub(super) fn matches(self, key: &KeyEvent) -> bool {
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

    /// As the footer and the help call it.
    pub(super) fn name(self) -> String {
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
