//! What the user does with the tracked locks: look at one, and at all of them in another order.

use crate::locks::LocksSort;
use crate::tui::keys::Command;
use crate::tui::model::{Layer, Model, Order};

/// Who holds the selected lock, and who waits for it.
pub(super) fn open(model: &mut Model) {
    match model.locks.selected() {
        Some(lock) => {
            let id = lock.id;
            model.layers.push(Layer::Lock { id, scroll: 0 });
        }
        None => model.notice = Some("no lock is selected".to_owned()),
    }
}

/// Carries out a command about the order.
pub(super) fn sort(model: &mut Model, command: Command) {
    match command {
        Command::Sort => model.layers.push(Layer::Sort {
            cursor: model.locks.order().index(),
        }),
        Command::SortPrevious => reorder(model, Order::previous),
        Command::SortNext => reorder(model, Order::next),
        _ => reorder(model, Order::reverse),
    }
}

pub(super) fn reorder(model: &mut Model, change: impl FnOnce(&mut Order<LocksSort>)) {
    model.locks.set_order(change);
    let order = model.locks.order();
    model.notice = Some(format!("locks sorted by {}", order.told()));
}
