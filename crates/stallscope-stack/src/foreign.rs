//! Walking the stacks of another process, from what its reader has of it: modules, a copied stack, a way to its code.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::capture::RawStack;
use crate::platform::Walker;
use crate::unwind::{Module, Source, Trace};

/// Walks copied stacks of another process.
///
/// Reads nothing of this process, and of the other one only what it is given. All of that may be wrong: a walk of
/// nonsense ends early.
pub struct ForeignUnwinder {
    walker: Walker,
}

/// A module of another process.
#[derive(Debug, Clone)]
pub struct ForeignModule {
    pub(crate) module: Arc<Module>,
    pub(crate) range: Range<u64>,
    pub(crate) tables: Option<UnwindTables>,
}

/// Where symbols and debug information of a module of another process are read from, by paths as they are seen from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageSource {
    /// The file of its program, or the separate one with that program's debug information. It is mapped.
    Program(PathBuf),
    /// The file of a library. It is read. `None` if it is gone.
    Library(Option<PathBuf>),
    /// No file but these bytes, as those of the vDSO.
    Bytes(Vec<u8>),
}

/// The unwind tables of a module as they are loaded, each with its address.
#[derive(Debug, Clone)]
pub struct UnwindTables {
    /// `.eh_frame_hdr`.
    pub header: Arc<[u8]>,
    /// Its address.
    pub header_at: u64,
    /// `.eh_frame`, or a stretch that begins with it.
    pub frames: Arc<[u8]>,
    /// Its address.
    pub frames_at: u64,
}

impl ForeignModule {
    /// A module that lies at the addresses `range`, moved there by `base` from the addresses in its file.
    ///
    /// A file with another build id is not used to name frames.
    pub fn new(
        path: PathBuf,
        source: ImageSource,
        build_id: Vec<u8>,
        base: u64,
        range: Range<u64>,
        tables: Option<UnwindTables>,
    ) -> Self {
        let is_program = matches!(source, ImageSource::Program(_));
        let source = match source {
            ImageSource::Program(file) => Source::OtherProgram(file),
            ImageSource::Library(file) => Source::Library(file),
            ImageSource::Bytes(bytes) => Source::Image(bytes),
        };
        Self {
            module: Arc::new(Module {
                path,
                build_id,
                base,
                is_program,
                source,
            }),
            range,
            tables,
        }
    }

    /// Its path, as that process sees it.
    pub fn path(&self) -> &Path {
        &self.module.path
    }

    /// The linker's fingerprint; empty if it has none.
    pub fn build_id(&self) -> &[u8] {
        &self.module.build_id
    }

    /// The addresses it lies at.
    pub fn range(&self) -> Range<u64> {
        self.range.clone()
    }
}

impl UnwindTables {
    /// Where `.eh_frame` begins, from the bytes and the address of `.eh_frame_hdr`.
    pub fn frames_address(header: &[u8], header_at: u64) -> Option<u64> {
        crate::platform::unwind_tables_at(header, header_at)
    }
}

impl ForeignUnwinder {
    /// For a process with these modules.
    pub fn new(modules: &[ForeignModule]) -> Self {
        Self {
            walker: Walker::of_process(modules),
        }
    }

    /// Walks a stack. `code` fills a buffer with the bytes at an address of that process, or answers `None`: it tells which
    /// of several walks of a thread whose frame pointer is not known agrees with the calls on its way.
    pub fn unwind(
        &mut self,
        stack: &RawStack,
        code: &dyn Fn(u64, &mut [u8]) -> Option<()>,
    ) -> Trace {
        self.walker.walk_in(stack, code)
    }
}

impl fmt::Debug for ForeignUnwinder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ForeignUnwinder")
            .finish_non_exhaustive()
    }
}
