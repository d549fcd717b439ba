//! What the user does with the places that spawn tasks: look at them, at one's tasks, in another order, further back.

use super::prompt;
use crate::filter;
use crate::places::{History, PlaceSort};
use crate::tui::keys::Command;
use crate::tui::model::{Focus, Layer, Model, Order, Pane};

/// Keys go to the places, or to the tree, from now on.
pub(super) fn show(model: &mut Model, pane: Pane) {
    model.pane = pane;
    model.focus = Focus::Pane;
}

/// To the tree, in which only the tasks of the selected place are left.
pub(super) fn open(model: &mut Model) {
    let Some(filter) = model.places.selected().map(filter::spawned_at) else {
        model.notice = Some("no place is selected".to_owned());
        return;
    };
    // What was followed or looked at may be none of them.
    model.tree.stop_following();
    model.details = None;
    model.notice = prompt::apply_filter(model, &filter);
    show(model, Pane::Tree);
}

/// Carries out a command about the order.
pub(super) fn sort(model: &mut Model, command: Command) {
    match command {
        Command::Sort => model.layers.push(Layer::Sort {
            cursor: model.places.order().index(),
        }),
        Command::SortPrevious => reorder(model, Order::previous),
        Command::SortNext => reorder(model, Order::next),
        _ => reorder(model, Order::reverse),
    }
}

pub(super) fn reorder(model: &mut Model, change: impl FnOnce(&mut Order<PlaceSort>)) {
    model.places.set_order(change);
    let order = model.places.order();
    model.notice = Some(format!("places sorted by {}", order.told()));
}

/// Looks further back, or less far.
pub(super) fn reach(model: &mut Model, change: impl FnOnce(History) -> History) {
    let history = change(model.places.history());
    model.places.set_history(history);
    model.notice = Some(format!("growth over the {}", history.name()));
}
