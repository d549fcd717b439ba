//! From the bytes of a stack to frames that a person can read.

use stallscope_stack::{Ended, Frame, Origin, RawStack, Symbolizer, Unwinder};
use stallscope_wire::message;

/// Unwinds and names stacks. Made once: what it has read it keeps.
pub(super) struct Analyst {
    /// Made at the first stack: it reads the table of modules.
    unwinder: Option<Unwinder>,
    symbolizer: Symbolizer,
}

impl Analyst {
    pub(super) fn new() -> Self {
        Analyst {
            unwinder: None,
            symbolizer: Symbolizer::new(),
        }
    }

    /// The frames of a stack, innermost first, and what is missing of it.
    pub(super) fn frames(&mut self, stack: &RawStack) -> (Vec<message::Frame>, String) {
        let trace = self
            .unwinder
            .get_or_insert_with(Unwinder::new)
            .unwind(stack);
        let missing = match trace.ended {
            Ended::Root => "",
            Ended::Truncated => {
                "the stack is deeper than was copied: the outermost frames are missing"
            }
            Ended::Lost => "the outermost frames are missing: code without unwind tables",
        };
        let frames = self.symbolizer.frames(&trace).iter().map(frame).collect();
        (frames, missing.to_owned())
    }
}

fn frame(frame: &Frame) -> message::Frame {
    let module = frame.module.as_deref();
    message::Frame {
        function: frame.function.clone().unwrap_or_default(),
        file: frame.file.clone().unwrap_or_default(),
        line: frame.line.unwrap_or(0),
        column: frame.column.unwrap_or(0),
        in_app: frame.is_app(),
        origin: origin(&frame.origin),
        inlined: frame.inlined,
        address: frame.address,
        module: module
            .map(|module| module.path.display().to_string())
            .unwrap_or_default(),
        build_id: module
            .and_then(stallscope_stack::Module::build_id_text)
            .unwrap_or_default(),
        module_offset: frame.module_offset.unwrap_or(0),
    }
}

fn origin(origin: &Origin) -> String {
    match origin {
        Origin::App => "app",
        Origin::Std => "std",
        Origin::Tokio => "tokio",
        Origin::Stallscope => "stallscope",
        Origin::Native => "native",
        Origin::Registry(package) => package,
        _ => "unknown",
    }
    .to_owned()
}
