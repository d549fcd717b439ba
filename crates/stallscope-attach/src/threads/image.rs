//! One module as it is loaded: where it lies, and its unwind tables, from its file or from memory.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::Path;

use stallscope_stack::UnwindTables;

use crate::memory::elf::{self, Elf, Segment};
use crate::memory::{Area, Memory};

/// `PT_GNU_EH_FRAME`.
const UNWIND_INDEX: u32 = 0x6474_e550;

/// A binary of some GB has tables of some 100 MB.
const LARGEST_TABLES: u64 = 512 << 20;

/// A module's program headers, what was added to their addresses, and where its bytes are had from.
pub(super) struct Image<'m> {
    segments: Vec<Segment>,
    pub(super) bias: u64,
    pub(super) build_id: Vec<u8>,
    bytes: Bytes<'m>,
}

pub(super) enum Bytes<'m> {
    File(File),
    Memory(&'m dyn Memory),
}

impl<'m> Image<'m> {
    /// With a known bias. `None` if that contradicts the headers.
    pub(super) fn at(bias: u64, head: Elf<'_>, bytes: Bytes<'m>) -> Option<Self> {
        let segments: Vec<Segment> = head.segments().collect();
        // Whatever is asked for below then has an address.
        let fits = |segment: &Segment| {
            let start = bias.checked_add(segment.address)?;
            start.checked_add(segment.memory_size.max(segment.file_size))
        };
        segments
            .iter()
            .filter(|segment| segment.kind == elf::LOAD)
            .all(|segment| fits(segment).is_some())
            .then(|| Self {
                segments,
                bias,
                build_id: head.build_id().unwrap_or_default().to_vec(),
                bytes,
            })
    }

    /// From its lowest to its highest address.
    pub(super) fn range(&self) -> Option<Range<u64>> {
        let start = self.loaded().map(|segment| segment.address).min()?;
        let end = self
            .loaded()
            .map(|segment| segment.address.saturating_add(segment.memory_size))
            .max()?;
        let range = self.bias.checked_add(start)?..self.bias.checked_add(end)?;
        (!range.is_empty()).then_some(range)
    }

    /// `None` if it has none, or of another form than linkers write.
    pub(super) fn tables(&self) -> Option<UnwindTables> {
        let index = self
            .segments
            .iter()
            .find(|segment| segment.kind == UNWIND_INDEX)?;
        let header_at = self.bias.checked_add(index.address)?;
        let header = self.read(index.address, index.memory_size)?;
        let frames_at = UnwindTables::frames_address(&header, header_at)?;
        // The index does not say how long they are: at most to the end of their segment.
        let address = frames_at.checked_sub(self.bias)?;
        let segment = self.loaded_at(address)?;
        let frames = self.read(
            address,
            segment.file_size.checked_sub(address - segment.address)?,
        )?;
        Some(UnwindTables {
            header: header.into(),
            header_at,
            frames: frames.into(),
            frames_at,
        })
    }

    fn loaded(&self) -> impl Iterator<Item = &Segment> {
        self.segments
            .iter()
            .filter(|segment| segment.kind == elf::LOAD)
    }

    fn loaded_at(&self, address: u64) -> Option<&Segment> {
        self.loaded().find(|segment| {
            address
                .checked_sub(segment.address)
                .is_some_and(|from| from < segment.file_size)
        })
    }

    /// The bytes at an address as linked, all of it from the file part of one segment.
    fn read(&self, address: u64, length: u64) -> Option<Vec<u8>> {
        let segment = self.loaded_at(address)?;
        let from = address - segment.address;
        if length > LARGEST_TABLES || length > segment.file_size - from {
            return None;
        }
        let length_here = usize::try_from(length).ok()?;
        match &self.bytes {
            Bytes::File(file) => {
                let mut file = file;
                file.seek(SeekFrom::Start(segment.offset.checked_add(from)?))
                    .ok()?;
                // Grows with what is there: a header may claim more than there is.
                let mut bytes = Vec::new();
                file.take(length).read_to_end(&mut bytes).ok()?;
                (bytes.len() == length_here).then_some(bytes)
            }
            Bytes::Memory(memory) => {
                let mut bytes = vec![0; length_here];
                memory
                    .read(self.bias.checked_add(address)?, &mut bytes)
                    .ok()?;
                Some(bytes)
            }
        }
    }
}

/// Opens a file that is known to be a regular one.
pub(super) fn open<'m>(path: &Path) -> Option<Bytes<'m>> {
    File::open(path).ok().map(Bytes::File)
}

/// What was added to the addresses of a file, of which `areas` show parts: each of its segments is where it should be.
///
/// A program may map a whole file once more to read its own symbols. That is one area; what is loaded is several.
pub(super) fn bias(head: Elf<'_>, areas: &[&Area]) -> Option<u64> {
    let loaded: Vec<Segment> = head
        .segments()
        .filter(|segment| segment.kind == elf::LOAD && segment.file_size > 0)
        .collect();
    let first = loaded.first()?;
    let shows = |bias: u64, segment: &Segment| {
        let at = bias.checked_add(segment.address)?;
        let index = areas
            .iter()
            .position(|area| (area.start..area.end).contains(&at))?;
        let offset = areas
            .get(index)
            .map(|area| area.file_offset.saturating_add(at - area.start))?;
        (offset == segment.offset).then_some(index)
    };
    areas.iter().find_map(|area| {
        let at = area
            .start
            .checked_add(first.offset.checked_sub(area.file_offset)?)?;
        let bias = at.checked_sub(first.address)?;
        let mut found_in = loaded.iter().map(|segment| shows(bias, segment));
        let lowest = found_in.next()??;
        let mut is_several = loaded.len() == 1;
        for index in found_in {
            is_several |= index? != lowest;
        }
        is_several.then_some(bias)
    })
}
