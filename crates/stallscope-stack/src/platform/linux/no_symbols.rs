//! Built without the feature `symbols`: a frame is its module and offset.

use std::path::Path;

use crate::frame::Frame;
use crate::unwind::RawFrame;

pub(crate) struct SymbolSource;

impl SymbolSource {
    pub(crate) fn new() -> Self {
        Self
    }

    pub(crate) fn of_program(_path: &Path) -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "with the feature it is used")]
    pub(crate) fn frames(&mut self, raw: &RawFrame) -> Vec<Frame> {
        vec![Frame::nameless(raw)]
    }
}
