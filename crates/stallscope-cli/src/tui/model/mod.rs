//! Everything the screen shows, as plain state built from the agent's messages.
//!
//! Invariant: nothing in here imports ratatui. A test holds it.

mod cancel;
mod cursor;
mod findings;
mod folds;
mod gauges;
mod histogram;
mod layer;
mod layout;
mod link;
mod locks;
mod order;
mod page;
mod places;
mod processes;
mod scroll;
mod selection;
mod subscriptions;
mod tree;
mod window;

use std::time::{Duration, Instant};

use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{
    AsyncStack, AsyncStackQuery, Details, DetailsQuery, Doctor, DoctorQuery, FindingsQuery,
    OverviewQuery, Process, Update,
};

pub(crate) use cancel::{Cancel, PATIENCE, Stage, Subject};
pub(crate) use findings::{Findings, Panel, lasts_ns};
pub(crate) use gauges::{Gauges, WorkerGauge};
pub(crate) use layer::{AppliedFilter, Layer, Prompt, PromptPurpose};
pub(crate) use layout::{FINDING_WORDS, Layout, Region, WORKER_WIDTH};
pub(crate) use link::Link;
pub(crate) use locks::Locks;
pub(crate) use order::{Order, Sorts};
pub(crate) use page::Page;
pub(crate) use places::{PlaceLine, Places};
pub(crate) use processes::Processes;
pub(crate) use selection::Fate;
pub(crate) use subscriptions::{Purpose, Subscriptions, Wish};
pub(crate) use tree::{Line, Tree};
pub(crate) use window::{Node, Row, Window};

use crate::target::Target;
use layout::{Demands, GaugesKnown};

/// How often gauges and tree are asked for: twice a second reads like "now" and leaves time to read.
const OFTEN_MS: u32 = 500;

/// The history of a place has a point for every second.
const HISTORY_MS: u32 = 1_000;

/// What the doctor says changes seldom.
const SELDOM_MS: u32 = 2_000;

/// More findings than anybody reads at once: the worst come first, and each brings its stack.
const FINDINGS: u32 = 32;

/// What takes less seems to happen at once.
const SLOW: Duration = Duration::from_millis(250);

/// The whole state of the view.
#[derive(Debug)]
pub(crate) struct Model {
    /// When the last message was dealt with. Nothing here reads a clock.
    pub(crate) now: Instant,
    pub(crate) width: u16,
    pub(crate) height: u16,
    pub(crate) processes: Processes,
    /// `None` while there is no process to look at: the picker is shown, or the screen that waits for one.
    pub(crate) link: Option<Link>,
    /// The first that is found is opened without asking; so it is until somebody chooses from the picker.
    pub(crate) open_when_alone: bool,
    /// What the agent said of itself; kept when the connection is lost.
    pub(crate) process: Option<Process>,
    pub(crate) gauges: Gauges,
    pub(crate) findings: Findings,
    pub(crate) tree: Tree,
    pub(crate) places: Places,
    pub(crate) locks: Locks,
    pub(crate) pane: Pane,
    pub(crate) focus: Focus,
    /// When the present question about the tree was asked; `None` once it is answered.
    pub(crate) tree_asked: Option<Instant>,
    pub(crate) filter: AppliedFilter,
    /// The pane of the selected task; `None` while it is closed.
    pub(crate) details: Option<Answer<Details>>,
    /// What a task waits for, of a process that is read from outside: of the one that was selected when it was told.
    pub(crate) stack: Option<(u64, Answer<AsyncStack>)>,
    pub(crate) doctor: Answer<Doctor>,
    /// From the lowest to the topmost.
    pub(crate) layers: Vec<Layer>,
    pub(crate) frozen: Option<Frozen>,
    /// One sentence in reply to the last key, or to what happened since.
    pub(crate) notice: Option<String>,
    pub(crate) subscriptions: Subscriptions,
    /// Of the last link.
    pub(crate) link_number: u64,
}

/// Which part of the main view keys go to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Focus {
    /// No key was pressed so far: the findings as soon as there are any.
    #[default]
    Undecided,
    Findings,
    /// What stands below them.
    Pane,
}

/// What is shown below the findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pane {
    #[default]
    Tree,
    Places,
    Locks,
}

/// What the agent answered to a question.
#[derive(Clone, Debug, Default)]
pub(crate) enum Answer<T> {
    #[default]
    Awaited,
    Here(T),
    /// Why there is no answer.
    Failed(String),
}

/// The picture stands still; what came since waits.
#[derive(Clone, Debug)]
pub(crate) struct Frozen {
    pub(crate) since: Instant,
    /// The last update of each subscription.
    pub(crate) held: Vec<Update>,
}

impl Model {
    pub(crate) fn new(width: u16, height: u16, now: Instant) -> Self {
        let mut model = Self {
            now,
            width,
            height,
            processes: Processes::default(),
            link: None,
            open_when_alone: true,
            process: None,
            gauges: Gauges::default(),
            findings: Findings::default(),
            tree: Tree::default(),
            places: Places::default(),
            locks: Locks::default(),
            pane: Pane::default(),
            focus: Focus::default(),
            tree_asked: None,
            filter: AppliedFilter::default(),
            details: None,
            stack: None,
            doctor: Answer::default(),
            layers: Vec::new(),
            frozen: None,
            notice: None,
            subscriptions: Subscriptions::default(),
            link_number: 0,
        };
        model.arrange();
        model
    }

    /// Where the parts of the main view are.
    pub(crate) fn layout(&self) -> Layout {
        Layout::new(
            self.width,
            self.height,
            Demands {
                workers: self.gauges.workers().len(),
                gauges: if self.is_attached() {
                    GaugesKnown::Few
                } else {
                    GaugesKnown::All
                },
                findings: self.findings.panel(),
                unseen: self.gauges.unseen().is_some(),
                mode: self.has_mode(),
                details: self.details.is_some() && self.pane == Pane::Tree,
            },
        )
    }

    /// Tells the parts how much room they have. To be called when anything the layout depends on has changed.
    pub(crate) fn arrange(&mut self) {
        let layout = self.layout();
        self.findings.resize(layout.finding_rows().into());
        self.tree.resize(layout.tree.height, self.height);
        self.places.resize(layout.tree.height);
        self.locks.resize(layout.tree.height);
    }

    /// Whether the process is read from outside: times, counts and who spawned whom are not known then.
    pub(crate) fn is_attached(&self) -> bool {
        let link = self.link.as_ref();
        link.is_some_and(|link| matches!(link.target, Target::Attach { .. }))
    }

    /// Whether keys go to the findings. Where there are none they go to what stands below.
    pub(crate) fn looks_at_findings(&self) -> bool {
        self.focus != Focus::Pane && !self.findings.all().is_empty()
    }

    /// What the agent should be asked for, to show what is shown.
    pub(crate) fn wishes(&self) -> Vec<Wish> {
        if !self.link.as_ref().is_some_and(Link::is_up) {
            return Vec::new();
        }
        let wish = |purpose, interval_ms, topic| Wish {
            purpose,
            interval_ms,
            topic,
        };
        let mut wishes = vec![wish(
            Purpose::Gauges,
            OFTEN_MS,
            Topic::Overview(OverviewQuery {}),
        )];
        let query = FindingsQuery {
            limit: FINDINGS,
            ..FindingsQuery::default()
        };
        wishes.push(wish(Purpose::Findings, OFTEN_MS, Topic::Findings(query)));
        // What is not shown is not asked for: the agent would walk all tasks for nothing.
        wishes.push(match self.pane {
            Pane::Tree => wish(Purpose::Tree, OFTEN_MS, Topic::Tree(self.tree.query())),
            Pane::Places => wish(Purpose::Places, HISTORY_MS, Topic::Sites(Places::query())),
            Pane::Locks => wish(Purpose::Locks, OFTEN_MS, Topic::Locks(self.locks.query())),
        });
        if let (Some(_), Some(task), Pane::Tree) =
            (&self.details, self.tree.selected_task(), self.pane)
        {
            wishes.push(wish(
                Purpose::Details,
                OFTEN_MS,
                Topic::Details(DetailsQuery { task }),
            ));
            // An agent would have the task polled for that, which is not for the view to do twice a second.
            if self.is_attached() {
                let query = AsyncStackQuery { task };
                wishes.push(wish(Purpose::Stack, OFTEN_MS, Topic::AsyncStack(query)));
            }
        }
        if self
            .layers
            .iter()
            .any(|layer| matches!(layer, Layer::Doctor { .. }))
        {
            wishes.push(wish(
                Purpose::Doctor,
                SELDOM_MS,
                Topic::Doctor(DoctorQuery {}),
            ));
        }
        if let Some(Layer::Cancel(cancel)) = self.layers.last()
            && let Some((interval_ms, topic)) = cancel.question()
        {
            wishes.push(wish(Purpose::Cancel, interval_ms, topic));
        }
        wishes
    }

    /// When the screen has to change, or something has to be tried, without any message; `None` if never.
    pub(crate) fn wakes_at(&self) -> Option<Instant> {
        let link = match &self.link {
            Some(link) => link.wakes_at(self.now),
            None => self.processes.wakes_at(),
        };
        let frozen = self
            .frozen
            .as_ref()
            .map(|_| self.now + Duration::from_secs(1));
        let slow = self
            .tree_asked
            .map(|asked| asked + SLOW)
            .filter(|at| *at > self.now);
        let cancel = match self.layers.last() {
            Some(Layer::Cancel(cancel)) => cancel.gives_up_at(),
            _ => None,
        };
        link.into_iter()
            .chain(frozen)
            .chain(slow)
            .chain(cancel)
            .min()
    }

    /// Whether the answer about the tree takes so long that it has to be said.
    pub(crate) fn waits_for_tree(&self) -> bool {
        let slow = |asked: Instant| self.now.saturating_duration_since(asked) >= SLOW;
        self.frozen.is_none() && self.tree_asked.is_some_and(slow)
    }

    /// The prompt that is open, if it is topmost.
    pub(crate) fn prompt(&self) -> Option<&Prompt> {
        match self.layers.last() {
            Some(Layer::Prompt(prompt)) => Some(prompt),
            _ => None,
        }
    }

    /// Whether the mode line has anything to say.
    fn has_mode(&self) -> bool {
        let link_has =
            |link: &Link| link.trouble().is_some() || link.silent_for(self.now).is_some();
        self.prompt().is_some()
            || self.link.as_ref().is_some_and(link_has)
            || self.notice.is_some()
            || self.frozen.is_some()
            || self.pane == Pane::Tree
                && (self.tree.follows().is_some() || !self.filter.text.is_empty())
    }

    /// Forgets everything about one process: another one is about to be shown.
    pub(crate) fn forget_process(&mut self) {
        self.process = None;
        self.gauges = Gauges::default();
        self.findings = Findings::default();
        self.focus = Focus::default();
        self.tree.forget();
        self.places.forget();
        self.locks.forget();
        self.details = None;
        self.stack = None;
        self.doctor = Answer::default();
        self.layers.clear();
        self.frozen = None;
        self.notice = None;
        self.subscriptions.forget();
        self.tree_asked = None;
    }
}

impl<T> Answer<T> {
    pub(crate) fn here(&self) -> Option<&T> {
        match self {
            Self::Here(answer) => Some(answer),
            Self::Awaited | Self::Failed(_) => None,
        }
    }
}
