//! The files of a program: its binary, and the one that its debug information is in.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use object::{Object, ObjectSection};

use super::{separate, thread_local};
use crate::Error;
use crate::mapped::map;

/// A program's files, mapped, with their sections at hand. [`Program`](super::Program) borrows from it.
#[derive(Debug)]
pub struct Files {
    program: Mapped,
    /// The file that has the debug information, if the binary has none of its own.
    separate: Option<Mapped>,
}

/// A file, mapped.
#[derive(Debug)]
pub(super) struct Mapped {
    pub(super) path: PathBuf,
    map: Mmap,
    /// Sections that are stored compressed, unpacked.
    unpacked: Vec<(gimli::SectionId, Vec<u8>)>,
}

/// A section as it is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section {
    /// Its address as linked.
    pub address: u64,
    /// Its length.
    pub size: u64,
}

/// Those that are read; of others it does not matter whether they are there.
const WANTED: [gimli::SectionId; 7] = [
    gimli::SectionId::DebugInfo,
    gimli::SectionId::DebugAbbrev,
    gimli::SectionId::DebugStr,
    gimli::SectionId::DebugLine,
    gimli::SectionId::DebugLineStr,
    gimli::SectionId::DebugStrOffsets,
    gimli::SectionId::DebugAddr,
];

impl Files {
    /// Map the binary that `open` opens, and the file with its debug information if that is separate: in the folders of build ids, or
    /// by the name that the binary gives, beside `beside`.
    ///
    /// The two paths differ for a process whose binary was replaced, or that has another root. Errors call it `name`.
    ///
    /// # Errors
    /// If the binary cannot be read or is no ELF file.
    pub fn open(open: &Path, beside: &Path, name: &Path) -> Result<Self, Error> {
        let mut program = Mapped::open(open)?;
        program.path = name.to_path_buf();
        let separate = if program.has_debug_information() {
            None
        } else {
            separate::find(&program, beside)
        };
        Ok(Self { program, separate })
    }

    /// The file that the debug information is read from.
    pub fn path(&self) -> &Path {
        &self.separate.as_ref().unwrap_or(&self.program).path
    }

    /// Where the section of this name is loaded, relative to the program's bias.
    pub fn section(&self, name: &str) -> Option<Section> {
        let elf = self.program.elf()?;
        let section = elf.section_by_name(name)?;
        Some(Section {
            address: section.address(),
            size: section.size(),
        })
    }

    /// Symbol of tokio's `CONTEXT`, its offset in the program's thread-local block, and that block's size and alignment.
    pub(super) fn tokio_context(&self) -> Option<(&str, u64, (u64, u64))> {
        let names = ["tokio", "runtime", "context", "CONTEXT"];
        let (symbol, offset) = thread_local::symbol(&self.program, &names).or_else(|| {
            let separate = self.separate.as_ref()?;
            thread_local::symbol(separate, &names)
        })?;
        Some((symbol, offset, thread_local::block(&self.program)?))
    }

    pub(super) fn dwarf(&self) -> gimli::Dwarf<Slice<'_>> {
        let file = self.separate.as_ref().unwrap_or(&self.program);
        let elf = file.elf();
        let find = |id: gimli::SectionId| -> Result<Slice<'_>, std::convert::Infallible> {
            let unpacked = file.unpacked.iter().find(|(of, _)| *of == id);
            let bytes = match (unpacked, &elf) {
                (Some((_, bytes)), _) => bytes.as_slice(),
                (None, Some(elf)) => elf
                    .section_by_name(id.name())
                    .and_then(|section| section.data().ok())
                    .unwrap_or(&[]),
                (None, None) => &[],
            };
            Ok(Slice::new(bytes, gimli::LittleEndian))
        };
        match gimli::Dwarf::load(find) {
            Ok(dwarf) => dwarf,
            Err(never) => match never {},
        }
    }
}

/// Bytes of a section.
pub(super) type Slice<'f> = gimli::EndianSlice<'f, gimli::LittleEndian>;

impl Mapped {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let wrong = |because: String| Error::File {
            path: path.to_path_buf(),
            because,
        };
        let map = map(path).map_err(wrong)?;
        let elf = object::File::parse(&*map)
            .map_err(|error| wrong(format!("is no program in ELF format: {error}")))?;
        if !elf.is_little_endian() || !elf.is_64() {
            return Err(wrong(
                "is a program for another kind of processor: 64-bit little-endian ones can be read"
                    .to_owned(),
            ));
        }
        let unpacked =
            unpack(&elf).map_err(|error| wrong(format!("has a damaged section: {error}")))?;
        Ok(Self {
            path: path.to_path_buf(),
            map,
            unpacked,
        })
    }

    pub(super) fn elf(&self) -> Option<object::File<'_>> {
        object::File::parse(&*self.map).ok()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.map
    }

    pub(super) fn has_debug_information(&self) -> bool {
        let name = gimli::SectionId::DebugInfo.name();
        self.elf().is_some_and(|elf| {
            elf.section_by_name(name)
                .is_some_and(|section| section.size() > 0)
        })
    }
}

fn unpack(elf: &object::File<'_>) -> Result<Vec<(gimli::SectionId, Vec<u8>)>, object::Error> {
    let mut unpacked = Vec::new();
    for id in WANTED {
        if let Some(section) = elf.section_by_name(id.name())
            && let Cow::Owned(bytes) = section.uncompressed_data()?
        {
            unpacked.push((id, bytes));
        }
    }
    Ok(unpacked)
}
