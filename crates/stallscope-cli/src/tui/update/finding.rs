//! What happens to findings: they arrive, one is opened, its line is read, edited, copied.

use stallscope_wire::message;

use super::Effect;
use crate::tui::model::{Focus, Layer, Model, Page, Source};

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

/// Opens the page of the selected finding, and looks for its source.
pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    let Some(finding) = model.findings.selected().cloned() else {
        return Vec::new();
    };
    // The page is of this one, and so is the selection when it is closed.
    model.findings.move_by(0);
    let page = Page::new(finding, model.findings.at_unix_ns());
    let look = page.place().map(|(file, line)| Effect::ReadSource {
        file: file.to_owned(),
        line,
    });
    model.layers.push(Layer::Finding(Box::new(page)));
    look.into_iter().collect()
}

/// What came of looking for a line of source.
pub(super) fn source_read(
    model: &mut Model,
    file: &str,
    line: u32,
    found: &Result<Source, String>,
) {
    for layer in &mut model.layers {
        if let Layer::Finding(page) = layer
            && page.place() == Some((file, line))
        {
            page.source = Some(found.clone());
        }
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
    let line = page.place().map(|(_, line)| line);
    let refused = match (line, &page.source) {
        (Some(line), Some(Ok(source))) => {
            return vec![Effect::Edit {
                path: source.path.clone(),
                line,
            }];
        }
        (Some(_), Some(Err(reason))) => reason.clone(),
        (Some(_), None) => "the source is still being looked for".to_owned(),
        (None, _) => NO_PLACE.to_owned(),
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

const NO_PLACE: &str =
    "no frame of the application's own code was found: there is no line to go to";

/// The page that is topmost.
fn page(model: &mut Model) -> Option<&mut Page> {
    match model.layers.last_mut() {
        Some(Layer::Finding(page)) => Some(page),
        _ => None,
    }
}
