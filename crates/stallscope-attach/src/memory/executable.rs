//! The program's file, where it lies in memory, and whether it is the right one.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::elf::{self, Elf};
use super::{Area, Memory};
use crate::Error;

/// The program's file, and where it lies in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executable {
    /// Opens the very file that runs, also one that was replaced meanwhile or lies in another mount namespace.
    pub open: PathBuf,
    /// Its path as the process sees it, for a person. It may name another file by now, or none.
    pub path: PathBuf,
    /// That path as it is reached from here: files of its debug information lie beside it.
    pub beside: PathBuf,
    /// What was added to the addresses in the file when it was loaded, modulo 2⁶⁴; 0 for a program of fixed addresses.
    pub bias: u64,
}

/// The linker's fingerprint of what is loaded at an address, from its first page in memory.
///
/// `None`: it has none, no image begins there, or the page cannot be read.
pub fn build_id(memory: &dyn Memory, start: u64) -> Option<Vec<u8>> {
    // Linkers put it right behind the program headers.
    let mut page = [0; 4096];
    memory.read(start, &mut page).ok()?;
    Some(Elf::parse(&page)?.build_id()?.to_vec())
}

/// The head of a file: its ELF header, program headers and build id.
///
/// Only of a regular file: a path that the other side chose may name a pipe, which waits for ever to be opened.
pub(crate) fn head(path: &Path) -> Result<Vec<u8>, Error> {
    const HEAD: u64 = 64 * 1024;
    let error = |because: String| Error::File {
        path: path.to_owned(),
        because,
    };
    let metadata = std::fs::metadata(path).map_err(|reason| error(reason.to_string()))?;
    if !metadata.is_file() {
        return Err(error("is no regular file".to_owned()));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(HEAD).read_to_end(&mut bytes))
        .map_err(|reason| error(reason.to_string()))?;
    Ok(bytes)
}

/// What was added to the addresses of a file, from where its first loadable segment is mapped.
///
/// `shown` are the areas that show the file. A program may map itself once more to read its own symbols: its code
/// tells that from the mapping it runs from, so `executable` must hold for the area of the code.
pub(super) fn bias(
    head: Elf<'_>,
    shown: &[&Area],
    executable: impl Fn(&Area) -> bool,
) -> Option<u64> {
    const EXECUTABLE: u32 = 1;
    let loaded = |segment: &elf::Segment| segment.kind == elf::LOAD;
    let first = head.segments().find(loaded)?;
    let code = head
        .segments()
        .find(|segment| loaded(segment) && segment.flags & EXECUTABLE != 0)?;
    shown.iter().find_map(|area| {
        let before = first.offset.checked_sub(area.file_offset)?;
        let at = area.start.checked_add(before).filter(|at| *at < area.end)?;
        let bias = at.wrapping_sub(first.address);
        let entry = code.address.wrapping_add(bias);
        shown
            .iter()
            .any(|area| (area.start..area.end).contains(&entry) && executable(area))
            .then_some(bias)
    })
}

/// A path without the kernel's remark that it names no file any more.
pub(crate) fn without_remark(path: &Path) -> PathBuf {
    match path
        .to_str()
        .and_then(|path| path.strip_suffix(" (deleted)"))
    {
        Some(path) => PathBuf::from(path),
        None => path.to_owned(),
    }
}
