//! A core file: what was in the memory of a process when it ended or was copied, and the files for what is not in it.

mod bytes;
mod files;
mod notes;
mod write;

use std::path::{Path, PathBuf};

use super::elf::{self, Elf, Segment};
use super::{Area, Executable, Memory, Thread, Unreadable, VDSO, executable};
use crate::Error;
use crate::mapped::map;
use bytes::Bytes;
use files::Files;
use notes::Notes;

/// A core file of Linux on x86-64 or aarch64, as the kernel and debuggers write them.
///
/// The kernel leaves out what can be read in the program's files: that is read from them, wherever they are the same
/// as then by their build id.
#[derive(Debug)]
pub struct Core {
    bytes: Bytes,
    /// In order of address.
    segments: Vec<Segment>,
    files: Files,
    notes: Notes,
}

/// A program has at most 65 530 mappings unless its machine is configured otherwise.
const MOST_SEGMENTS: usize = 1 << 18;

const WRITABLE: u32 = 2;
const EXECUTABLE: u32 = 1;

impl Core {
    /// Opens a core file. `program` is the file of its program, where that is not any more, or not here, at the path it had.
    ///
    /// # Errors
    /// If the file cannot be read or is no core file, or `program` is another build than the one it is of.
    pub fn open(path: &Path, program: Option<&Path>) -> Result<Self, Error> {
        let bytes = map(path).map_err(|because| Error::File {
            path: path.to_owned(),
            because,
        })?;
        Self::of(Bytes::Mapped(bytes), path, program)
    }

    /// The same of bytes that lie in memory already.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_bytes(bytes: Vec<u8>, program: Option<&Path>) -> Result<Self, Error> {
        Self::of(Bytes::Owned(bytes), Path::new("the core file"), program)
    }

    fn of(bytes: Bytes, path: &Path, program: Option<&Path>) -> Result<Self, Error> {
        let wrong = |because: &str| Error::File {
            path: path.to_owned(),
            because: because.to_owned(),
        };
        let elf = Elf::parse(&bytes)
            .filter(|elf| elf.kind == elf::CORE)
            .ok_or_else(|| wrong("is no core file of a 64-bit program"))?;
        let notes = Notes::read(elf, &bytes).ok_or_else(|| {
            wrong("is of another kind of processor: those of x86-64 and aarch64 can be read")
        })?;
        let mut segments: Vec<Segment> = elf
            .segments()
            .filter(|segment| segment.kind == elf::LOAD && segment.memory_size != 0)
            .filter(|segment| segment.address.checked_add(segment.memory_size).is_some())
            .take(MOST_SEGMENTS)
            .collect();
        segments.sort_by_key(|segment| segment.address);
        let files = Files::of(&notes);
        let mut core = Self {
            bytes,
            segments,
            files,
            notes,
        };
        if let Some(program) = program {
            core.use_program(program)?;
        }
        Ok(core)
    }

    /// The program's file, and where it lay in memory.
    ///
    /// # Errors
    /// If the core file does not tell it, the file is not there, or it is another build by now.
    pub fn executable(&self) -> Result<Executable, Error> {
        let index = self.program().ok_or_else(|| Error::File {
            path: PathBuf::from("the core file"),
            because: "does not say which program it is of: name its file".to_owned(),
        })?;
        let path = self.files.path(index).to_owned();
        let wrong = |because: &str| Error::File {
            path: path.clone(),
            because: because.to_owned(),
        };
        let head = executable::head(&path)?;
        let elf = Elf::parse(&head)
            .ok_or_else(|| wrong("is no 64-bit ELF file, the only kind that can be read"))?;
        if self.is_other_build(index, elf) {
            return Err(wrong(
                "is another build than the one the core file is of: name the file of that one",
            ));
        }
        let shown: Vec<Area> = self.files.areas_of(index).collect();
        let shown: Vec<&Area> = shown.iter().collect();
        let bias = executable::bias(elf, &shown, |area| {
            self.segment_at(area.start)
                .is_none_or(|segment| segment.flags & EXECUTABLE != 0)
        });
        Ok(Executable {
            open: path.clone(),
            beside: path.clone(),
            bias: bias.ok_or_else(|| wrong("was not mapped as its program headers say"))?,
            path,
        })
    }

    /// The number the process had. `None`: the core file does not tell it.
    pub fn pid(&self) -> Option<u32> {
        self.notes.pid
    }

    fn use_program(&mut self, program: &Path) -> Result<(), Error> {
        let index = self.program();
        let head = executable::head(program)?;
        let wrong = |because: &str| Error::File {
            path: program.to_owned(),
            because: because.to_owned(),
        };
        let elf = Elf::parse(&head)
            .ok_or_else(|| wrong("is no 64-bit ELF file, the only kind that can be read"))?;
        let index = index.ok_or_else(|| {
            wrong("cannot be related to the core file, which does not say where its program lay")
        })?;
        if self.is_other_build(index, elf) {
            return Err(wrong("is another build than the one the core file is of"));
        }
        self.files.replace(index, program);
        Ok(())
    }

    /// Which of the files is the program: the one its program headers were in.
    fn program(&self) -> Option<usize> {
        self.notes
            .program_headers
            .and_then(|at| self.files.index_at(at))
            .or_else(|| self.files.first())
    }

    /// Whether both build ids are known and differ.
    fn is_other_build(&self, file: usize, elf: Elf<'_>) -> bool {
        let then = self.build_id_then(file).filter(|then| !then.is_empty());
        then.zip(elf.build_id())
            .is_some_and(|(then, now)| then != now)
    }

    /// The build id that a file had, empty if it had none. `None`: its head is not in the core file.
    fn build_id_then(&self, file: usize) -> Option<Vec<u8>> {
        let mut page = [0; 4096];
        let start = self
            .files
            .areas_of(file)
            .find(|area| area.file_offset == 0)?;
        (self.read_dumped(start.start, &mut page) == page.len()).then_some(())?;
        let id = Elf::parse(&page)?.build_id().unwrap_or_default();
        Some(id.to_vec())
    }

    /// Whether a file can stand for what was mapped of it. The program was checked when it was opened, and the user may have named
    /// its file; whose head the core file does not have cannot be checked, and a library of another build would name wrong functions.
    fn is_same_file(&self, index: usize, bytes: &[u8]) -> bool {
        let Some(elf) = Elf::parse(bytes) else {
            return true;
        };
        if self.program() == Some(index) {
            return !self.is_other_build(index, elf);
        }
        self.build_id_then(index)
            .is_some_and(|then| then == elf.build_id().unwrap_or_default())
    }

    fn area_of(&self, segment: &Segment) -> Area {
        let start = segment.address;
        let file = self.files.area_at(start);
        let is_vdso = self.notes.vdso == Some(start);
        let no_file = || (0, if is_vdso { VDSO } else { "" }.to_owned());
        let (file_offset, name) = file.map_or_else(no_file, |file| {
            let offset = file.file_offset.saturating_add(start - file.start);
            (offset, file.name)
        });
        Area {
            start,
            end: start + segment.memory_size,
            writable: segment.flags & WRITABLE != 0,
            file_offset,
            name,
        }
    }

    /// The first segment that begins behind an address.
    fn segment_behind(&self, address: u64) -> Option<&Segment> {
        self.segments.get(
            self.segments
                .partition_point(|segment| segment.address <= address),
        )
    }

    fn segment_at(&self, address: u64) -> Option<&Segment> {
        let behind = self
            .segments
            .partition_point(|segment| segment.address <= address);
        self.segments
            .get(behind.checked_sub(1)?)
            .filter(|segment| address - segment.address < segment.memory_size)
    }

    /// Copies what the core file itself has from an address on, and says how much that is.
    fn read_dumped(&self, address: u64, into: &mut [u8]) -> usize {
        let mut copied = || {
            let segment = self.segment_at(address)?;
            let from = address - segment.address;
            let left = segment
                .file_size
                .min(segment.memory_size)
                .checked_sub(from)?;
            let start = usize::try_from(segment.offset.checked_add(from)?).ok()?;
            // A core file is cut off where the disk or a limit ended.
            let rest = self.bytes.get(start..)?;
            let length = into
                .len()
                .min(rest.len())
                .min(usize::try_from(left).unwrap_or(usize::MAX));
            into.get_mut(..length)?.copy_from_slice(rest.get(..length)?);
            Some(length)
        };
        copied().unwrap_or(0)
    }

    /// The same from the files it showed.
    fn read_file(&self, address: u64, into: &mut [u8]) -> usize {
        // What the core file itself has goes before.
        let next = self
            .segment_behind(address)
            .filter(|next| next.file_size != 0);
        let most = next.map_or(u64::MAX, |next| next.address - address);
        let length = into.len().min(usize::try_from(most).unwrap_or(usize::MAX));
        let is_same = |index: usize, bytes: &[u8]| self.is_same_file(index, bytes);
        into.get_mut(..length)
            .map_or(0, |into| self.files.read(address, into, is_same))
    }
}

impl Memory for Core {
    fn read(&self, address: u64, into: &mut [u8]) -> Result<(), Unreadable> {
        let mut done = 0;
        while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let at = address
                .checked_add(done as u64)
                .ok_or(Unreadable(u64::MAX))?;
            let copied = match self.read_dumped(at, rest) {
                0 => self.read_file(at, rest),
                copied => copied,
            };
            if copied == 0 {
                return Err(Unreadable(at));
            }
            done += copied;
        }
        Ok(())
    }

    /// What was mapped, whether or not its bytes are there. Debuggers leave out files that were mapped to be read only.
    fn areas(&self) -> Vec<Area> {
        let left_out = self.files.areas().filter_map(|area| {
            let next = self.segment_behind(area.start);
            let end = next.map_or(area.end, |next| area.end.min(next.address));
            self.segment_at(area.start)
                .is_none()
                .then_some(Area { end, ..area })
        });
        let mut areas: Vec<_> = self
            .segments
            .iter()
            .map(|segment| self.area_of(segment))
            .chain(left_out)
            .collect();
        areas.sort_by_key(|area| area.start);
        areas
    }

    fn threads(&self) -> Vec<Thread> {
        self.notes.threads.clone()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
