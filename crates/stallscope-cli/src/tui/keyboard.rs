//! The keyboard: read by a thread that can be made to leave it to another program.

use std::io;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyEventKind};
use rustix::process::{Signal, getpid, kill_process};

use super::update::Msg;

/// A thread that reads stops within microseconds. One that has ended never says so.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whose the keyboard is.
#[derive(Clone, Default)]
pub(crate) struct Keyboard(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Reading,
    /// The thread is to stop reading.
    Wanted,
    /// It has.
    Left,
}

/// While this lives no key is read.
pub(crate) struct Paused(Keyboard);

impl Keyboard {
    /// Sends keys, and changes of the terminal's size, to `outbox`. Reading waits, so it has a thread, which ends with the
    /// process.
    pub(crate) fn listen(&self, outbox: Sender<Msg>) -> io::Result<()> {
        let keyboard = self.clone();
        let read = move || {
            loop {
                keyboard.wait_while_paused();
                let msg = match event::read() {
                    // Some terminals tell of releases too: a key would count twice.
                    Ok(Event::Key(key)) if key.kind == KeyEventKind::Press => Msg::Key(key),
                    Ok(Event::Resize(width, height)) => Msg::Resize { width, height },
                    Ok(_) => continue,
                    Err(_) => Msg::Quit,
                };
                let last = matches!(msg, Msg::Quit);
                if outbox.send(msg).is_err() || last {
                    return;
                }
            }
        };
        thread::Builder::new()
            .name("stallscope-keys".to_owned())
            .spawn(read)
            .map(drop)
    }

    /// Stops reading, so that every key goes to somebody else.
    pub(crate) fn pause(&self) -> Paused {
        let mut state = self.lock();
        if *state == State::Reading {
            *state = State::Wanted;
            // A thread that waits for a key is woken by a change of the terminal's size, also by one to the same size.
            // Without the signal it would take one more key: a nuisance, not an error.
            let _ = kill_process(getpid(), Signal::WINCH);
        }
        let left = self
            .0
            .changed
            .wait_timeout_while(state, PATIENCE, |state| *state == State::Wanted);
        drop(left.unwrap_or_else(PoisonError::into_inner));
        Paused(self.clone())
    }

    fn wait_while_paused(&self) {
        let mut state = self.lock();
        if *state == State::Wanted {
            *state = State::Left;
            self.0.changed.notify_all();
        }
        let ours = self
            .0
            .changed
            .wait_while(state, |state| *state != State::Reading);
        drop(ours.unwrap_or_else(PoisonError::into_inner));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        *self.0.lock() = State::Reading;
        self.0.0.changed.notify_all();
    }
}
