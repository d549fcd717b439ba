//! Functions of another process's program whose debug information the compiler has split off, into a package (`.dwp`) or many files (`.dwo`).
//!
//! Of the own program they are left out: its package may be rewritten while it runs, and to read that would end the program.

#![allow(unsafe_code)] // Parsers that borrow from the bytes they are kept with.

use std::cell::{OnceCell, RefCell};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use addr2line::SplitDwarfLoad;
use addr2line::gimli::{self, Dwarf, DwarfPackage, DwoId, SectionId};
use object::Endianness;
use object::read::elf::ElfFile64;

use super::object_file::{FileBytes, Slice, section};
use crate::unwind::{Module, Source};

/// Finds it, unit by unit. What it hands out borrows from it: it has to live longer.
#[derive(Default)]
pub(super) struct Split {
    /// The paths of the program. None: nothing is looked for.
    programs: Vec<PathBuf>,
    package: OnceCell<Option<DwarfPackage<Slice>>>,
    /// What everything borrows from.
    opened: RefCell<Vec<FileBytes>>,
}

impl Split {
    /// Opens nothing yet.
    pub(super) fn of(module: &Module) -> Self {
        let programs = match &module.source {
            Source::OtherProgram(file) => vec![file.clone(), module.path.clone()],
            _ => Vec::new(),
        };
        Self {
            programs,
            ..Self::default()
        }
    }

    /// The unit that is asked for, if it is found and is the one that belongs to the program.
    pub(super) fn load(&self, load: &SplitDwarfLoad<Slice>) -> Option<Arc<Dwarf<Slice>>> {
        let package = self.package.get_or_init(|| {
            self.programs.iter().find_map(|program| {
                let mut path = program.clone().into_os_string();
                path.push(".dwp");
                self.package(Path::new(&path))
            })
        });
        let packed = package
            .as_ref()
            .and_then(|package| package.find_cu(load.dwo_id, &load.parent).ok()?);
        let found = packed.or_else(|| {
            let name = Path::new(OsStr::from_bytes(load.path?.slice()));
            let folder = load.comp_dir.map_or(&b""[..], |folder| folder.slice());
            let written = Path::new(OsStr::from_bytes(folder)).join(name);
            let beside = self.programs.iter().filter_map(|program| {
                let folder = program.parent()?;
                Some(folder.join(name.file_name()?))
            });
            let mut paths = self
                .programs
                .first()
                .map(|_| written)
                .into_iter()
                .chain(beside);
            paths.find_map(|path| self.file(&path, load))
        })?;
        has(&found, load.dwo_id).then(|| Arc::new(found))
    }

    fn package(&self, path: &Path) -> Option<DwarfPackage<Slice>> {
        let elf = self.open(path)?;
        let none = Slice::new(&[], gimli::LittleEndian);
        DwarfPackage::load(
            |id: SectionId| Ok::<_, gimli::Error>(section(&elf, id.dwo_name())),
            none,
        )
        .ok()
    }

    fn file(&self, path: &Path, load: &SplitDwarfLoad<Slice>) -> Option<Dwarf<Slice>> {
        let elf = self.open(path)?;
        let mut dwarf =
            Dwarf::load(|id: SectionId| Ok::<_, gimli::Error>(section(&elf, id.dwo_name())))
                .ok()?;
        dwarf.make_dwo(&load.parent);
        has(&dwarf, load.dwo_id).then_some(dwarf)
    }

    fn open(&self, path: &Path) -> Option<ElfFile64<'static, Endianness>> {
        let bytes = FileBytes::of_other(path)?;
        // SAFETY: `opened` keeps it until `self` is dropped, and `ObjectFile` drops what was handed out before.
        let elf = ElfFile64::parse(unsafe { bytes.for_ever() }).ok()?;
        self.opened.borrow_mut().push(bytes);
        Some(elf)
    }
}

/// Whether its first unit, the one that is read, has this number.
fn has(dwarf: &Dwarf<Slice>, id: DwoId) -> bool {
    let first = dwarf.units().next().ok().flatten();
    let unit = first.and_then(|header| dwarf.unit(header).ok());
    unit.is_some_and(|unit| unit.dwo_id == Some(id))
}
