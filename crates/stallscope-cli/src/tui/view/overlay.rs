//! What lies over the main view, in a box in its middle.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Paragraph};

use super::{cancel, doctor, finding, help, lock, sort};
use crate::tui::model::{Layer, Model};
use crate::tui::theme::{Role, Theme};
use crate::tui::update::context_below;

/// Columns of a box: longer lines are hard to read.
const OF_TEXT: u16 = 78;
const OF_A_QUESTION: u16 = 64;
const OF_A_LIST: u16 = 32;

struct Overlay {
    title: &'static str,
    lines: Vec<Line<'static>>,
    /// Columns of the box.
    width: u16,
    position: Position,
}

/// What the keys move.
#[derive(Clone, Copy)]
enum Position {
    /// The first line that is shown.
    Scroll(u16),
    /// The line that is selected.
    Cursor(usize),
}

pub(super) fn draw(model: &Model, theme: Theme, frame: &mut Frame<'_>) {
    let screen = frame.area();
    let Some(overlay) = content(model, theme, screen.width) else {
        return;
    };
    let length = u16::try_from(overlay.lines.len()).unwrap_or(u16::MAX);
    let area = middle(screen, overlay.width, length);
    let mut block = Block::bordered()
        .title(overlay.title)
        .title_style(theme.style(Role::Title));
    let inner = block.inner(area);
    let last = length.saturating_sub(inner.height);
    let first = match overlay.position {
        Position::Scroll(first) => first.min(last),
        Position::Cursor(line) => u16::try_from(line)
            .unwrap_or(u16::MAX)
            .saturating_sub(inner.height.saturating_sub(1)),
    };
    if last > 0 {
        let end = (first + inner.height).min(length);
        block = block.title_bottom(format!(" {}–{end} of {length} ", first + 1));
    }
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    frame.render_widget(Paragraph::new(overlay.lines).scroll((first, 0)), inner);
}

/// How many positions the topmost layer can be moved to.
pub(crate) fn length(model: &Model) -> usize {
    if let Some(Layer::Finding(page)) = model.layers.last() {
        return finding::positions(model, page);
    }
    // The number of lines does not depend on how they look.
    let Some(overlay) = content(model, Theme::Mono, model.width) else {
        return 0;
    };
    let shown = usize::from(model.height.saturating_sub(2));
    match overlay.position {
        Position::Cursor(_) => overlay.lines.len(),
        Position::Scroll(_) => (overlay.lines.len() + 1).saturating_sub(shown).max(1),
    }
}

fn content(model: &Model, theme: Theme, screen_width: u16) -> Option<Overlay> {
    let boxed = |widest: u16| {
        let width = screen_width.min(widest);
        (width, usize::from(width.saturating_sub(2)))
    };
    match model.layers.last()? {
        Layer::Help { scroll } => {
            let (width, columns) = boxed(OF_TEXT);
            Some(Overlay {
                title: " keys ",
                lines: help::lines(context_below(model, 1), theme, columns),
                width,
                position: Position::Scroll(*scroll),
            })
        }
        Layer::Doctor { scroll } => {
            let (width, columns) = boxed(OF_TEXT);
            Some(Overlay {
                title: " doctor ",
                lines: doctor::lines(model, theme, columns),
                width,
                position: Position::Scroll(*scroll),
            })
        }
        Layer::Lock { id, scroll } => {
            let (width, columns) = boxed(OF_TEXT);
            Some(Overlay {
                title: " lock ",
                lines: lock::lines(model, *id, theme, columns),
                width,
                position: Position::Scroll(*scroll),
            })
        }
        Layer::Sort { cursor } => {
            let (width, columns) = boxed(OF_A_LIST);
            Some(Overlay {
                title: sort::title(model),
                lines: sort::lines(model, *cursor, theme, columns),
                width,
                position: Position::Cursor(*cursor),
            })
        }
        Layer::Cancel(task) => {
            let (width, columns) = boxed(OF_A_QUESTION);
            Some(Overlay {
                title: " cancel ",
                lines: cancel::lines(model, task, theme, columns),
                width,
                position: Position::Scroll(0),
            })
        }
        Layer::Prompt(_) | Layer::Finding(_) => None,
    }
}

fn middle(screen: Rect, width: u16, lines: u16) -> Rect {
    let height = screen.height.min(lines.saturating_add(2));
    Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    }
}
