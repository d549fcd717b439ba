//! From a copied stack to a list of code addresses, each with its module.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::capture::RawStack;
use crate::platform::Walker;

/// Walks copied stacks by the unwind tables of the loaded modules.
///
/// Keeps a table of the modules, refreshed when something was loaded or unloaded, and a cache of rules: a walk is about
/// 100 µs at first and a few µs later. Needs no frame pointers, no debug information, no file: it also works stripped
/// and with `panic = "abort"`.
pub struct Unwinder {
    walker: Walker,
}

/// A walked stack, innermost frame first.
#[derive(Debug, Clone)]
pub struct Trace {
    /// The frames; the first is where the thread stands.
    pub frames: Vec<RawFrame>,
    /// Whether the walk got to the thread's outermost frame.
    pub ended: Ended,
    /// Whether all registers were known.
    pub certainty: Certainty,
}

/// One frame, still nameless.
#[derive(Debug, Clone)]
pub struct RawFrame {
    /// Program counter or return address.
    pub address: u64,
    /// The module its code belongs to; `None` for code of none, as a just-in-time compiler makes.
    pub module: Option<Arc<Module>>,
    /// A return address points behind its call; this points at it, as looking a line up needs.
    pub(crate) lookup: u64,
}

/// The program, a library, or the kernel's page of code in every process.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Module {
    /// Its file, or `[vdso]`.
    pub path: PathBuf,
    /// The linker's fingerprint: finds its debug information later, elsewhere. Empty if it has none.
    pub build_id: Vec<u8>,
    /// What was added to the addresses in its file when it was loaded.
    pub base: u64,
    /// Whether it is the program itself.
    pub is_program: bool,
    /// Where its symbols and debug information are read from.
    pub(crate) source: Source,
}

/// Where the content of a module's file is had from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// The program of this process.
    OwnProgram,
    /// The program of another, at this path as seen from here.
    OtherProgram(PathBuf),
    /// A library, of this process or another, at this path as seen from here; `None` if its file is gone.
    Library(Option<PathBuf>),
    /// Its image in memory: it is in no file.
    Image(Vec<u8>),
}

/// Where a walk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// At the thread's outermost frame: nothing is missing.
    Root,
    /// At the end of the copy: the stack was deeper than the buffer.
    Truncated,
    /// At a frame nobody could see through: code without unwind tables, a stack that was being switched.
    Lost,
}

/// How sure a walk is of its frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// Every register it used was known, or followed from the code.
    Exact,
    /// A waiting thread's frame pointer was needed and not shown by the kernel, and had to be found by trying: of the
    /// walks that reach the outermost frame it is the one the code agrees best with.
    Reconstructed,
}

impl Unwinder {
    /// Reads the module table: some 100 µs.
    pub fn new() -> Self {
        Self {
            walker: Walker::new(),
        }
    }

    /// Walks a stack. The thread may have ended meanwhile; only the copy is looked at.
    pub fn unwind(&mut self, stack: &RawStack) -> Trace {
        self.walker.walk(stack)
    }

    /// The trace of a stack that this process has walked by other means: its return addresses, the innermost first.
    pub fn of_return_addresses(&mut self, addresses: &[u64]) -> Trace {
        Trace {
            frames: self.walker.frames_of(addresses),
            ended: Ended::Root,
            certainty: Certainty::Exact,
        }
    }
}

impl Default for Unwinder {
    fn default() -> Self {
        Self::new()
    }
}

impl RawFrame {
    /// The frame's address in its module's file, as tools that read the file want it. Of a call, not behind it.
    pub fn module_offset(&self) -> Option<u64> {
        self.lookup.checked_sub(self.module.as_ref()?.base)
    }
}

impl Module {
    /// The build id in hexadecimal, as `readelf -n` and debug information servers write it.
    pub fn build_id_text(&self) -> Option<String> {
        use fmt::Write as _;
        (!self.build_id.is_empty()).then(|| {
            self.build_id.iter().fold(String::new(), |mut text, byte| {
                // Writing to a string cannot fail.
                let _ = write!(text, "{byte:02x}");
                text
            })
        })
    }
}

impl fmt::Debug for Unwinder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Unwinder").finish_non_exhaustive()
    }
}
