//! The loop: messages in, pictures out. Everything it touches is handed in, so a test is a session like any other.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::Backend;

use super::effect::{Effect, World};
use super::model::Model;
use super::theme::Theme;
use super::update::{self, Msg};
use super::view;
use crate::target::Target;

/// At most thirty pictures a second: more cannot be told apart, and every one costs the terminal its time.
const FRAME: Duration = Duration::from_millis(33);

/// The view at work.
pub(crate) struct App<B: Backend, W> {
    model: Model,
    terminal: Terminal<B>,
    world: W,
    theme: Theme,
    /// Something has happened since the last picture.
    dirty: bool,
    drawn: Option<Instant>,
    /// What is on the screen is not what was drawn last: somebody else had it.
    strange: bool,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    GoOn,
    Quit,
}

impl<B: Backend, W: World> App<B, W> {
    pub(crate) fn new(
        terminal: Terminal<B>,
        world: W,
        theme: Theme,
        now: Instant,
    ) -> Result<Self, B::Error> {
        let size = terminal.size()?;
        let model = Model::new(size.width, size.height, now);
        Ok(Self {
            model,
            terminal,
            world,
            theme,
            dirty: true,
            drawn: None,
            strange: false,
        })
    }

    /// Turns to a process; to the only one there is, or to the picker, if none is named.
    pub(crate) fn start(&mut self, target: Option<Target>) {
        let effects = update::start(&mut self.model, target);
        self.perform(effects);
    }

    /// Until somebody quits.
    pub(crate) fn run(&mut self, inbox: &Receiver<Msg>) -> Result<(), B::Error> {
        loop {
            let now = Instant::now();
            if self.draws_at(now).is_some_and(|at| at <= now) {
                self.draw(now)?;
            }
            let wake = self
                .draws_at(now)
                .into_iter()
                .chain(self.model.wakes_at())
                .min();
            let received = match wake {
                Some(at) => inbox.recv_timeout(at.saturating_duration_since(Instant::now())),
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let flow = match received {
                Ok(first) => self.drain(first, inbox),
                Err(RecvTimeoutError::Timeout) => self.wake(Instant::now()),
                Err(RecvTimeoutError::Disconnected) => Flow::Quit,
            };
            if flow == Flow::Quit {
                return Ok(());
            }
        }
    }

    /// Deals with one message.
    pub(crate) fn handle(&mut self, msg: Msg, now: Instant) -> Flow {
        self.strange |= matches!(msg, Msg::Edited(_));
        let effects = update::update(&mut self.model, msg, now);
        self.dirty = true;
        self.perform(effects)
    }

    /// Deals with the time that has come, if the model waits for it.
    pub(crate) fn wake(&mut self, now: Instant) -> Flow {
        match self.model.wakes_at() {
            Some(at) if at <= now => self.handle(Msg::Tick, now),
            _ => Flow::GoOn,
        }
    }

    /// Shows the model as it is.
    pub(crate) fn draw(&mut self, now: Instant) -> Result<(), B::Error> {
        if std::mem::take(&mut self.strange) {
            // Takes nothing on the screen for granted. `Terminal::clear` would wait for an answer of the terminal, which the
            // thread that reads keys gets.
            let size = self.terminal.size()?;
            self.terminal.resize(size.into())?;
        }
        let (model, theme) = (&self.model, self.theme);
        self.terminal
            .draw(|frame| view::draw(model, theme, frame))?;
        self.dirty = false;
        self.drawn = Some(now);
        Ok(())
    }

    /// Takes what has come in the meantime as well, so that one picture shows it all; but never so much that no picture is
    /// shown.
    fn drain(&mut self, first: Msg, inbox: &Receiver<Msg>) -> Flow {
        let until = Instant::now() + FRAME;
        let mut next = Some(first);
        while let Some(msg) = next {
            let now = Instant::now();
            if self.handle(msg, now) == Flow::Quit {
                return Flow::Quit;
            }
            next = if now < until {
                inbox.try_recv().ok()
            } else {
                None
            };
        }
        // Messages without a pause must not keep what is due from being done.
        self.wake(Instant::now())
    }

    /// When the next picture is due; `None` if there is nothing new to show.
    fn draws_at(&self, now: Instant) -> Option<Instant> {
        self.dirty
            .then(|| self.drawn.map_or(now, |drawn| drawn + FRAME))
    }

    fn perform(&mut self, effects: Vec<Effect>) -> Flow {
        let quit = effects.contains(&Effect::Quit);
        for effect in effects {
            self.world.perform(effect);
        }
        if quit { Flow::Quit } else { Flow::GoOn }
    }
}

#[cfg(test)]
impl<B: Backend, W> App<B, W> {
    pub(crate) fn terminal_mut(&mut self) -> &mut Terminal<B> {
        &mut self.terminal
    }
}
