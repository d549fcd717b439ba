//! From the bytes of a stack to frames that a person can read.

use std::time::{Duration, Instant};

use stallscope_stack::{Ended, Frame, Origin, RawStack, Symbolizer, Unwinder};
use stallscope_wire::message;

use super::poll;
use crate::watch::POLL_RETURNS;

/// Unwinds and names stacks. What it has read it keeps for a while: the debug information of a program is read in some 15 ms,
/// and takes tens of megabytes.
#[derive(Default)]
pub(super) struct Analyst {
    /// Made at the first stack.
    tools: Option<Tools>,
}

struct Tools {
    unwinder: Unwinder,
    symbolizer: Symbolizer,
    last_used: Instant,
}

/// Stalls come in bunches; after this long without one, the memory is given back.
const KEEP: Duration = Duration::from_secs(60);

impl Analyst {
    /// Gives memory back that has not been used for a minute.
    pub(super) fn tidy(&mut self, now: Instant) {
        if self
            .tools
            .as_ref()
            .is_some_and(|tools| now.saturating_duration_since(tools.last_used) >= KEEP)
        {
            self.tools = None;
        }
    }

    /// Looks for the place where the scheduler has called a task's poll, and tells the watchdog.
    pub(super) fn explain(&mut self, stack: &RawStack) {
        let (frames, _) = self.frames(stack);
        if let Some(address) = poll::returns_to(&frames) {
            POLL_RETURNS.learn(address);
        }
    }

    /// The frames of a stack, innermost first, and what is missing of it.
    pub(super) fn frames(&mut self, stack: &RawStack) -> (Vec<message::Frame>, String) {
        let tools = self.tools();
        let trace = tools.unwinder.unwind(stack);
        let missing = match trace.ended {
            Ended::Root => "",
            Ended::Truncated => {
                "the stack is deeper than was copied: the outermost frames are missing"
            }
            Ended::Lost => "the outermost frames are missing: code without unwind tables",
        };
        let frames = tools.symbolizer.frames(&trace).iter().map(frame).collect();
        (frames, missing.to_owned())
    }

    /// The frames at return addresses, innermost first.
    pub(super) fn frames_at(&mut self, addresses: &[u64]) -> Vec<message::Frame> {
        let tools = self.tools();
        let trace = tools.unwinder.of_return_addresses(addresses);
        tools.symbolizer.frames(&trace).iter().map(frame).collect()
    }

    fn tools(&mut self) -> &mut Tools {
        let now = Instant::now();
        let tools = self.tools.get_or_insert_with(|| Tools {
            unwinder: Unwinder::new(),
            symbolizer: Symbolizer::new(),
            last_used: now,
        });
        tools.last_used = now;
        tools
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
