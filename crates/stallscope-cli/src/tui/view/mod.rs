//! The picture of a model. Nothing in here changes anything.

mod bars;
mod cancel;
mod columns;
mod details;
mod doctor;
mod fact;
mod finding;
mod findings;
mod footer;
mod gauges;
mod help;
mod lock;
mod locks;
mod mode;
mod overlay;
mod paint;
mod places;
mod processes;
mod sort;
mod text;
mod title;
mod tree;
mod workers;

use ratatui::Frame;
use ratatui::layout::Rect;

use super::model::{Layer, Layout, Link, Model, Pane};
use super::theme::{Role, Theme};
use crate::format::printable;

pub(crate) use finding::line_of_side;
pub(crate) use overlay::length as overlay_length;

/// Draws everything.
pub(crate) fn draw(model: &Model, theme: Theme, frame: &mut Frame<'_>) {
    let buffer = frame.buffer_mut();
    match &model.link {
        Some(link) => {
            let layout = model.layout();
            title::draw(model, theme, buffer, layout.title);
            let page = model.layers.iter().find_map(|layer| match layer {
                Layer::Finding(page) => Some(page),
                _ => None,
            });
            if let Some(page) = page {
                finding::draw(model, page, theme, buffer, layout.page());
            } else {
                gauges::draw(model, theme, buffer, layout.gauges);
                workers::draw(model, theme, buffer, layout.workers);
                gauges::draw_unseen(model, theme, buffer, layout.unseen);
                findings::draw(model, theme, buffer, layout.findings);
                match model.pane {
                    Pane::Tree => {
                        tree::draw(model, theme, buffer, &layout);
                        details::draw(model, theme, buffer, layout.details);
                    }
                    Pane::Places => places::draw(model, theme, buffer, &layout),
                    Pane::Locks => locks::draw(model, theme, buffer, &layout),
                }
            }
            if !link.is_up() {
                let old = Rect {
                    height: picture_height(&layout),
                    ..buffer.area
                };
                buffer.set_style(old.intersection(buffer.area), theme.style(Role::Stale));
            }
            mode::draw(model, theme, buffer, layout.mode);
            footer::draw(model, theme, buffer, layout.footer);
        }
        None => processes::draw(model, theme, buffer),
    }
    overlay::draw(model, theme, frame);
}

/// Why there is nothing to see yet.
pub(crate) fn waiting_for(link: &Link) -> String {
    match link.trouble() {
        Some(trouble) => trouble.reason.clone(),
        None if link.is_up() => "connected; waiting for the first answer".to_owned(),
        None => format!("connecting to {}", link.target),
    }
}

/// Why an answer that was asked for did not come.
pub(crate) fn refusal(model: &Model, reason: &str) -> String {
    let reason = printable(reason);
    if model.is_attached() {
        return reason;
    }
    format!("the agent says: {reason}")
}

/// Lines that show what the agent said; those below them show what the view says itself.
fn picture_height(layout: &Layout) -> u16 {
    layout.mode.y
}
