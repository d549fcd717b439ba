//! The terminal view: live tasks as a tree, with the runtime's gauges above it.
//!
//! Messages (keys, updates of the agent, time) change a plain [`model`]; [`update`] says how, [`view`] draws it, and what is
//! wanted of the world outside comes back as an [`effect`]. [`app`] is the loop around that.

mod app;
mod clipboard;
mod editor;
mod effect;
mod keyboard;
mod keys;
mod model;
mod term;
#[cfg(test)]
mod tests;
mod theme;
mod update;
mod view;

use std::io;
use std::panic;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Instant;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::target::Target;
use app::App;
use effect::Outside;
use keyboard::Keyboard;
use theme::Theme;
use update::Msg;

/// Shows a process until the user quits. With no target named: the only process there is, a picker of several, or a screen
/// that waits for the first.
pub(crate) fn run(target: Option<Target>) -> io::Result<()> {
    let (outbox, inbox) = mpsc::channel();
    let (_taken_over, terminal) = term::take_over(outbox.clone())?;
    listen_for_signals(outbox.clone())?;
    let keyboard = Keyboard::default();
    keyboard.listen(outbox.clone())?;
    let mut app = App::new(
        terminal,
        Outside::new(outbox, keyboard),
        Theme::from_environment(),
        Instant::now(),
    )?;
    app.start(target);
    app.run(&inbox)?;
    if term::was_lost_to_a_panic() {
        // It was reported where it happened. Going on from here as if nothing were would leave with a status that says so.
        panic::resume_unwind(Box::new("a thread of the view panicked"));
    }
    Ok(())
}

/// Being told to end, or the terminal being closed, must not leave it as it is now.
fn listen_for_signals(outbox: Sender<Msg>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT])?;
    let wait = move || {
        for signal in signals.forever() {
            // Pressed in the editor, for the editor.
            if signal == SIGINT && term::is_lent() {
                continue;
            }
            if outbox.send(Msg::Quit).is_err() {
                return;
            }
        }
    };
    thread::Builder::new()
        .name("stallscope-signal".to_owned())
        .spawn(wait)
        .map(drop)
}
