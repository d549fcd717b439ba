//! The pane of a row of a process that is read from outside: what the task waits for, down to the innermost await.

use stallscope_wire::message::{AsyncStack, Details, Frame, Group, Site, Task};
use stallscope_wire::text::source_path;

use super::about;
use crate::format::{UNKNOWN, counted, printable};
use crate::tui::model::{Answer, Model, Node, Row};
use crate::tui::theme::Role;
use crate::tui::view::fact::{Fact, fact};

pub(super) fn describe(model: &Model, row: &Row, answer: &Answer<Details>) -> (String, Vec<Fact>) {
    match &row.node {
        Node::Group(group) => (
            counted(group.count, "task"),
            group_facts(group, row.site.as_ref()),
        ),
        Node::Task(task) => (
            format!("task #{}", task.id),
            task_facts(model, row, task, answer),
        ),
    }
}

fn group_facts(group: &Group, site: Option<&Site>) -> Vec<Fact> {
    vec![
        fact("hang at", hangs_at(site)),
        fact("now", format!("{} running", group.running)),
        fact(
            "",
            "folded because all of them hang in one line: Enter unfolds".to_owned(),
        ),
    ]
}

fn task_facts(model: &Model, row: &Row, task: &Task, answer: &Answer<Details>) -> Vec<Fact> {
    let details = about(task, answer);
    // The answer is newer than the row, unless the task has ended since.
    let task = details
        .and_then(|details| details.task.as_ref())
        .unwrap_or(task);
    let mut facts = Vec::new();
    if let Answer::Failed(reason) = answer {
        facts.push(trouble(reason));
    }
    let state = format!("{} ({})", task.state().as_str(), task.kind().as_str());
    facts.push(fact("state", state));
    facts.push(fact("hangs at", hangs_at(row.site.as_ref())));
    if let Some(details) = details {
        let told = details.unseen.split("; ").filter(|told| !told.is_empty());
        facts.extend(told.map(|told| fact("", printable(told))));
    }
    let stack = model.stack.as_ref().filter(|(of, _)| *of == task.id);
    match stack.map(|(_, stack)| stack) {
        Some(Answer::Here(stack)) => facts.extend(stack_facts(stack)),
        Some(Answer::Failed(reason)) => facts.push(trouble(reason)),
        Some(Answer::Awaited) | None => facts.push(fact("stack", "…".to_owned())),
    }
    facts
}

fn trouble(reason: &str) -> Fact {
    Fact {
        label: "",
        value: printable(reason),
        role: Role::Warning,
    }
}

fn hangs_at(site: Option<&Site>) -> String {
    site.map_or_else(
        || "no line of the program's own".to_owned(),
        |site| printable(&format!("{}:{}", source_path(&site.file), site.line)),
    )
}

/// Outermost first, the program's own code bright.
fn stack_facts(stack: &AsyncStack) -> Vec<Fact> {
    if !stack.missing.is_empty() {
        return vec![fact("stack", printable(&stack.missing))];
    }
    let several = stack.branches.len();
    let mut facts = Vec::new();
    for (number, branch) in (1..).zip(&stack.branches) {
        if several > 1 {
            facts.push(fact("", format!("branch {number} of {several}")));
        }
        for (depth, frame) in branch.frames.iter().enumerate() {
            facts.push(Fact {
                label: if depth == 0 { "stack" } else { "" },
                value: line(frame),
                role: if frame.in_app { Role::Text } else { Role::Dim },
            });
        }
    }
    facts
}

/// `shop::serve src/main.rs:31`
fn line(frame: &Frame) -> String {
    let function = match frame.function.as_str() {
        "" => UNKNOWN.to_owned(),
        function => printable(function),
    };
    match frame.file.as_str() {
        "" => function,
        file => printable(&format!("{function} {}:{}", source_path(file), frame.line)),
    }
}
