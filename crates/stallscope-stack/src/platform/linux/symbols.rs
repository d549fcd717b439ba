//! The names of frames: each module's file opened at its first frame, each address named once.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::object_file::{Described, ObjectFile};
use crate::frame::Frame;
use crate::origin::Origin;
use crate::unwind::{Module, RawFrame, Source};

/// More addresses are not remembered: a program has some thousand places to be stuck in.
const MOST_REMEMBERED: usize = 16 * 1024;

/// More files are not kept open at once.
const MOST_OPEN: usize = 128;

/// Where the C library and its like live.
const SYSTEM: &[&str] = &["/lib", "/lib64", "/usr/lib", "/usr/lib64"];

/// Opened files and named addresses.
pub(crate) struct SymbolSource {
    /// `None` for a file that could not be opened: not tried again.
    files: HashMap<Arc<Module>, Option<ObjectFile>>,
    named: HashMap<(u64, Arc<Module>), Vec<Frame>>,
    program: Option<String>,
}

impl SymbolSource {
    pub(crate) fn new() -> Self {
        let program = std::env::current_exe();
        Self::with(program.ok().as_deref().and_then(program_crate))
    }

    /// For frames of another process: the path of its program.
    pub(crate) fn of_program(path: &Path) -> Self {
        Self::with(program_crate(path))
    }

    fn with(program: Option<String>) -> Self {
        Self {
            files: HashMap::new(),
            named: HashMap::new(),
            program,
        }
    }

    /// The functions at a frame's address, innermost first; at least one.
    pub(crate) fn frames(&mut self, raw: &RawFrame) -> Vec<Frame> {
        let (Some(module), Some(offset)) = (&raw.module, raw.module_offset()) else {
            return vec![Frame::nameless(raw)];
        };
        let key = (offset, module.clone());
        if let Some(frames) = self.named.get(&key) {
            return frames.clone();
        }
        let frames = self.look_up(raw, module, offset);
        if self.named.len() >= MOST_REMEMBERED {
            self.named.clear();
        }
        self.named.insert(key, frames.clone());
        frames
    }

    fn look_up(&mut self, raw: &RawFrame, module: &Arc<Module>, offset: u64) -> Vec<Frame> {
        // A program that loads and unloads for days does not make us grow.
        if self.files.len() >= MOST_OPEN && !self.files.contains_key(module) {
            self.files.clear();
        }
        let file = self
            .files
            .entry(module.clone())
            .or_insert_with(|| ObjectFile::open(module));
        let Some(file) = file else {
            return vec![Frame::nameless(raw)];
        };
        let symbol = file.symbol(offset);
        let mut described = file.describe(offset);
        match described.last_mut() {
            // The symbol has the full path; line tables alone have the last part of the name only.
            Some(outermost) => outermost.function = symbol.or(outermost.function.take()),
            None => described.push(Described {
                function: symbol,
                file: None,
                line: None,
                column: None,
            }),
        }
        let outermost = described.len().saturating_sub(1);
        described
            .into_iter()
            .enumerate()
            .map(|(index, described)| Frame {
                origin: self.origin(&described, module),
                function: described.function,
                file: described.file,
                line: described.line,
                column: described.column,
                inlined: index < outermost,
                ..Frame::nameless(raw)
            })
            .collect()
    }

    fn origin(&self, described: &Described, module: &Module) -> Origin {
        match (&described.file, &described.function) {
            (Some(file), _) => Origin::of_file(file),
            (None, Some(function)) => Origin::of_function(function, self.program.as_deref()),
            (None, None)
                if matches!(module.source, Source::Image(_))
                    || SYSTEM.iter().any(|home| module.path.starts_with(home)) =>
            {
                Origin::Native
            }
            (None, None) => Origin::Unknown,
        }
    }
}

/// The crate the program was built from, as cargo names its file: `my-app` from `my_app`, a test `zoo-0123456789abcdef`.
fn program_crate(path: &Path) -> Option<String> {
    let name = path.file_stem()?.to_str()?;
    let is_hash =
        |hash: &str| hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let name = name
        .rsplit_once('-')
        .filter(|(_, hash)| is_hash(hash))
        .map_or(name, |(name, _)| name);
    Some(name.replace('-', "_"))
}
