//! From code addresses to functions, files and lines, lazily.

use std::fmt;
use std::path::Path;

use crate::frame::Frame;
use crate::platform::SymbolSource;
use crate::unwind::Trace;

/// Names the frames of traces.
///
/// Opens the program's file at the first use, which takes tens of milliseconds and memory in proportion to the debug
/// information; what was named once is remembered. Make one, keep it, use it on a thread that may take its time.
pub struct Symbolizer {
    source: SymbolSource,
}

impl Symbolizer {
    /// Does nothing yet.
    pub fn new() -> Self {
        Self {
            source: SymbolSource::new(),
        }
    }

    /// For traces of another process: `program` is its program's path, which tells the user's crate by its name.
    pub fn of_program(program: &Path) -> Self {
        Self {
            source: SymbolSource::of_program(program),
        }
    }

    /// The frames of a trace, innermost first, inlined functions as frames of their own.
    ///
    /// A frame that cannot be named keeps its module and offset.
    pub fn frames(&mut self, trace: &Trace) -> Vec<Frame> {
        trace
            .frames
            .iter()
            .flat_map(|raw| self.source.frames(raw))
            .collect()
    }
}

impl Default for Symbolizer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Symbolizer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Symbolizer").finish_non_exhaustive()
    }
}
