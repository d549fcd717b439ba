//! The user's editor, with the terminal and the keyboard to itself until it ends.

use std::env;
use std::path::Path;
use std::process::Command;

use super::keyboard::Keyboard;
use super::term;

/// Opens a file at a line in `$EDITOR`, and waits for its end. The error is a sentence for the user.
pub(crate) fn run(path: &Path, line: u32, keyboard: &Keyboard) -> Result<(), String> {
    let editor = env::var("EDITOR").unwrap_or_default();
    // Editors come with arguments: `code --wait`.
    let mut words = editor.split_whitespace();
    let Some(program) = words.next() else {
        return Err(format!(
            "no editor is named: set EDITOR, for instance EDITOR=vi, to open {}:{line}",
            path.display()
        ));
    };
    let Some(lent) = term::lend() else {
        return Err("an editor is open already".to_owned());
    };
    let paused = keyboard.pause();
    let ended = Command::new(program)
        .args(words)
        .arg(format!("+{line}"))
        .arg(path)
        .status();
    drop(lent);
    drop(paused);
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program} ended with {status}")),
        Err(error) => Err(format!(
            "{program}, named by EDITOR, could not be started: {error}"
        )),
    }
}
