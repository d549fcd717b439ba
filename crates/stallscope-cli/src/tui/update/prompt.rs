//! The line that is being typed: a filter, in force while it is typed, or the id of a task.

use crate::filter;
use crate::tui::model::{AppliedFilter, Layer, Model, Prompt, PromptPurpose};

/// Opens a prompt; one for a filter goes on where the last one ended.
pub(super) fn open(model: &mut Model, purpose: PromptPurpose) {
    let text = match &purpose {
        PromptPurpose::Filter { before } => before.text.clone(),
        PromptPurpose::Task => String::new(),
    };
    model.layers.push(Layer::Prompt(Prompt {
        purpose,
        text,
        error: None,
    }));
}

/// Changes the text of the open prompt.
pub(super) fn edit(model: &mut Model, change: impl FnOnce(&mut String)) {
    let Some(Layer::Prompt(prompt)) = model.layers.last_mut() else {
        return;
    };
    change(&mut prompt.text);
    let text = prompt.text.clone();
    let error = match prompt.purpose {
        PromptPurpose::Filter { .. } => apply_filter(model, &text),
        PromptPurpose::Task => parse_id(&text).err(),
    };
    if let Some(Layer::Prompt(prompt)) = model.layers.last_mut() {
        prompt.error = error;
    }
}

/// Enter: a text that cannot be used stays open.
pub(super) fn accepted(model: &mut Model, mut prompt: Prompt) {
    match prompt.purpose {
        PromptPurpose::Filter { .. } if prompt.error.is_none() => {}
        PromptPurpose::Task if prompt.text.is_empty() => {}
        PromptPurpose::Task => match parse_id(&prompt.text) {
            Ok(task) => model.tree.follow(task),
            Err(error) => {
                prompt.error = Some(error);
                model.layers.push(Layer::Prompt(prompt));
            }
        },
        PromptPurpose::Filter { .. } => model.layers.push(Layer::Prompt(prompt)),
    }
}

/// Esc: what was in force before the prompt was opened is in force again.
pub(super) fn cancelled(model: &mut Model, prompt: Prompt) {
    if let PromptPurpose::Filter { before } = prompt.purpose {
        set_filter(model, before);
    }
}

/// Puts a filter in force. One that cannot be read changes nothing; the reason is returned.
pub(super) fn apply_filter(model: &mut Model, text: &str) -> Option<String> {
    match filter::parse(text) {
        Ok(filter) => {
            set_filter(
                model,
                AppliedFilter {
                    text: text.trim().to_owned(),
                    terms: filter.terms().to_vec(),
                },
            );
            None
        }
        Err(error) => Some(error.to_string()),
    }
}

fn set_filter(model: &mut Model, filter: AppliedFilter) {
    model.tree.set_filter(filter.terms.clone());
    model.filter = filter;
}

fn parse_id(text: &str) -> Result<u64, String> {
    text.trim()
        .parse()
        .map_err(|_| "a task id is a number, as the tree shows it: #12".to_owned())
}
