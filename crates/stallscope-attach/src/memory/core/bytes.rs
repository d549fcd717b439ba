//! The bytes of a core file: mapped, or in memory already.

use std::ops::Deref;

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
