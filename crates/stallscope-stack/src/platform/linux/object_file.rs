//! One module's file: its debug information and symbol table, checked to be the file that runs.

#![allow(unsafe_code)] // A parser that borrows from the bytes it is kept with; a file mapped into memory.

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::{ptr, slice};

use addr2line::gimli::{self, Dwarf, EndianSlice, LittleEndian, SectionId};
use addr2line::{Context, LookupContinuation as _, LookupResult};
use object::read::elf::ElfFile64;
use object::{Endianness, Object as _, ObjectSection as _, ObjectSymbol as _, ObjectSymbolTable};

use super::split::Split;
use crate::unwind::{Module, Source};

pub(super) type Slice = EndianSlice<'static, LittleEndian>;

/// Larger libraries keep their debug information to themselves: it would have to be read into memory.
const LARGEST_READ: u64 = 64 * 1024 * 1024;

/// A module's file, opened and indexed.
pub(super) struct ObjectFile {
    /// Borrows from `split` and `bytes`, so it is declared, and dropped, before.
    debug: Option<Context<Slice>>,
    /// Borrows from `bytes`.
    symbols: Vec<Symbol>,
    split: Split,
    #[expect(dead_code, reason = "kept alive for what borrows from it")]
    bytes: FileBytes,
}

struct Symbol {
    start: u64,
    size: u64,
    name: &'static str,
}

/// A function of an inlining chain, as the debug information has it.
pub(super) struct Described {
    pub(super) function: Option<String>,
    pub(super) file: Option<String>,
    pub(super) line: Option<u32>,
    pub(super) column: Option<u32>,
}

impl ObjectFile {
    /// Opens the file of a module; `None` if it is gone, or another file by now.
    pub(super) fn open(module: &Module) -> Option<Self> {
        let bytes = FileBytes::of(module)?;
        // SAFETY: `bytes` is the last field, dropped after those that borrow from it. The lifetime never leaves this module: names and
        // paths are handed out as copies.
        let data = unsafe { bytes.for_ever() };
        let file = ElfFile64::<Endianness>::parse(data).ok()?;
        let build_id = file.build_id().ok().flatten().unwrap_or_default();
        // /proc/self/exe is the file that runs, whatever stands at its path; any other may have been replaced.
        if build_id != module.build_id && !matches!(module.source, Source::OwnProgram) {
            return None;
        }
        Some(Self {
            debug: debug_information(&file),
            symbols: symbols(&file),
            split: Split::of(module),
            bytes,
        })
    }

    /// The functions at an address, innermost first; empty without debug information.
    pub(super) fn describe(&self, address: u64) -> Vec<Described> {
        let mut described = Vec::new();
        let Some(debug) = &self.debug else {
            return described;
        };
        let mut found = debug.find_frames(address);
        let found = loop {
            match found {
                LookupResult::Output(frames) => break frames,
                LookupResult::Load { load, continuation } => {
                    found = continuation.resume(self.split.load(&load));
                }
            }
        };
        let Ok(mut frames) = found else {
            return described;
        };
        while let Ok(Some(frame)) = frames.next() {
            let function = frame
                .function
                .as_ref()
                .and_then(|name| name.raw_name().ok())
                .map(|name| demangled(&name));
            let location = frame.location.as_ref();
            described.push(Described {
                function,
                file: location
                    .and_then(|location| location.file)
                    .map(str::to_owned),
                line: location.and_then(|location| location.line),
                column: location.and_then(|location| location.column),
            });
        }
        described
    }

    /// The symbol that covers an address, demangled.
    pub(super) fn symbol(&self, address: u64) -> Option<String> {
        let next = self
            .symbols
            .partition_point(|symbol| symbol.start <= address);
        // Hand-written assembly has symbols of size zero: they reach to the next.
        let covers = |symbol: &&Symbol| symbol.size == 0 || address - symbol.start < symbol.size;
        self.symbols
            .get(next.checked_sub(1)?)
            .filter(covers)
            .map(|symbol| demangled(symbol.name))
    }
}

fn demangled(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}

fn debug_information(file: &ElfFile64<'static, Endianness>) -> Option<Context<Slice>> {
    file.section_by_name(".debug_info")?;
    let dwarf = Dwarf::load(|id: SectionId| Ok::<_, gimli::Error>(section(file, Some(id.name()))));
    Context::from_dwarf(dwarf.ok()?).ok()
}

/// The section of that name; one that is not there is empty.
pub(super) fn section(file: &ElfFile64<'static, Endianness>, name: Option<&str>) -> Slice {
    // A compressed section would need a decompressor: its data is an error here, and read as absent.
    let data = name
        .and_then(|name| file.section_by_name(name))
        .filter(|section| !is_compressed(section));
    let data = data
        .and_then(|section| section.data().ok())
        .unwrap_or_default();
    EndianSlice::new(data, LittleEndian)
}

fn is_compressed<'data>(section: &impl object::ObjectSection<'data>) -> bool {
    section
        .compressed_file_range()
        .is_ok_and(|range| range.format != object::CompressionFormat::None)
}

/// Functions by address, from the full table or, in a stripped library, the dynamic one.
fn symbols(file: &ElfFile64<'static, Endianness>) -> Vec<Symbol> {
    let table = file.symbol_table().or_else(|| file.dynamic_symbol_table());
    let mut symbols: Vec<Symbol> = table
        .iter()
        .flat_map(ObjectSymbolTable::symbols)
        .filter(|symbol| symbol.kind() == object::SymbolKind::Text && symbol.is_definition())
        .filter_map(|symbol| {
            Some(Symbol {
                start: symbol.address(),
                size: symbol.size(),
                name: symbol.name().ok()?,
            })
        })
        .collect();
    // Of several names at one address the last is found: the longest, and of those the one without underscores, which
    // is the documented one (`read` before `__read`).
    symbols.sort_by_key(|symbol| (symbol.start, symbol.size, !symbol.name.starts_with('_')));
    symbols
}

/// The content of a file.
pub(super) enum FileBytes {
    Mapped { start: *const u8, length: usize },
    Read(Box<[u8]>),
}

// SAFETY: the mapping is private, read-only and owned; it is as good on any thread.
unsafe impl Send for FileBytes {}

impl FileBytes {
    fn of(module: &Module) -> Option<Self> {
        match &module.source {
            Source::Image(image) => Some(Self::Read(image.as_slice().into())),
            // Mapped, so that large debug information stays on disk until looked at. The kernel lets nobody write or
            // truncate the file of a running program, so no access to the mapping can fail.
            Source::OwnProgram => Self::map(Path::new("/proc/self/exe")),
            // Mapped for the same reason. Nothing keeps it from being truncated once that program has ended: who looks
            // at another process maps its file anyway.
            Source::OtherProgram(path) => Self::map(path),
            // A library can be truncated while we look: a mapping would end us, a copy does not.
            Source::Library(path) => Self::read(path.as_deref()?),
        }
    }

    /// A file that belongs to the program of another process.
    pub(super) fn of_other(path: &Path) -> Option<Self> {
        // A name that the other side chose may be that of a pipe, and opening one would wait.
        std::fs::metadata(path)
            .is_ok_and(|metadata| metadata.is_file())
            .then(|| Self::map(path))?
    }

    /// The bytes, for what is kept with them.
    ///
    /// # Safety
    /// `self` is dropped after everything that borrows from them.
    pub(super) unsafe fn for_ever(&self) -> &'static [u8] {
        let bytes = self.as_slice();
        // SAFETY: they stand at a fixed place (a mapping, or a box) until `self` is dropped, and the caller keeps nothing longer.
        unsafe { slice::from_raw_parts(bytes.as_ptr(), bytes.len()) }
    }

    fn read(path: &Path) -> Option<Self> {
        // What another process has mapped may be a file of any kind by now, and opening a pipe would wait.
        let small = std::fs::metadata(path)
            .is_ok_and(|metadata| metadata.is_file() && metadata.len() <= LARGEST_READ);
        small
            .then(|| std::fs::read(path).ok())?
            .map(|bytes| Self::Read(bytes.into()))
    }

    fn map(path: &Path) -> Option<Self> {
        let file = File::open(path).ok()?;
        let length = usize::try_from(file.metadata().ok()?.len())
            .ok()
            .filter(|length| *length > 0)?;
        // SAFETY: a new private mapping at an address of the kernel's choice, of a file that is open.
        let start = unsafe {
            libc::mmap(
                ptr::null_mut(),
                length,
                libc::PROT_READ,
                libc::MAP_PRIVATE,
                file.as_raw_fd(),
                0,
            )
        };
        (start != libc::MAP_FAILED).then(|| Self::Mapped {
            start: start.cast_const().cast(),
            length,
        })
    }

    fn as_slice(&self) -> &[u8] {
        match self {
            // SAFETY: mapped readable at this length until dropped, and nobody writes a private read-only mapping.
            Self::Mapped { start, length } => unsafe { slice::from_raw_parts(*start, *length) },
            Self::Read(bytes) => bytes,
        }
    }
}

impl Drop for FileBytes {
    fn drop(&mut self) {
        if let Self::Mapped { start, length } = self {
            // SAFETY: what `map` mapped, once; nothing borrows from it any more.
            unsafe { libc::munmap(start.cast_mut().cast(), *length) };
        }
    }
}
