//! The bytes of a file that is too large to be read: mapped into memory.

#![allow(unsafe_code)] // Mapping a file.

use std::fs::File;
use std::ops::Deref;
use std::path::Path;

use memmap2::Mmap;

/// The file's bytes, wherever they lie.
#[derive(Debug)]
pub(super) enum Bytes {
    Mapped(Mmap),
    Owned(Vec<u8>),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}

/// Maps a regular file: others may wait for ever to be opened, and their names come from outside.
pub(super) fn map(path: &Path) -> Result<Mmap, String> {
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("is no regular file".to_owned());
    }
    let file = File::open(path).map_err(|error| format!("cannot be opened: {error}"))?;
    // SAFETY: nothing of ours writes the file. Should another program write it meanwhile, we see other bytes, all of which
    // are copied out before anything is concluded from them and none of which is trusted. Should one cut it off, reading
    // ends this program with SIGBUS, which core files and installed programs, that are replaced and not rewritten, make rare.
    unsafe { Mmap::map(&file) }.map_err(|error| format!("cannot be mapped: {error}"))
}
