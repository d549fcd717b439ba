//! The files of a program: its binary, and those that its debug information is in.

use std::borrow::Cow;
use std::convert::Infallible;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use object::{Object, ObjectSection, SymbolKind};

use super::split::Split;
use super::{separate, thread_local};
use crate::Error;
use crate::mapped::map;

/// A program's files, mapped, with their sections at hand. [`Program`](super::Program) borrows from it.
#[derive(Debug)]
pub struct Files {
    program: Mapped,
    /// The file that has the debug information, if the binary has none of its own.
    separate: Option<Mapped>,
    /// Files that have parts of it.
    split: Split,
}

/// A file, mapped.
#[derive(Debug)]
pub(super) struct Mapped {
    pub(super) path: PathBuf,
    map: Mmap,
    /// Sections that are stored compressed, unpacked.
    unpacked: Vec<(&'static str, Vec<u8>)>,
}

/// A section as it is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section {
    /// Its address as linked.
    pub address: u64,
    /// Its length.
    pub size: u64,
}

/// Those that are read, by either of their names; of others it does not matter whether they are there.
const WANTED: [gimli::SectionId; 8] = [
    gimli::SectionId::DebugInfo,
    gimli::SectionId::DebugAbbrev,
    gimli::SectionId::DebugStr,
    gimli::SectionId::DebugLine,
    gimli::SectionId::DebugLineStr,
    gimli::SectionId::DebugStrOffsets,
    gimli::SectionId::DebugAddr,
    gimli::SectionId::DebugCuIndex,
];

impl Files {
    /// Map the binary that `open` opens, and the file with its debug information if that is separate: in the folders of build ids, or
    /// by the name that the binary gives, beside `beside`. So are the files that parts of it were split off to.
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
            separate::find(&program, beside, name)
        };
        let split = Split::find(separate.as_ref().unwrap_or(&program), beside, name);
        Ok(Self {
            program,
            separate,
            split,
        })
    }

    /// The file that the debug information is read from, or from which it was split off.
    pub fn path(&self) -> &Path {
        &self.debug().path
    }

    /// What was found of the debug information that was split off.
    pub(super) fn split(&self) -> &Split {
        &self.split
    }

    /// That a part of its debug information was split off and is not found, if that is so.
    pub(super) fn lacking(&self) -> Option<Error> {
        let lacking = self.split.lacking.as_ref()?;
        Some(Error::Split {
            path: self.program.path.clone(),
            file: lacking.file.clone(),
            because: lacking.because.clone(),
        })
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
        let (symbol, offset) = self.symbol(SymbolKind::Tls, &names)?;
        Some((symbol, offset, thread_local::block(&self.program)?))
    }

    /// Address, as linked, of the variable in which tokio keeps who waits for signals.
    pub(super) fn tokio_signals(&self) -> Option<u64> {
        let names = ["tokio", "signal", "registry", "globals", "GLOBALS"];
        Some(self.symbol(SymbolKind::Data, &names)?.1)
    }

    fn symbol(&self, kind: SymbolKind, names: &[&str]) -> Option<(&str, u64)> {
        let separate = || thread_local::symbol(self.separate.as_ref()?, kind, names);
        thread_local::symbol(&self.program, kind, names).or_else(separate)
    }

    /// The debug information, without what was split off.
    pub(super) fn dwarf(&self) -> gimli::Dwarf<Slice<'_>> {
        self.debug().dwarf()
    }

    fn debug(&self) -> &Mapped {
        self.separate.as_ref().unwrap_or(&self.program)
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

    /// Its debug information, without what was split off.
    pub(super) fn dwarf(&self) -> gimli::Dwarf<Slice<'_>> {
        let Ok(dwarf) = gimli::Dwarf::load(self.sections::<Infallible>(|id| Some(id.name())));
        dwarf
    }

    /// Its debug information, if it is a file that such was split off to.
    pub(super) fn split_dwarf(&self) -> gimli::Dwarf<Slice<'_>> {
        let Ok(dwarf) = gimli::Dwarf::load(self.sections::<Infallible>(gimli::SectionId::dwo_name));
        dwarf
    }

    /// The package of debug information that it is; `None` for another file.
    pub(super) fn package(&self) -> Option<gimli::DwarfPackage<Slice<'_>>> {
        let none = Slice::new(&[], gimli::LittleEndian);
        gimli::DwarfPackage::load(
            self.sections::<gimli::Error>(gimli::SectionId::dwo_name),
            none,
        )
        .ok()
    }

    /// Finds sections, by the names that they have in a file of this kind; one that is not there is empty.
    fn sections<'m, E>(
        &'m self,
        name: impl Fn(gimli::SectionId) -> Option<&'static str>,
    ) -> impl FnMut(gimli::SectionId) -> Result<Slice<'m>, E> {
        let elf = self.elf();
        move |id| {
            let bytes = name(id).and_then(|name| {
                let unpacked = self.unpacked.iter().find(|(of, _)| *of == name);
                match unpacked {
                    Some((_, bytes)) => Some(bytes.as_slice()),
                    None => elf.as_ref()?.section_by_name(name)?.data().ok(),
                }
            });
            Ok(Slice::new(bytes.unwrap_or(&[]), gimli::LittleEndian))
        }
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

fn unpack(elf: &object::File<'_>) -> Result<Vec<(&'static str, Vec<u8>)>, object::Error> {
    let mut unpacked = Vec::new();
    for name in WANTED
        .map(|id| [Some(id.name()), id.dwo_name()])
        .into_iter()
        .flatten()
        .flatten()
    {
        if let Some(section) = elf.section_by_name(name)
            && let Cow::Owned(bytes) = section.uncompressed_data()?
        {
            unpacked.push((name, bytes));
        }
    }
    Ok(unpacked)
}
