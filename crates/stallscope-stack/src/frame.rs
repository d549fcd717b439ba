//! A frame a person can read: function, file, line, and whose code it is.

use std::fmt;
use std::sync::Arc;

use crate::origin::Origin;
use crate::unwind::{Module, RawFrame};

/// A function on a stack. Of inlined functions each has a frame of its own, with the address of the one they are in.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Demangled, without the hash: `crate::module::function`; an inlined function often by its last part only, when
    /// the program has line tables but no full debug information. `None` if stripped.
    pub function: Option<String>,
    /// The path as the compiler recorded it.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The column, from 1.
    pub column: Option<u32>,
    /// Whose code it is.
    pub origin: Origin,
    /// Whether it was inlined into the next frame.
    pub inlined: bool,
    /// Program counter or return address.
    pub address: u64,
    /// The module the address belongs to.
    pub module: Option<Arc<Module>>,
    /// The address in the module's file: with the build id enough to name the frame later, elsewhere.
    pub module_offset: Option<u64>,
}

impl Frame {
    /// The line to change, if it is the user's own.
    pub fn is_app(&self) -> bool {
        self.origin == Origin::App
    }

    /// A frame of which only address and module are known.
    pub(crate) fn nameless(raw: &RawFrame) -> Self {
        Self {
            function: None,
            file: None,
            line: None,
            column: None,
            origin: Origin::Unknown,
            inlined: false,
            address: raw.address,
            module: raw.module.clone(),
            module_offset: raw.module_offset(),
        }
    }
}

impl fmt::Display for Frame {
    /// `function at file:line`, or `file+0xoffset` of the module, or the address.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.function, &self.module, self.module_offset) {
            (Some(function), ..) => formatter.write_str(function)?,
            (None, Some(module), Some(offset)) => {
                let name = module.path.file_name().unwrap_or(module.path.as_os_str());
                write!(formatter, "{}+{offset:#x}", name.display())?;
            }
            _ => write!(formatter, "{:#x}", self.address)?,
        }
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(formatter, " at {file}:{line}"),
            (Some(file), None) => write!(formatter, " in {file}"),
            _ => Ok(()),
        }
    }
}
