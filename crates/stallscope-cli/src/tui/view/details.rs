//! The pane of the selected row: what is known of it, and what this tier cannot tell.

mod outside;

use ratatui::buffer::Buffer;
use ratatui::text::Line;
use stallscope_wire::message::{Details, Group, Site, Task, TaskState};
use stallscope_wire::text::place;

use super::fact::{self, Fact, fact};
use super::paint;
use crate::format::{counted, duration, duration_or_none, printable};
use crate::tui::model::{Answer, Model, Node, Region, Row};
use crate::tui::theme::{Role, Theme};

pub(super) fn draw(model: &Model, theme: Theme, buffer: &mut Buffer, region: Region) {
    let Some(answer) = &model.details else { return };
    if region.height == 0 || region.width == 0 {
        return;
    }
    let (title, facts) = match model.tree.selected() {
        Some(row) if model.is_attached() => outside::describe(model, row, answer),
        Some(row) => describe(row, answer),
        None => ("nothing is selected".to_owned(), Vec::new()),
    };
    let rule = format!("─ {title} {}", "─".repeat(usize::from(region.width)));
    paint::line(
        buffer,
        region,
        0,
        &Line::styled(rule, theme.style(Role::Title)),
    );
    let inner = Region {
        x: region.x + 1,
        width: region.width - 1,
        ..region
    };
    let lines = fact::lines(&facts, theme, usize::from(inner.width));
    for (row, line) in (1..inner.height).zip(lines) {
        paint::line(buffer, inner, row, &line);
    }
}

fn describe(row: &Row, answer: &Answer<Details>) -> (String, Vec<Fact>) {
    match &row.node {
        Node::Group(group) => (
            counted(group.count, "task"),
            group_facts(group, row.site.as_ref()),
        ),
        Node::Task(task) => (
            format!("task #{}", task.id),
            task_facts(row, task, about(task, answer), answer),
        ),
    }
}

/// An answer about the task that was selected before says nothing of this one.
fn about<'a>(task: &Task, answer: &'a Answer<Details>) -> Option<&'a Details> {
    let is_about_it = |details: &&Details| {
        let answered = details.task.as_ref();
        answered.is_some_and(|answered| answered.id == task.id)
    };
    answer.here().filter(is_about_it)
}

fn group_facts(group: &Group, site: Option<&Site>) -> Vec<Fact> {
    vec![
        fact(
            "spawned",
            site.map_or_else(
                || "where is not known".to_owned(),
                |site| printable(&place(site)),
            ),
        ),
        fact("now", format!("{} running", group.running)),
        fact("oldest", duration_or_none(group.oldest_ns)),
        fact(
            "polls",
            format!(
                "{} in all, busy {}, longest {}",
                group.polls,
                duration_or_none(group.busy_ns),
                duration_or_none(group.longest_poll_ns)
            ),
        ),
        fact(
            "",
            "folded because one place spawned them all: Enter unfolds".to_owned(),
        ),
    ]
}

fn task_facts(
    row: &Row,
    task: &Task,
    details: Option<&Details>,
    answer: &Answer<Details>,
) -> Vec<Fact> {
    // The answer is newer than the row, unless the task has ended since.
    let task = details
        .and_then(|details| details.task.as_ref())
        .unwrap_or(task);
    let mut facts = Vec::new();
    if let Answer::Failed(reason) = answer {
        facts.push(Fact {
            label: "",
            value: printable(reason),
            role: Role::Warning,
        });
    }
    if !task.name.is_empty() {
        facts.push(fact("name", printable(&task.name)));
    }
    facts.push(Fact {
        label: "state",
        value: state(task),
        role: Role::Text,
    });
    facts.push(fact(
        "spawned",
        match &row.site {
            Some(site) => format!("{}, {} ago", printable(&place(site)), duration(task.age_ns)),
            None => format!("{} ago; where is not known", duration(task.age_ns)),
        },
    ));
    facts.push(fact(
        "below",
        details.map_or_else(|| "…".to_owned(), |details| ancestors(task, details)),
    ));
    facts.push(fact("polls", polls(task)));
    facts.push(fact(
        "worker",
        match task.worker {
            Some(worker) => format!("{worker} at its last poll, runtime {}", task.runtime),
            None => format!("none so far, runtime {}", task.runtime),
        },
    ));
    if let Some(details) = details {
        facts.push(fact("children", details.children.to_string()));
        if !details.unseen.is_empty() {
            facts.push(Fact {
                label: "unseen",
                value: printable(&details.unseen),
                role: Role::Dim,
            });
        }
    }
    facts
}

fn state(task: &Task) -> String {
    let state = format!("{} ({})", task.state().as_str(), task.kind().as_str());
    match task.state() {
        TaskState::Running => format!("{state}, in this poll for {}", duration(task.polling_ns)),
        TaskState::Idle if task.idle_ns > 0 => format!("{state} for {}", duration(task.idle_ns)),
        _ => state,
    }
}

fn polls(task: &Task) -> String {
    match task.busy_ns.checked_div(task.polls) {
        None => "none so far".to_owned(),
        Some(mean) => format!(
            "{}, busy {}, mean {}, longest {}",
            task.polls,
            duration_or_none(task.busy_ns),
            duration_or_none(mean),
            duration_or_none(task.longest_poll_ns)
        ),
    }
}

/// From the outermost to the parent.
fn ancestors(task: &Task, details: &Details) -> String {
    let mut chain: Vec<String> = details
        .ancestors
        .iter()
        .map(|ancestor| {
            let name = printable(&ancestor.name);
            let place = details
                .sites
                .iter()
                .find(|site| site.id == ancestor.site)
                .and_then(|site| super::text::place(site, 24));
            match (name.is_empty(), place) {
                (false, _) => format!("{name} #{}", ancestor.id),
                (true, Some(place)) => format!("{place} #{}", ancestor.id),
                (true, None) => format!("{} #{}", ancestor.kind().as_str(), ancestor.id),
            }
        })
        .collect();
    match task.parent {
        None => chain.push("no task: spawned from outside of any".to_owned()),
        Some(parent) if task.parent_ended => chain.push(format!("#{parent}, which has ended")),
        Some(_) => {}
    }
    chain.join(" › ")
}
