//! A session: a user in front of the view, an agent behind it, and a clock that moves when the test says so.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use stallscope_wire::message::{AgentMessage, Failed, Process, Subscribe, Update, agent_message};

use super::agent::{Agent, FakeAgent};
use crate::source::Source;
use crate::target::{Found, Survey, Target};
use crate::tui::app::{App, Flow};
use crate::tui::effect::{Effect, World};
use crate::tui::theme::Theme;
use crate::tui::update::Msg;

/// One test's user, agent and clock.
pub(crate) struct Session<A: Agent = FakeAgent> {
    app: App<TestBackend, FakeWorld<A>>,
    outside: Rc<RefCell<Outside<A>>>,
    now: Instant,
}

/// What is outside of the view, shared with the test.
pub(crate) struct Outside<A> {
    pub(crate) agent: A,
    /// Since the start of recording.
    pub(crate) at_ns: u64,
    pub(crate) process: Process,
    pub(crate) survey: Survey,
    /// Why nobody answers at the socket.
    pub(crate) unreachable: Option<String>,
    /// The agent takes its time: nothing is answered.
    pub(crate) slow: bool,
    pub(crate) connection: Option<u64>,
    pub(crate) subscriptions: Vec<Subscribe>,
    /// Every question there was.
    pub(crate) asked: Vec<Subscribe>,
    /// What this machine has of the source.
    pub(crate) source: Vec<Source>,
    /// How the editor ends.
    pub(crate) editor: Result<(), String>,
    /// Where it was opened.
    pub(crate) edited: Vec<(PathBuf, u32)>,
    pub(crate) clipboard: Option<String>,
    messages: VecDeque<Msg>,
}

struct FakeWorld<A>(Rc<RefCell<Outside<A>>>);

impl<A: Agent> World for FakeWorld<A> {
    fn perform(&mut self, effect: Effect) {
        let mut outside = self.0.borrow_mut();
        match effect {
            Effect::Survey => {
                let survey = Survey {
                    found: outside.survey.found.clone(),
                    ignored: outside.survey.ignored.clone(),
                };
                outside.messages.push_back(Msg::Surveyed(survey));
            }
            Effect::Connect { connection, .. } => outside.connect(connection),
            Effect::Disconnect => outside.disconnect(),
            Effect::Subscribe(subscribe) => {
                outside.asked.push(subscribe.clone());
                outside.answer(&subscribe);
                if subscribe.interval_ms > 0 {
                    outside.subscriptions.push(subscribe);
                }
            }
            Effect::Unsubscribe(number) => outside
                .subscriptions
                .retain(|asked| asked.subscription != number),
            Effect::ReadSource { file, line } => {
                let mut sources = outside.source.iter();
                let found = sources.find(|source| source.path.ends_with(&file)).cloned();
                let found = found.ok_or_else(|| format!("{file} is not on this machine"));
                let msg = Msg::SourceRead { file, line, found };
                outside.messages.push_back(msg);
            }
            Effect::Edit { path, line } => {
                outside.edited.push((path, line));
                let msg = Msg::Edited(outside.editor.clone());
                outside.messages.push_back(msg);
            }
            Effect::Copy(text) => outside.clipboard = Some(text),
            Effect::Quit => {}
        }
    }
}

impl<A: Agent> Outside<A> {
    fn connect(&mut self, connection: u64) {
        self.disconnect();
        let msg = if let Some(reason) = self.unreachable.clone() {
            Msg::Closed { connection, reason }
        } else {
            self.connection = Some(connection);
            Msg::Connected {
                connection,
                process: Some(Process {
                    control: self.agent.allows_control(),
                    ..self.process.clone()
                }),
            }
        };
        self.messages.push_back(msg);
    }

    fn disconnect(&mut self) {
        self.connection = None;
        self.subscriptions.clear();
    }

    fn answer(&mut self, asked: &Subscribe) {
        if self.slow {
            return;
        }
        let (Some(connection), Some(topic)) = (self.connection, &asked.topic) else {
            return;
        };
        let subscription = asked.subscription;
        let body = match self.agent.answer(topic, self.at_ns) {
            Ok(body) => agent_message::Body::Update(Update {
                subscription,
                at_ns: self.at_ns,
                body: Some(body),
            }),
            Err(reason) => agent_message::Body::Failed(Failed {
                subscription,
                reason,
            }),
        };
        self.messages.push_back(Msg::Agent {
            connection,
            message: Box::new(AgentMessage { body: Some(body) }),
        });
    }
}

impl<A: Agent> Session<A> {
    /// The view on `--pid 4711`, one second after it was opened.
    pub(crate) fn on(agent: A, width: u16, height: u16) -> Self {
        let mut session = Self::new(agent, width, height, Theme::Colour);
        session.start(Some(Target::Unix {
            socket: "/run/4711.sock".into(),
            pid: Some(4711),
        }));
        session.pass(Duration::from_secs(1));
        session
    }

    /// Not started yet.
    pub(crate) fn new(agent: A, width: u16, height: u16, theme: Theme) -> Self {
        let outside = Rc::new(RefCell::new(Outside {
            agent,
            at_ns: 123_000_000_000,
            process: Process {
                pid: 4711,
                program: "hybrid-service".to_owned(),
                tokio_version: "1.54.1".to_owned(),
                stallscope_version: "0.1.0".to_owned(),
                started_unix_ns: 1,
                control: false,
            },
            survey: Survey::default(),
            unreachable: None,
            slow: false,
            connection: None,
            subscriptions: Vec::new(),
            asked: Vec::new(),
            source: Vec::new(),
            editor: Ok(()),
            edited: Vec::new(),
            clipboard: None,
            messages: VecDeque::new(),
        }));
        let now = Instant::now();
        let terminal = Terminal::new(TestBackend::new(width, height)).expect("a screen in memory");
        let app = App::new(terminal, FakeWorld(Rc::clone(&outside)), theme, now)
            .expect("a screen in memory");
        Self { app, outside, now }
    }

    pub(crate) fn start(&mut self, target: Option<Target>) -> &mut Self {
        self.app.start(target);
        self.settle()
    }

    /// What the test changes outside of the view; seen with the next update.
    pub(crate) fn outside<R>(&mut self, change: impl FnOnce(&mut Outside<A>) -> R) -> R {
        change(&mut self.outside.borrow_mut())
    }

    /// Presses keys by their names, one after the other: `j`, `Enter`, `Ctrl-d`.
    pub(crate) fn press(&mut self, keys: &str) -> &mut Self {
        for name in keys.split(' ') {
            assert_eq!(
                self.send(Msg::Key(key(name))),
                Flow::GoOn,
                "{name} ended the view"
            );
        }
        self
    }

    /// Presses a key that is to end the view.
    pub(crate) fn press_to_quit(&mut self, name: &str) {
        assert_eq!(self.send(Msg::Key(key(name))), Flow::Quit);
    }

    /// Types into a prompt.
    pub(crate) fn type_text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            self.send(Msg::Key(KeyEvent::new(
                KeyCode::Char(c),
                KeyModifiers::NONE,
            )));
        }
        self
    }

    pub(crate) fn resize(&mut self, width: u16, height: u16) -> &mut Self {
        self.app.terminal_mut().backend_mut().resize(width, height);
        self.send(Msg::Resize { width, height });
        self
    }

    /// The agent goes away.
    pub(crate) fn lose_connection(&mut self, reason: &str) -> &mut Self {
        let connection = self.outside(|outside| {
            outside.unreachable = Some(reason.to_owned());
            let connection = outside.connection;
            outside.disconnect();
            connection
        });
        let connection = connection.expect("there is a connection to lose");
        self.send(Msg::Closed {
            connection,
            reason: reason.to_owned(),
        });
        self
    }

    /// Lets time pass in steps of half a second, the interval of the updates.
    pub(crate) fn pass(&mut self, time: Duration) -> &mut Self {
        const STEP: Duration = Duration::from_millis(500);
        let end = self.now + time;
        while self.now < end {
            self.now += STEP;
            self.outside(|outside| {
                outside.at_ns += 500_000_000;
                for asked in outside.subscriptions.clone() {
                    outside.answer(&asked);
                }
            });
            self.settle();
            assert_eq!(self.app.wake(self.now), Flow::GoOn);
            self.settle();
        }
        self
    }

    /// Hands in any message, and what follows from it.
    pub(crate) fn send(&mut self, msg: Msg) -> Flow {
        let flow = self.app.handle(msg, self.now);
        self.settle();
        flow
    }

    fn settle(&mut self) -> &mut Self {
        loop {
            let next = self.outside(|outside| outside.messages.pop_front());
            let Some(msg) = next else { return self };
            self.app.handle(msg, self.now);
        }
    }

    // ------------------------------------------------------------ what is on the screen

    pub(crate) fn buffer(&mut self) -> Buffer {
        self.app.draw(self.now).expect("a screen in memory");
        self.app.terminal_mut().backend().buffer().clone()
    }

    /// Line by line, without what is blank at their ends.
    pub(crate) fn lines(&mut self) -> Vec<String> {
        let buffer = self.buffer();
        let width = usize::from(buffer.area.width).max(1);
        let lines = buffer.content.chunks(width);
        lines
            .map(|line| {
                line.iter()
                    .map(Cell::symbol)
                    .collect::<String>()
                    .trim_end()
                    .to_owned()
            })
            .collect()
    }

    pub(crate) fn screen(&mut self) -> String {
        self.lines().join("\n")
    }

    /// The lines that hold these texts, in this order, from the first row of the tree.
    pub(crate) fn expect_rows(&mut self, texts: &[&str]) -> &mut Self {
        let lines = self.lines();
        let head = lines
            .iter()
            .position(|line| line.starts_with("TASK"))
            .expect("the head of the tree");
        for (row, text) in texts.iter().enumerate() {
            let line = lines.get(head + 1 + row).map_or("", String::as_str);
            assert!(
                line.contains(text),
                "row {row} should show {text:?}:\n{}",
                lines.join("\n")
            );
        }
        self
    }

    pub(crate) fn expect(&mut self, text: &str) -> &mut Self {
        let screen = self.screen();
        assert!(
            screen.contains(text),
            "the screen should show {text:?}:\n{screen}"
        );
        self
    }

    pub(crate) fn expect_none(&mut self, text: &str) -> &mut Self {
        let screen = self.screen();
        assert!(
            !screen.contains(text),
            "the screen should not show {text:?}:\n{screen}"
        );
        self
    }

    /// The line of the selected row.
    pub(crate) fn selected(&mut self) -> String {
        let style = Theme::Colour.style(crate::tui::theme::Role::Selected);
        let buffer = self.buffer();
        let lines = self.lines();
        let row =
            (0..buffer.area.height).find(|&y| buffer[(0, y)].modifier.contains(style.add_modifier));
        row.map_or_else(String::new, |row| lines[usize::from(row)].clone())
    }

    pub(crate) fn expect_selected(&mut self, text: &str) -> &mut Self {
        let selected = self.selected();
        assert!(
            selected.contains(text),
            "{text:?} should be selected, not {selected:?}:\n{}",
            self.screen()
        );
        self
    }

    /// The first cell of the first place where this text stands.
    pub(crate) fn cell_of(&mut self, text: &str) -> Cell {
        let buffer = self.buffer();
        for y in 0..buffer.area.height {
            for x in 0..buffer.area.width {
                let rest: String = (x..buffer.area.width)
                    .map(|x| buffer[(x, y)].symbol())
                    .collect();
                if rest.starts_with(text) {
                    return buffer[(x, y)].clone();
                }
            }
        }
        panic!("{text:?} is not on the screen:\n{}", self.screen());
    }
}

/// As `list` shows it.
pub(crate) fn found(pid: u32, program: &str) -> Found {
    Found {
        pid,
        program: Some(program.to_owned()),
        socket: format!("/run/{pid}.sock").into(),
    }
}

fn key(name: &str) -> KeyEvent {
    if let Some(letter) = name.strip_prefix("Ctrl-") {
        let code = KeyCode::Char(letter.chars().next().expect("a letter after Ctrl-"));
        return KeyEvent::new(code, KeyModifiers::CONTROL);
    }
    let code = match name {
        "Enter" => KeyCode::Enter,
        "Tab" => KeyCode::Tab,
        "Esc" => KeyCode::Esc,
        "Space" => KeyCode::Char(' '),
        "Backspace" => KeyCode::Backspace,
        "Up" => KeyCode::Up,
        "Down" => KeyCode::Down,
        "Left" => KeyCode::Left,
        "Right" => KeyCode::Right,
        "PgUp" => KeyCode::PageUp,
        "PgDn" => KeyCode::PageDown,
        "Home" => KeyCode::Home,
        "End" => KeyCode::End,
        _ => {
            let mut chars = name.chars();
            let c = chars.next().expect("the name of a key");
            assert_eq!(chars.next(), None, "no key is called {name}");
            KeyCode::Char(c)
        }
    };
    KeyEvent::new(code, KeyModifiers::NONE)
}
