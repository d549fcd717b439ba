//! What a message does to the model: pure, so that a whole session can be a test.

mod cancel;
mod command;
mod finding;
mod locks;
mod places;
mod prompt;

use std::time::Instant;

use ratatui::crossterm::event::KeyEvent;
use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{
    AgentMessage, AsyncStack, Failed, Process, Update, agent_message, update,
};

use super::effect::Effect;
use super::keys::{self, Context};
use super::model::{Answer, Focus, Layer, Link, Model, Pane, Purpose, Window};
use super::view::refusal;
use crate::source::Source;
use crate::target::{Survey, Target};

/// What can happen to the view.
#[derive(Debug)]
pub(crate) enum Msg {
    Key(KeyEvent),
    Resize {
        width: u16,
        height: u16,
    },
    /// A look around for processes is over.
    Surveyed(Survey),
    Connected {
        connection: u64,
        process: Option<Process>,
    },
    Agent {
        connection: u64,
        message: Box<AgentMessage>,
    },
    /// A connection ended, or could not be made.
    Closed {
        connection: u64,
        reason: String,
    },
    /// What was found of a line of source; else why not.
    SourceRead {
        file: String,
        line: u32,
        found: Result<Source, String>,
    },
    /// The user's editor has ended, or could not be started.
    Edited(Result<(), String>),
    /// The time that `Model::wakes_at` named has come.
    Tick,
    /// The system wants us to end, or nobody can press a key any more.
    Quit,
}

/// The first thing to do.
pub(crate) fn start(model: &mut Model, target: Option<Target>) -> Vec<Effect> {
    match target {
        Some(target) => vec![open(model, target)],
        None => vec![Effect::Survey],
    }
}

/// Applies a message that came at `now`.
pub(crate) fn update(model: &mut Model, msg: Msg, now: Instant) -> Vec<Effect> {
    model.now = now;
    let mut effects = apply(model, msg);
    effects.extend(finding::look(model));
    model.arrange();
    let wishes = model.wishes();
    effects.extend(model.subscriptions.reconcile(wishes));
    if effects.iter().any(asks_for_tree) {
        model.tree_asked = Some(now);
    }
    effects
}

fn asks_for_tree(effect: &Effect) -> bool {
    matches!(effect, Effect::Subscribe(asked) if matches!(asked.topic, Some(Topic::Tree(_))))
}

/// Where keys go now.
pub(crate) fn context(model: &Model) -> Context {
    context_below(model, 0)
}

/// Where keys would go without the topmost layers.
pub(crate) fn context_below(model: &Model, layers: usize) -> Context {
    match model.layers.iter().nth_back(layers) {
        Some(Layer::Prompt(_)) => Context::Prompt,
        Some(Layer::Sort { .. }) => Context::Sort,
        Some(Layer::Cancel(_)) => Context::Confirm,
        Some(Layer::Help { .. } | Layer::Doctor { .. } | Layer::Lock { .. }) => Context::Text,
        Some(Layer::Finding(_)) => Context::Finding,
        None if model.link.is_none() => Context::Processes,
        None if model.looks_at_findings() => Context::Findings,
        None => match model.pane {
            Pane::Tree => Context::Tree,
            Pane::Places => Context::Places,
            Pane::Locks => Context::Locks,
        },
    }
}

fn apply(model: &mut Model, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::Key(key) => return press(model, &key),
        Msg::Resize { width, height } => (model.width, model.height) = (width, height),
        Msg::Surveyed(survey) => return surveyed(model, survey),
        Msg::Connected {
            connection,
            process,
        } if is_current(model, connection) => connected(model, process),
        Msg::Agent {
            connection,
            message,
        } if is_current(model, connection) => heard(model, *message),
        Msg::Closed { connection, reason } if is_current(model, connection) => {
            model.subscriptions.forget();
            model.tree_asked = None;
            cancel::lost(model);
            if let Some(link) = &mut model.link {
                link.lost(reason, model.now);
            }
        }
        Msg::Connected { .. } | Msg::Agent { .. } | Msg::Closed { .. } => {}
        Msg::SourceRead { file, line, found } => finding::source_read(model, &file, line, &found),
        Msg::Edited(ended) => model.notice = ended.err(),
        Msg::Tick => return tick(model),
        Msg::Quit => return vec![Effect::Quit],
    }
    Vec::new()
}

fn is_current(model: &Model, connection: u64) -> bool {
    model
        .link
        .as_ref()
        .is_some_and(|link| link.number() == connection)
}

fn press(model: &mut Model, key: &KeyEvent) -> Vec<Effect> {
    model.notice = None;
    model.findings.read();
    let context = context(model);
    // From here on a first finding must not take the keys away from what they were meant for.
    let is_pane = matches!(context, Context::Tree | Context::Places | Context::Locks);
    if is_pane && model.focus == Focus::Undecided {
        model.focus = Focus::Pane;
    }
    match keys::command(context, key) {
        Some(command) => return command::execute(model, context, command),
        None if context == Context::Prompt => {
            if let Some(typed) = keys::typed(key) {
                prompt::edit(model, |text| text.push(typed));
            }
        }
        None if context == Context::Confirm => cancel::read(model),
        None => {}
    }
    Vec::new()
}

/// Turns to a process.
pub(super) fn open(model: &mut Model, target: Target) -> Effect {
    model.forget_process();
    model.link_number += 1;
    let (link, effect) = Link::open(target, model.link_number);
    model.link = Some(link);
    effect
}

fn surveyed(model: &mut Model, survey: Survey) -> Vec<Effect> {
    model.processes.surveyed(survey, model.now);
    match model.processes.found() {
        [_] if model.link.is_none() && model.open_when_alone => {
            let target = model.processes.selected();
            target
                .map(|target| open(model, target))
                .into_iter()
                .collect()
        }
        _ => Vec::new(),
    }
}

fn connected(model: &mut Model, process: Option<Process>) {
    // At the same socket may be another process now, in which the same ids mean other tasks.
    if model.process.is_some() && model.process != process {
        model.forget_process();
    }
    model.process = process;
    if let Some(link) = &mut model.link {
        link.heard(model.now);
    }
}

fn heard(model: &mut Model, message: AgentMessage) {
    if let Some(link) = &mut model.link {
        link.heard(model.now);
    }
    match message.body {
        Some(agent_message::Body::Update(update)) => receive(model, update),
        Some(agent_message::Body::Failed(failed)) => refuse(model, failed),
        // The handshake is over, and what this client does not know it skips.
        Some(agent_message::Body::Welcome(_) | agent_message::Body::Refused(_)) | None => {}
    }
}

/// Shows an update, or keeps it for later while the picture is frozen.
fn receive(model: &mut Model, update: Update) {
    match &mut model.frozen {
        Some(frozen) => {
            frozen
                .held
                .retain(|held| held.subscription != update.subscription);
            frozen.held.push(update);
        }
        None => show(model, update),
    }
}

pub(super) fn show(model: &mut Model, update: Update) {
    let Some(purpose) = model.subscriptions.purpose_of(update.subscription) else {
        return;
    };
    match (purpose, update.body) {
        (Purpose::Gauges, Some(update::Body::Overview(overview))) => {
            model.gauges.apply(update.at_ns, overview);
        }
        (Purpose::Findings, Some(update::Body::Findings(findings))) => {
            finding::received(model, findings, update.at_ns);
        }
        (Purpose::Tree, Some(update::Body::Tree(window))) => {
            let followed = model.tree.follows();
            model.tree_asked = None;
            model.tree.apply(Window::new(window));
            if let (Some(task), None) = (followed, model.tree.follows()) {
                model.notice = Some(format!("task {task} has ended: no longer followed"));
            }
        }
        (Purpose::Places, Some(update::Body::Sites(window))) => model.places.apply(window),
        (Purpose::Locks, Some(update::Body::Locks(window))) => model.locks.apply(window),
        (Purpose::Details, Some(update::Body::Details(details))) => {
            if let Some(answer) = &mut model.details {
                *answer = Answer::Here(details);
            }
        }
        (Purpose::Stack, Some(update::Body::AsyncStack(stack))) => {
            told_stack(model, Answer::Here(stack));
        }
        (Purpose::Doctor, Some(update::Body::Doctor(doctor))) => {
            model.doctor = Answer::Here(doctor);
        }
        (Purpose::Cancel, Some(update::Body::Cancel(told))) => cancel::heard(model, told),
        // An answer of another kind than the question: nothing that could be shown.
        _ => {}
    }
}

fn refuse(model: &mut Model, failed: Failed) {
    match model.subscriptions.purpose_of(failed.subscription) {
        Some(Purpose::Details) => {
            if let Some(answer) = &mut model.details {
                *answer = Answer::Failed(failed.reason);
            }
        }
        Some(Purpose::Stack) => told_stack(model, Answer::Failed(failed.reason)),
        Some(Purpose::Doctor) => model.doctor = Answer::Failed(failed.reason),
        Some(Purpose::Findings) => model.findings.refused(),
        Some(Purpose::Places) => model.places.failed(failed.reason),
        Some(Purpose::Locks) => model.locks.failed(failed.reason),
        Some(Purpose::Cancel) => cancel::refused(model, failed.reason),
        Some(Purpose::Gauges | Purpose::Tree) => {
            model.tree_asked = None;
            model.notice = Some(refusal(model, &failed.reason));
        }
        None => {}
    }
}

/// The answer is about the selected task: with another one selected the question, and so its number, would be another.
fn told_stack(model: &mut Model, answer: Answer<AsyncStack>) {
    model.stack = model.tree.selected_task().map(|task| (task, answer));
}

fn tick(model: &mut Model) -> Vec<Effect> {
    cancel::tick(model);
    let Some(link) = &mut model.link else {
        return if model.processes.look(model.now) {
            vec![Effect::Survey]
        } else {
            Vec::new()
        };
    };
    let effect = link.retry(model.link_number + 1, model.now);
    model.link_number = model.link_number.max(link.number());
    effect.into_iter().collect()
}
