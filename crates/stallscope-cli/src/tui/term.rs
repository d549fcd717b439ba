//! The terminal: taken over for the view, and given back in every case, also by a panic in any thread.

use std::io::{self, Write};
use std::panic;
use std::sync::mpsc::Sender;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};

use super::clipboard;
use super::update::Msg;

/// Who may write to the terminal. One for the process, as there is one terminal.
static OWNER: Mutex<Owner> = Mutex::new(Owner::Shell);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Shell,
    View,
    /// It is lent to a program that was started from the view.
    Guest,
    /// It was given back by a panic: the view must not write any more, nor go on.
    Panic,
}

/// While this lives the terminal belongs to the view.
pub(crate) struct TakenOver(());

/// Takes the terminal over: raw mode, alternate screen, no cursor.
///
/// A panic, in whatever thread, gives it back before it is reported, so that the report can be read; then `inbox` is told to end
/// the view.
pub(crate) fn take_over(
    inbox: Sender<Msg>,
) -> io::Result<(TakenOver, Terminal<CrosstermBackend<Frames>>)> {
    let terminal = Terminal::new(CrosstermBackend::new(Frames::default()))?;
    restore_on_panic(inbox);
    enable_raw_mode()?;
    *owner() = Owner::View;
    let taken_over = TakenOver(());
    execute!(io::stdout(), EnterAlternateScreen, Hide)?;
    Ok((taken_over, terminal))
}

/// While this lives the terminal is as it was before the view, for another program to use.
pub(crate) struct Lent(());

/// Leaves the terminal to another program; `None` if it is not the view's to leave.
pub(crate) fn lend() -> Option<Lent> {
    let mut owner = owner();
    if *owner != Owner::View {
        return None;
    }
    *owner = Owner::Guest;
    restore();
    Some(Lent(()))
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut owner = owner();
        // Else the view has ended in the meantime.
        if *owner == Owner::Guest {
            // A terminal that cannot be taken back is gone: reading the next key ends the view.
            let _ = enable_raw_mode();
            let _ = execute!(io::stdout(), EnterAlternateScreen, Hide);
            *owner = Owner::View;
        }
    }
}

pub(crate) fn is_lent() -> bool {
    *owner() == Owner::Guest
}

/// Asks the terminal to put a text into the clipboard (OSC 52). Whether it does is not told.
pub(crate) fn copy(text: &str) {
    let owner = owner();
    if *owner == Owner::View {
        // A terminal that is gone has no clipboard.
        let mut out = io::stdout().lock();
        let _ = out
            .write_all(clipboard::request(text).as_bytes())
            .and_then(|()| out.flush());
    }
}

/// Whether some thread has panicked since the view began.
pub(crate) fn was_lost_to_a_panic() -> bool {
    *owner() == Owner::Panic
}

impl Drop for TakenOver {
    fn drop(&mut self) {
        give_back(Owner::Shell);
    }
}

/// Gives the terminal back, once: a second time would move the cursor over what was printed since.
fn give_back(to: Owner) {
    let mut owner = owner();
    match std::mem::replace(&mut *owner, to) {
        Owner::View => restore(),
        // It is given back already.
        Owner::Guest => {}
        before @ (Owner::Shell | Owner::Panic) => *owner = before,
    }
}

fn restore() {
    // Of a terminal that is gone nothing needs to be restored.
    let _ = execute!(
        io::stdout(),
        EndSynchronizedUpdate,
        LeaveAlternateScreen,
        Show
    );
    let _ = disable_raw_mode();
}

fn restore_on_panic(inbox: Sender<Msg>) {
    let report = panic::take_hook();
    let view = thread::current().id();
    panic::set_hook(Box::new(move |panic| {
        give_back(Owner::Panic);
        report(panic);
        // The view's own thread is on its way out.
        if thread::current().id() != view {
            let _ = inbox.send(Msg::Quit);
        }
    }));
}

fn owner() -> MutexGuard<'static, Owner> {
    OWNER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Collects what is written, and shows it frame by frame: as a synchronized update, in which a terminal shows no half-drawn
/// picture, and only while the terminal is the view's.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    frame: Vec<u8>,
}

impl Write for Frames {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.frame.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let frame = std::mem::take(&mut self.frame);
        // Held while writing: a panic elsewhere waits for the end of the frame.
        let owner = owner();
        if frame.is_empty() || *owner != Owner::View {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        execute!(out, BeginSynchronizedUpdate)?;
        out.write_all(&frame)?;
        execute!(out, EndSynchronizedUpdate)
    }
}
