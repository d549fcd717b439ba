//! What each command of the key table does.

use stallscope_wire::message::TaskSort;

use super::{Effect, cancel, finding, locks, open, places, prompt, show};
use crate::places::History;
use crate::tui::keys::{Command, Context};
use crate::tui::model::{Answer, Focus, Frozen, Layer, Model, Node, Order, Pane, PromptPurpose};
use crate::tui::view::overlay_length;

/// Carries out what a key asked for.
pub(super) fn execute(model: &mut Model, context: Context, command: Command) -> Vec<Effect> {
    match command {
        Command::Quit => return vec![Effect::Quit],
        Command::Help => model.layers.push(Layer::Help { scroll: 0 }),
        Command::Back | Command::Decline => back(model),
        Command::Confirm => cancel::confirm(model),
        Command::Choose => {
            let target = model.processes.selected();
            return target
                .map(|target| open(model, target))
                .into_iter()
                .collect();
        }
        Command::Processes => return leave(model),
        Command::Up => move_by(model, context, -1),
        Command::Down => move_by(model, context, 1),
        Command::PageUp => move_by(model, context, -page(model, context)),
        Command::PageDown => move_by(model, context, page(model, context)),
        Command::HalfPageUp => move_by(model, context, -half(model, context)),
        Command::HalfPageDown => move_by(model, context, half(model, context)),
        Command::First if context == Context::Tree => model.tree.move_to_first(),
        Command::First if context == Context::Findings => model.findings.move_to_first(),
        Command::First if context == Context::Places => model.places.move_to_first(),
        Command::First if context == Context::Locks => model.locks.move_to_first(),
        Command::Last if context == Context::Tree => model.tree.move_to_last(),
        Command::First => move_by(model, context, i64::from(i32::MIN)),
        Command::Last => move_by(model, context, i64::from(i32::MAX)),
        Command::Accept => accept(model),
        Command::Erase => prompt::edit(model, |text| {
            text.pop();
        }),
        Command::EraseAll => prompt::edit(model, String::clear),
        Command::FocusFindings => finding::focus(model),
        Command::FocusPane => model.focus = Focus::Pane,
        Command::Sort | Command::SortPrevious | Command::SortNext | Command::Reverse
            if context == Context::Places =>
        {
            places::sort(model, command);
        }
        // The agent sorts the locks, and a frozen picture takes no answer.
        Command::Sort | Command::SortPrevious | Command::SortNext | Command::Reverse
            if context == Context::Locks && model.frozen.is_none() =>
        {
            locks::sort(model, command);
        }
        Command::OpenLock => locks::open(model),
        Command::LongerHistory => places::reach(model, History::longer),
        Command::ShorterHistory => places::reach(model, History::shorter),
        Command::OpenFinding => finding::open(model),
        Command::Unfold => finding::unfold(model),
        Command::OtherSide => finding::turn(model),
        Command::Edit => return finding::edit(model),
        Command::Copy => return finding::copy(model),
        Command::Details => toggle_details(model),
        Command::Freeze => freeze(model),
        Command::Doctor => {
            model.doctor = Answer::Awaited;
            model.layers.push(Layer::Doctor { scroll: 0 });
        }
        // What follows asks the agent for something else, and a frozen picture takes no answer.
        _ if model.frozen.is_some() => {
            model.notice = Some("the picture is frozen: f lets it go on".to_owned());
        }
        Command::ShowTree => places::show(model, Pane::Tree),
        Command::ShowPlaces => places::show(model, Pane::Places),
        Command::ShowLocks => places::show(model, Pane::Locks),
        Command::OpenPlace => places::open(model),
        Command::Open => {
            if !toggle(model) && model.details.is_none() {
                toggle_details(model);
            }
        }
        Command::Toggle => {
            if !toggle(model) {
                model.notice = Some(nothing_to_fold(model));
            }
        }
        Command::Expand => {
            if !model.tree.expand() && model.tree.selected().is_some_and(|row| !row.expanded) {
                model.notice = Some(nothing_to_fold(model));
            }
        }
        Command::Collapse => {
            if !model.tree.collapse() {
                model.tree.move_to_parent();
            }
        }
        Command::Filter => prompt::open(
            model,
            PromptPurpose::Filter {
                before: model.filter.clone(),
            },
        ),
        Command::GoToTask => prompt::open(model, PromptPurpose::Task),
        Command::Sort => model.layers.push(Layer::Sort {
            cursor: model.tree.order().index(),
        }),
        Command::SortPrevious => sort(model, Order::previous),
        Command::SortNext => sort(model, Order::next),
        Command::Reverse => sort(model, Order::reverse),
        Command::Follow => follow(model),
        Command::Cancel => cancel::ask(model, context),
    }
    Vec::new()
}

/// Takes away one thing: the topmost layer, else what was laid over the tree last by its nature.
fn back(model: &mut Model) {
    if let Some(layer) = model.layers.pop() {
        match layer {
            Layer::Prompt(prompt) => prompt::cancelled(model, prompt),
            Layer::Cancel(cancel) => cancel::left(model, &cancel),
            Layer::Help { .. }
            | Layer::Doctor { .. }
            | Layer::Lock { .. }
            | Layer::Sort { .. }
            | Layer::Finding(_) => {}
        }
    } else if model.pane != Pane::Tree {
        if model.frozen.is_some() {
            freeze(model);
        } else {
            model.pane = Pane::Tree;
        }
    } else if model.details.take().is_some() {
        // Closed.
    } else if model.tree.follows().is_some() {
        model.tree.stop_following();
    } else if model.frozen.is_some() {
        freeze(model);
    } else if !model.filter.text.is_empty() {
        prompt::apply_filter(model, "");
    }
}

fn accept(model: &mut Model) {
    match model.layers.pop() {
        Some(Layer::Sort { cursor }) => match model.pane {
            Pane::Tree => sort(model, |order| order.choose(cursor)),
            Pane::Places => places::reorder(model, |order| order.choose(cursor)),
            Pane::Locks => locks::reorder(model, |order| order.choose(cursor)),
        },
        Some(Layer::Prompt(prompt)) => prompt::accepted(model, prompt),
        Some(
            Layer::Help { .. }
            | Layer::Doctor { .. }
            | Layer::Lock { .. }
            | Layer::Cancel(_)
            | Layer::Finding(_),
        )
        | None => {}
    }
}

/// To the list of processes. The one that is left is not opened again by itself.
fn leave(model: &mut Model) -> Vec<Effect> {
    model.forget_process();
    model.link = None;
    model.open_when_alone = false;
    vec![Effect::Disconnect, Effect::Survey]
}

fn move_by(model: &mut Model, context: Context, lines: i64) {
    match context {
        Context::Processes => model.processes.move_by(lines),
        Context::Findings => model.findings.move_by(lines),
        Context::Tree => model.tree.move_by(lines),
        Context::Places => model.places.move_by(lines),
        Context::Locks => model.locks.move_by(lines),
        Context::Finding | Context::Sort | Context::Confirm | Context::Text | Context::Prompt => {
            let length = overlay_length(model);
            if let Some(layer) = model.layers.last_mut() {
                layer.scroll_by(lines, length);
            }
        }
    }
}

fn page(model: &Model, context: Context) -> i64 {
    match context {
        Context::Finding => i64::from(model.layout().page().height.saturating_sub(2).max(1)),
        Context::Places => model.places.page(),
        Context::Locks => model.locks.page(),
        _ => model.tree.page(),
    }
}

fn half(model: &Model, context: Context) -> i64 {
    (page(model, context) / 2).max(1)
}

fn sort(model: &mut Model, change: impl FnOnce(&mut Order<TaskSort>)) {
    model.tree.set_order(change);
    let order = model.tree.order();
    model.notice = Some(format!("siblings sorted by {}", order.told()));
}

fn toggle(model: &mut Model) -> bool {
    model.tree.expand() || model.tree.collapse()
}

fn nothing_to_fold(model: &Model) -> String {
    if model.filter.text.is_empty() {
        "nothing is below this task".to_owned()
    } else {
        "a filter shows everything unfolded: Esc ends it".to_owned()
    }
}

fn toggle_details(model: &mut Model) {
    if model.details.take().is_none() {
        model.tree.pin();
        model.details = Some(Answer::Awaited);
    }
}

fn freeze(model: &mut Model) {
    match model.frozen.take() {
        None => {
            model.frozen = Some(Frozen {
                since: model.now,
                held: Vec::new(),
            });
        }
        Some(frozen) => {
            for update in frozen.held {
                show(model, update);
            }
        }
    }
}

fn follow(model: &mut Model) {
    if model.tree.follows().is_some() {
        model.tree.stop_following();
        return;
    }
    match model.tree.selected().map(|row| &row.node) {
        Some(Node::Task(task)) => {
            let task = task.id;
            model.tree.follow(task);
        }
        Some(Node::Group(_)) => {
            model.notice =
                Some("a group cannot be followed: unfold it and choose a task".to_owned());
        }
        None => model.notice = Some("no task is selected".to_owned()),
    }
}
