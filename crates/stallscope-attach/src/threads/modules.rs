//! The modules of the process: its program, its libraries, the kernel's page of code, with where each lies.
//!
//! Their tables are read from the files, as seen from here, if these are still what is loaded. From memory they would be
//! as right, but a page that is not there would have to come from the disk while the process's memory map is locked.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use stallscope_stack::{ForeignModule, ImageSource};

use super::image::{self, Bytes, Image};
use crate::memory::elf::Elf;
use crate::memory::{Area, Executable, Memory, VDSO, build_id, executable};

/// More are not loaded: a large desktop program has some hundred.
const MOST_MODULES: usize = 4096;

/// The vDSO is a few pages.
const LARGEST_VDSO: u64 = 1 << 20;

/// The program of the process, and how its files are reached from here.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    executable: Executable,
    /// The file with its debug information.
    symbols: PathBuf,
    /// The root of its paths.
    root: PathBuf,
}

impl Program {
    /// `symbols` is the file with its debug information as seen from here, or the program's own path if it has them itself; `root` is
    /// what its paths begin at, as seen from here.
    pub(crate) fn new(executable: Executable, symbols: &Path, root: PathBuf) -> Self {
        let symbols = if symbols == executable.path {
            lasting(&executable).to_owned()
        } else {
            symbols.to_owned()
        };
        Self {
            executable,
            symbols,
            root,
        }
    }

    /// As the process sees it.
    pub(super) fn path(&self) -> &Path {
        &self.executable.path
    }
}

/// The path of the very file that runs. Its own one where that leads to it, which is there when the process has ended and has its
/// neighbours beside it; it may have been replaced there, or be gone, or lie in another mount namespace.
fn lasting(executable: &Executable) -> &Path {
    let Executable {
        open, path, beside, ..
    } = executable;
    let file = |path: &Path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.dev(), metadata.ino()))
    };
    let Some(runs) = file(open) else {
        return open;
    };
    let leads_to_it = |path: &&PathBuf| file(path) == Some(runs);
    [path, beside].into_iter().find(leads_to_it).unwrap_or(open)
}

/// The areas a module can be found in.
pub(super) fn with_files(areas: &[Area]) -> impl Iterator<Item = &Area> {
    areas.iter().filter(|area| {
        // Reading what is mapped of a device can have effects.
        let is_file = area.name.starts_with('/') && !area.name.starts_with("/dev/");
        is_file || area.name == VDSO
    })
}

/// All modules; those of `known` that are the same are taken over.
pub(super) fn list(
    memory: &dyn Memory,
    areas: &[Area],
    program: &Program,
    known: &[ForeignModule],
) -> Vec<ForeignModule> {
    let mut groups: BTreeMap<&str, Vec<&Area>> = BTreeMap::new();
    for area in areas {
        groups.entry(&area.name).or_default().push(area);
    }
    let mut modules: Vec<ForeignModule> = of_program(program, known).into_iter().collect();
    let own = modules.first().map(ForeignModule::range);
    let is_own = |area: &Area| own.as_ref().is_some_and(|own| own.contains(&area.start));
    for (name, areas) in groups {
        if modules.len() >= MOST_MODULES {
            break;
        }
        if areas.iter().any(|area| is_own(area)) {
            continue;
        }
        modules.extend(match name {
            VDSO => of_vdso(memory, &areas),
            // What is loaded is mapped part by part.
            _ if areas.len() > 1 => of_library(memory, name, &areas, program, known),
            _ => None,
        });
    }
    modules
}

fn of_program(program: &Program, known: &[ForeignModule]) -> Option<ForeignModule> {
    let Executable {
        open, path, bias, ..
    } = &program.executable;
    let head = executable::head(open).ok()?;
    let image = Image::at(*bias, Elf::parse(&head)?, image::open(open)?)?;
    let source = ImageSource::Program(program.symbols.clone());
    module(path.clone(), source, &image, known)
}

fn of_library(
    memory: &dyn Memory,
    name: &str,
    areas: &[&Area],
    program: &Program,
    known: &[ForeignModule],
) -> Option<ForeignModule> {
    let path = executable::without_remark(Path::new(name));
    let file = program.root.join(path.strip_prefix("/").unwrap_or(&path));
    if let Some(image) = in_file(memory, &file, areas) {
        return module(path, ImageSource::Library(Some(file)), &image, known);
    }
    // It was replaced on the disk, as an upgrade of the system does under a running program. A core file may have nothing of its code:
    // without tables a walk would go on by what only looks like a frame pointer.
    let image = in_memory(memory, areas).filter(|image| image.tables().is_some())?;
    module(path, ImageSource::Library(None), &image, known)
}

fn in_file(memory: &dyn Memory, file: &Path, areas: &[&Area]) -> Option<Image<'static>> {
    let head = executable::head(file).ok()?;
    let elf = Elf::parse(&head)?;
    let image = Image::at(image::bias(elf, areas)?, elf, image::open(file)?)?;
    let loaded = build_id(memory, image.range()?.start).unwrap_or_default();
    (loaded == image.build_id).then_some(image)
}

fn in_memory<'m>(memory: &'m dyn Memory, areas: &[&Area]) -> Option<Image<'m>> {
    areas
        .iter()
        .filter(|area| area.file_offset == 0)
        .find_map(|area| {
            let mut page = [0; 4096];
            memory.read(area.start, &mut page).ok()?;
            let elf = Elf::parse(&page)?;
            Image::at(image::bias(elf, areas)?, elf, Bytes::Memory(memory))
        })
}

fn of_vdso(memory: &dyn Memory, areas: &[&Area]) -> Option<ForeignModule> {
    let area = areas.first()?;
    let length = area.end.checked_sub(area.start)?;
    let mut bytes = vec![0; usize::try_from(length.min(LARGEST_VDSO)).ok()?];
    memory.read(area.start, &mut bytes).ok()?;
    let elf = Elf::parse(&bytes)?;
    let first = elf
        .segments()
        .find(|segment| segment.kind == crate::memory::elf::LOAD)?;
    let bias = area.start.checked_sub(first.address)?;
    let image = Image::at(bias, elf, Bytes::Memory(memory))?;
    let source = ImageSource::Bytes(bytes.clone());
    module(VDSO.into(), source, &image, &[])
}

fn module(
    path: PathBuf,
    source: ImageSource,
    image: &Image<'_>,
    known: &[ForeignModule],
) -> Option<ForeignModule> {
    let range = image.range()?;
    let same = known.iter().find(|known| {
        known.range() == range && known.path() == path && known.build_id() == image.build_id
    });
    Some(same.cloned().unwrap_or_else(|| {
        ForeignModule::new(
            path,
            source,
            image.build_id.clone(),
            image.bias,
            range,
            image.tables(),
        )
    }))
}
