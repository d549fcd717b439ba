//! The files that a process had mapped, for the bytes that its core file leaves out.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use memmap2::Mmap;

use super::super::{Area, executable};
use super::notes::{MappedFile, Notes};
use crate::mapped::map;

/// The smallest there is.
const PAGE: usize = 4096;

/// Mapped files, and where. Each is opened when something of it is asked for.
#[derive(Debug)]
pub(super) struct Files {
    /// In order of address, each with the index of its file.
    mapped: Vec<(MappedFile, usize)>,
    files: Vec<Source>,
}

#[derive(Debug)]
struct Source {
    path: PathBuf,
    /// `None`: it is not there, or another build by now.
    bytes: OnceLock<Option<Mmap>>,
}

impl Files {
    pub(super) fn of(notes: &Notes) -> Self {
        let mut indexes = HashMap::new();
        let mut files = Vec::new();
        let mapped = notes
            .files
            .iter()
            .map(|file| {
                let index = *indexes.entry(&file.path).or_insert_with(|| {
                    files.push(Source {
                        path: executable::without_remark(Path::new(&file.path)),
                        bytes: OnceLock::new(),
                    });
                    files.len() - 1
                });
                (file.clone(), index)
            })
            .collect();
        Self { mapped, files }
    }

    /// From now on this one is read from another path.
    pub(super) fn replace(&mut self, index: usize, path: &Path) {
        if let Some(source) = self.files.get_mut(index) {
            *source = Source {
                path: path.to_owned(),
                bytes: OnceLock::new(),
            };
        }
    }

    pub(super) fn path(&self, index: usize) -> &Path {
        self.files
            .get(index)
            .map_or(Path::new(""), |source| &source.path)
    }

    /// The file mapped at an address.
    pub(super) fn index_at(&self, address: u64) -> Option<usize> {
        self.at(address).map(|(_, index)| *index)
    }

    /// The file mapped lowest: mostly the program.
    pub(super) fn first(&self) -> Option<usize> {
        self.mapped.first().map(|(_, index)| *index)
    }

    /// Where a file was mapped.
    pub(super) fn areas_of(&self, index: usize) -> impl Iterator<Item = Area> {
        self.mapped
            .iter()
            .filter(move |(_, of)| *of == index)
            .map(|(file, _)| area(file))
    }

    /// Where files were mapped, in order of address.
    pub(super) fn areas(&self) -> impl Iterator<Item = Area> {
        self.mapped.iter().map(|(file, _)| area(file))
    }

    /// What was mapped at an address.
    pub(super) fn area_at(&self, address: u64) -> Option<Area> {
        self.at(address).map(|(file, _)| area(file))
    }

    /// Copies the file's bytes from an address on, and says how many. `is_same` tells from the file's bytes whether
    /// it is the one that was mapped.
    pub(super) fn read(
        &self,
        address: u64,
        into: &mut [u8],
        is_same: impl Fn(usize, &[u8]) -> bool,
    ) -> usize {
        let mut copied = || {
            let (file, index) = self.at(address)?;
            let source = self.files.get(*index)?;
            let bytes = source
                .bytes
                .get_or_init(|| {
                    map(&source.path)
                        .ok()
                        .filter(|bytes| is_same(*index, bytes))
                })
                .as_ref()?;
            let offset = usize::try_from(file.offset.checked_add(address - file.start)?).ok()?;
            // A page that begins in the file is there as a whole; behind the file's end it is zero.
            let end = bytes.len().checked_next_multiple_of(PAGE)?;
            let left = usize::try_from(file.end - address).unwrap_or(usize::MAX);
            let length = into.len().min(left).min(end.checked_sub(offset)?);
            let into = into.get_mut(..length)?;
            let in_file = bytes.get(offset.min(bytes.len())..).unwrap_or_default();
            let in_file = in_file.get(..length).unwrap_or(in_file);
            let (copied, behind) = into.split_at_mut_checked(in_file.len())?;
            copied.copy_from_slice(in_file);
            behind.fill(0);
            Some(length)
        };
        copied().unwrap_or(0)
    }

    fn at(&self, address: u64) -> Option<&(MappedFile, usize)> {
        let behind = self
            .mapped
            .partition_point(|(file, _)| file.start <= address);
        self.mapped
            .get(behind.checked_sub(1)?)
            .filter(|(file, _)| address < file.end)
    }
}

fn area(file: &MappedFile) -> Area {
    Area {
        start: file.start,
        end: file.end,
        writable: false,
        file_offset: file.offset,
        name: file.path.clone(),
    }
}
