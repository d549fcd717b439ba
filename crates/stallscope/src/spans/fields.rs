//! The fields of a span as one line of text, short however long the values are.

use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};

/// Bytes that are kept of the fields of one span. The rest is not even formatted.
const MOST: usize = 400;

/// Where the text was cut.
const CUT: char = '…';

/// Takes values in and becomes `user=7 path="/x"`.
pub(super) struct Fields {
    text: String,
    is_cut: bool,
}

impl Fields {
    /// Goes on after what was there before.
    pub(super) fn after(before: &str) -> Self {
        Fields {
            text: before.to_owned(),
            is_cut: before.ends_with(CUT),
        }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // What the bridge from the `log` crate adds is no field of the application's.
        if self.is_cut || field.name().starts_with("log.") {
            return;
        }
        let space = if self.text.is_empty() { "" } else { " " };
        // An error is the sign that it is full, or comes from the value's own `Debug`: what was written so far stays.
        let _ = match field.name() {
            "message" => write!(self, "{space}{value:?}"),
            name => write!(self, "{space}{name}={value:?}"),
        };
    }
}

impl Write for Fields {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MOST.saturating_sub(self.text.len());
        if !self.is_cut && text.len() <= room {
            self.text.push_str(text);
            return Ok(());
        }
        if !self.is_cut {
            let fits = (0..=room).rev().find(|&end| text.is_char_boundary(end));
            self.text.push_str(&text[..fits.unwrap_or(0)]);
            self.text.push(CUT);
            self.is_cut = true;
        }
        Err(fmt::Error)
    }
}
