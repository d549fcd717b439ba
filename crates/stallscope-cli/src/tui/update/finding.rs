//! What happens to findings: they arrive, one is opened, its line is read, edited, copied.

use stallscope_wire::message;

use super::Effect;
use crate::source::Source;
use crate::tui::model::{Focus, Layer, Model, Page};
use crate::tui::view::line_of_side;

/// An answer read `at_ns` after the start of recording.
pub(super) fn received(model: &mut Model, findings: message::Findings, at_ns: u64) {
    let started = model
        .process
        .as_ref()
        .map_or(0, |process| process.started_unix_ns);
    model
        .findings
        .apply(findings, started.saturating_add(at_ns));
    for layer in &mut model.layers {
        if let Layer::Finding(page) = layer {
            page.refresh(&model.findings);
        }
    }
}

/// Keys go to the findings from now on.
pub(super) fn focus(model: &mut Model) {
    if model.findings.are_unreported() {
        model.notice = Some("this application's stallscope does not report findings".to_owned());
    } else if model.findings.all().is_empty() {
        model.notice = Some("no findings so far".to_owned());
    } else {
        model.focus = Focus::Findings;
    }
}

/// Opens the page of the selected finding.
pub(super) fn open(model: &mut Model) {
    let Some(finding) = model.findings.selected().cloned() else {
        return;
    };
    // The page is of this one, and so is the selection when it is closed.
    model.findings.move_by(0);
    let page = Page::new(finding, model.findings.at_unix_ns());
    model.layers.push(Layer::Finding(Box::new(page)));
}

/// Looks for the source of what is shown and was not looked for. A finding may get lines that it had not at first.
pub(super) fn look(model: &mut Model) -> Vec<Effect> {
    let mut effects = Vec::new();
    for layer in &mut model.layers {
        if let Layer::Finding(page) = layer {
            let unread = page.unread().into_iter();
            effects.extend(unread.map(|(file, line)| Effect::ReadSource { file, line }));
        }
    }
    effects
}

/// What came of looking for a line of source.
pub(super) fn source_read(
    model: &mut Model,
    file: &str,
    line: u32,
    found: &Result<Source, String>,
) {
    for layer in &mut model.layers {
        if let Layer::Finding(page) = layer {
            page.read(file, line, found);
        }
    }
}

/// To the next side of a conflict, which comes into view.
pub(super) fn turn(model: &mut Model) {
    let Some(page) = page(model) else {
        return;
    };
    if !page.turn() {
        model.notice = Some("this finding is about one line only".to_owned());
        return;
    }
    let line = line_of_side(model);
    let shown = usize::from(model.layout().page().height.saturating_sub(1));
    if let Some(page) = self::page(model) {
        // With some of its code, where there is room for that.
        let below = line + SIDE.min(shown.saturating_sub(1));
        let first = usize::from(page.scroll);
        let first = first.max((below + 1).saturating_sub(shown)).min(line);
        page.scroll = u16::try_from(first).unwrap_or(u16::MAX);
    }
}

/// Shows the frames of other code, or folds them again.
pub(super) fn unfold(model: &mut Model) {
    if let Some(page) = page(model) {
        page.unfolded = !page.unfolded;
    }
}

/// Opens the editor at the line to change.
pub(super) fn edit(model: &mut Model) -> Vec<Effect> {
    let Some(page) = page(model) else {
        return Vec::new();
    };
    let place = page.place();
    let refused = match place.map(|place| (place, page.code(place))) {
        Some(((_, line), Some(Ok(source)))) => {
            return vec![Effect::Edit {
                path: source.path.clone(),
                line,
            }];
        }
        Some((_, Some(Err(reason)))) => reason.clone(),
        Some((_, None)) => "the source is still being looked for".to_owned(),
        None => NO_PLACE.to_owned(),
    };
    model.notice = Some(refused);
    Vec::new()
}

/// Copies `file:line` as the compiler recorded it.
pub(super) fn copy(model: &mut Model) -> Vec<Effect> {
    let place = page(model).and_then(|page| {
        let (file, line) = page.place()?;
        Some(format!("{file}:{line}"))
    });
    let Some(place) = place else {
        model.notice = Some(NO_PLACE.to_owned());
        return Vec::new();
    };
    model.notice = Some(format!("copied {place}, if the terminal allows it"));
    vec![Effect::Copy(place)]
}

/// Lines of a side on the page: its place, its task, and code.
const SIDE: usize = 8;

const NO_PLACE: &str =
    "no frame of the application's own code was found: there is no line to go to";

/// The page that is topmost.
fn page(model: &mut Model) -> Option<&mut Page> {
    match model.layers.last_mut() {
        Some(Layer::Finding(page)) => Some(page),
        _ => None,
    }
}
