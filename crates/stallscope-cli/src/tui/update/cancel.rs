//! What the user does to cancel a task, and what comes back: asked, confirmed, over.

use stallscope_wire::message::{Cancellation, TaskKind};

use crate::tui::keys::Context;
use crate::tui::model::{Cancel, Layer, Model, Node, Subject};

/// Asks whether the task that is looked at should be cancelled.
pub(super) fn ask(model: &mut Model, context: Context) {
    let process = model.process.as_ref();
    let is_allowed = process.is_some_and(|process| process.control);
    match subject(model, context) {
        Ok(subject) => {
            let cancel = Box::new(Cancel::new(subject, is_allowed));
            model.layers.push(Layer::Cancel(cancel));
        }
        Err(reason) => model.notice = Some(reason.to_owned()),
    }
}

/// Yes. To an answer it says that it was read, like any other key.
pub(super) fn confirm(model: &mut Model) {
    let now = model.now;
    if let Some(cancel) = topmost(model) {
        cancel.confirm(now);
    }
    read(model);
}

/// Any key: an answer was read.
pub(super) fn read(model: &mut Model) {
    if topmost(model).is_some_and(|cancel| cancel.is_over()) {
        model.layers.pop();
    }
}

/// No, or enough waited. What was asked for cannot be taken back.
pub(super) fn left(model: &mut Model, cancel: &Cancel) {
    if cancel.is_sent() {
        let title = cancel.subject.title();
        model.notice = Some(format!("{title} was told to end, and may yet"));
    }
}

pub(super) fn heard(model: &mut Model, told: Cancellation) {
    let now = model.now;
    if let Some(cancel) = topmost(model) {
        cancel.heard(told, now);
    }
}

pub(super) fn refused(model: &mut Model, reason: String) {
    if let Some(cancel) = topmost(model) {
        cancel.refused(reason);
    }
}

pub(super) fn lost(model: &mut Model) {
    if let Some(cancel) = topmost(model) {
        cancel.lost();
    }
}

pub(super) fn tick(model: &mut Model) {
    let now = model.now;
    if let Some(cancel) = topmost(model) {
        cancel.tick(now);
    }
}

/// Nothing can be laid over it.
fn topmost(model: &mut Model) -> Option<&mut Cancel> {
    match model.layers.last_mut() {
        Some(Layer::Cancel(cancel)) => Some(cancel),
        _ => None,
    }
}

/// The task that is looked at; else why there is none that could be cancelled.
fn subject(model: &Model, context: Context) -> Result<Subject, &'static str> {
    let subject = if context == Context::Finding {
        of_finding(model).ok_or("this finding names no task")?
    } else {
        of_row(model)?
    };
    match subject.kind {
        TaskKind::Root => Err("nothing can abort the root future: end the program"),
        _ => Ok(subject),
    }
}

fn of_finding(model: &Model) -> Option<Subject> {
    let Some(Layer::Finding(page)) = model.layers.last() else {
        return None;
    };
    let task = page.task()?;
    Some(Subject {
        id: task.id,
        kind: task.kind(),
        name: task.name.clone(),
        spawned_at: task.spawned_at.clone(),
    })
}

fn of_row(model: &Model) -> Result<Subject, &'static str> {
    let row = model.tree.selected().ok_or("no task is selected")?;
    match &row.node {
        Node::Task(task) => Ok(Subject {
            id: task.id,
            kind: task.kind(),
            name: task.name.clone(),
            spawned_at: row.site.clone(),
        }),
        Node::Group(_) => Err("a group cannot be cancelled: unfold it and choose a task"),
    }
}
