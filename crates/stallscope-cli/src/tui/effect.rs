//! What the view wants of the world outside: connections, questions to the agent, a look around for processes.

use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use stallscope_wire::message::Subscribe;

use super::keyboard::Keyboard;
use super::update::Msg;
use super::{editor, term};
use crate::client::{ClientError, Connection, StreamEvent, Subscriber};
use crate::source;
use crate::target::{self, Target};

/// What an update may ask for. Nothing is waited for: results come as messages.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// Look for processes.
    Survey,
    /// Connect, in place of any other connection. `connection` names it in its messages.
    Connect {
        connection: u64,
        target: Target,
    },
    Disconnect,
    Subscribe(Subscribe),
    Unsubscribe(u64),
    /// Look for this line of source on this machine. `file` is as the compiler recorded it.
    ReadSource {
        file: String,
        line: u32,
    },
    /// Open the user's editor there; it has the terminal until it ends.
    Edit {
        path: PathBuf,
        line: u32,
    },
    /// Into the clipboard.
    Copy(String),
    Quit,
}

/// Who does it.
pub(crate) trait World {
    fn perform(&mut self, effect: Effect);
}

/// The real world: a thread for each thing that may take its time.
pub(crate) struct Outside {
    inbox: Sender<Msg>,
    keyboard: Keyboard,
    line: Arc<Mutex<Line>>,
}

/// The connection in use, once it stands.
#[derive(Default)]
struct Line {
    /// The last connection that was asked for; one that is made after a later one was asked for is dropped.
    wanted: u64,
    subscriber: Option<Subscriber>,
}

impl Outside {
    /// Results go to `inbox`. `keyboard` is left to an editor while one runs.
    pub(crate) fn new(inbox: Sender<Msg>, keyboard: Keyboard) -> Self {
        Self {
            inbox,
            keyboard,
            line: Arc::default(),
        }
    }

    fn connect(&self, connection: u64, target: Target) {
        {
            let mut line = lock(&self.line);
            line.wanted = connection;
            line.subscriber = None;
        }
        let (inbox, line) = (self.inbox.clone(), Arc::clone(&self.line));
        in_background(&self.inbox, connection, move || {
            if let Err(error) = establish(connection, &target, &inbox, &line) {
                tell(
                    &inbox,
                    Msg::Closed {
                        connection,
                        reason: error.to_string(),
                    },
                );
            }
        });
    }

    fn survey(&self) {
        let inbox = self.inbox.clone();
        in_background(&self.inbox, 0, move || {
            tell(&inbox, Msg::Surveyed(target::survey()));
        });
    }

    fn read_source(&self, file: String, line: u32) {
        let inbox = self.inbox.clone();
        in_background(&self.inbox, 0, move || {
            let found = source::read(&file, line);
            tell(&inbox, Msg::SourceRead { file, line, found });
        });
    }

    fn edit(&self, path: PathBuf, line: u32) {
        let (inbox, keyboard) = (self.inbox.clone(), self.keyboard.clone());
        in_background(&self.inbox, 0, move || {
            let ended = editor::run(&path, line, &keyboard);
            tell(&inbox, Msg::Edited(ended));
        });
    }

    fn ask(&self, what: impl FnOnce(&Subscriber)) {
        // Without a connection there is nobody to ask. Everything is asked again once there is one.
        if let Some(subscriber) = &lock(&self.line).subscriber {
            what(subscriber);
        }
    }
}

impl World for Outside {
    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Survey => self.survey(),
            Effect::Connect { connection, target } => self.connect(connection, target),
            Effect::Disconnect => *lock(&self.line) = Line::default(),
            Effect::Subscribe(subscribe) => self.ask(|subscriber| subscriber.subscribe(subscribe)),
            Effect::Unsubscribe(number) => self.ask(|subscriber| subscriber.unsubscribe(number)),
            Effect::ReadSource { file, line } => self.read_source(file, line),
            Effect::Edit { path, line } => self.edit(path, line),
            Effect::Copy(text) => term::copy(&text),
            // The loop ends by itself.
            Effect::Quit => {}
        }
    }
}

fn establish(
    connection: u64,
    target: &Target,
    inbox: &Sender<Msg>,
    line: &Mutex<Line>,
) -> Result<(), ClientError> {
    let opened = Connection::open(target)?;
    let process = opened.welcome().process.clone();
    let stream = inbox.clone();
    // Held until the subscriber is in its place: `Connected` must come before anything of the stream, and the questions
    // that follow it after this.
    let mut line = lock(line);
    if line.wanted != connection {
        return Ok(());
    }
    tell(
        inbox,
        Msg::Connected {
            connection,
            process,
        },
    );
    line.subscriber = Some(opened.into_stream(move |event| {
        tell(
            &stream,
            match event {
                StreamEvent::Message(message) => Msg::Agent {
                    connection,
                    message,
                },
                StreamEvent::Closed(reason) => Msg::Closed { connection, reason },
            },
        );
    })?);
    Ok(())
}

fn in_background(inbox: &Sender<Msg>, connection: u64, work: impl FnOnce() + Send + 'static) {
    let started = thread::Builder::new()
        .name("stallscope-work".to_owned())
        .spawn(work);
    if let Err(error) = started {
        let reason = format!("no thread could be started: {error}");
        tell(inbox, Msg::Closed { connection, reason });
    }
}

fn tell(inbox: &Sender<Msg>, msg: Msg) {
    // Nobody listens any more when the view is being left.
    let _ = inbox.send(msg);
}

/// A panic elsewhere leaves nothing half done in here.
fn lock(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}
