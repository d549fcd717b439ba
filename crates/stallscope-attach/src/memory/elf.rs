//! The head of an ELF image: its segments and notes, from any bytes at all.
//!
//! Images lie in files, in core files and in the memory of a process, where nothing is aligned and anything may be
//! wrong: words are taken from bytes, one by one, and what is not there is `None`.

/// A loadable segment.
pub(crate) const LOAD: u32 = 1;
/// A segment of notes.
pub(crate) const NOTES: u32 = 4;

/// `e_machine` of x86-64.
pub(crate) const X86_64: u16 = 62;
/// `e_machine` of aarch64.
pub(crate) const AARCH64: u16 = 183;

/// `e_type` of a core file.
pub(crate) const CORE: u16 = 4;

const HEADER: u64 = 64;
const SEGMENT: u64 = 56;
/// `e_phnum` when there are more segments than it can say; the number is then in the first section header.
const MANY: u16 = 0xffff;

/// A 64-bit little-endian image.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Elf<'d> {
    bytes: &'d [u8],
    pub(crate) kind: u16,
    pub(crate) machine: u16,
    table: u64,
    count: u64,
}

/// A program header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) kind: u32,
    pub(crate) flags: u32,
    pub(crate) offset: u64,
    pub(crate) address: u64,
    pub(crate) file_size: u64,
    pub(crate) memory_size: u64,
    pub(crate) align: u64,
}

/// A note: whose, what, and its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Note<'d> {
    pub(crate) owner: &'d [u8],
    pub(crate) kind: u32,
    pub(crate) bytes: &'d [u8],
}

impl<'d> Elf<'d> {
    /// `None` unless these bytes begin with the header of a 64-bit little-endian image.
    pub(crate) fn parse(bytes: &'d [u8]) -> Option<Self> {
        // Magic number, 64 bit, little-endian, version 1.
        if bytes.get(..7)? != b"\x7fELF\x02\x01\x01" || word16(bytes, 54)? != SEGMENT as u16 {
            return None;
        }
        let count = match word16(bytes, 56)? {
            // `sh_info` of the first section header.
            MANY => u64::from(word32(bytes, word64(bytes, 40)?.checked_add(44)?)?),
            count => u64::from(count),
        };
        (bytes.len() as u64 >= HEADER).then_some(())?;
        Some(Self {
            bytes,
            kind: word16(bytes, 16)?,
            machine: word16(bytes, 18)?,
            table: word64(bytes, 32)?,
            count,
        })
    }

    /// Its program headers, as many as these bytes hold.
    pub(crate) fn segments(self) -> impl Iterator<Item = Segment> + 'd {
        (0..self.count).map_while(move |index| {
            let at = self.table.checked_add(index.checked_mul(SEGMENT)?)?;
            let head = slice(self.bytes, at, SEGMENT)?;
            Some(Segment {
                kind: word32(head, 0)?,
                flags: word32(head, 4)?,
                offset: word64(head, 8)?,
                address: word64(head, 16)?,
                file_size: word64(head, 32)?,
                memory_size: word64(head, 40)?,
                align: word64(head, 48)?,
            })
        })
    }

    /// The linker's fingerprint, if it is within these bytes, found by offset in the file.
    ///
    /// In memory the first segment begins with this header and shows the file as it is, so the same offsets hold there.
    pub(crate) fn build_id(self) -> Option<&'d [u8]> {
        const BUILD_ID: u32 = 3;
        self.segments()
            .filter(|segment| segment.kind == NOTES)
            .filter_map(|segment| {
                let bytes = slice(self.bytes, segment.offset, segment.file_size)?;
                notes(bytes, segment.align)
                    .find(|note| note.owner == b"GNU" && note.kind == BUILD_ID)
            })
            .map(|note| note.bytes)
            .find(|id| !id.is_empty())
    }
}

/// The notes in a segment, up to the first that is not whole.
pub(crate) fn notes(mut bytes: &[u8], align: u64) -> impl Iterator<Item = Note<'_>> {
    const HEAD: u64 = 12;
    let align = if align == 8 { 8 } else { 4 };
    std::iter::from_fn(move || {
        let (owner, length) = (word32(bytes, 0)?.into(), word32(bytes, 4)?.into());
        let kind = word32(bytes, 8)?;
        let name = slice(bytes, HEAD, owner)?;
        let body = (HEAD + owner).next_multiple_of(align);
        let description = slice(bytes, body, length)?;
        let end = usize::try_from((body + length).next_multiple_of(align)).ok()?;
        bytes = bytes.get(end..).unwrap_or_default();
        Some(Note {
            owner: name.strip_suffix(b"\0").unwrap_or(name),
            kind,
            bytes: description,
        })
    })
}

/// `length` bytes at `at`.
pub(crate) fn slice(bytes: &[u8], at: u64, length: u64) -> Option<&[u8]> {
    let start = usize::try_from(at).ok()?;
    let end = usize::try_from(at.checked_add(length)?).ok()?;
    bytes.get(start..end)
}

pub(crate) fn word16(bytes: &[u8], at: u64) -> Option<u16> {
    Some(u16::from_le_bytes(slice(bytes, at, 2)?.try_into().ok()?))
}

pub(crate) fn word32(bytes: &[u8], at: u64) -> Option<u32> {
    Some(u32::from_le_bytes(slice(bytes, at, 4)?.try_into().ok()?))
}

pub(crate) fn word64(bytes: &[u8], at: u64) -> Option<u64> {
    Some(u64::from_le_bytes(slice(bytes, at, 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn own() -> Vec<u8> {
        std::fs::read(std::env::current_exe().expect("own path")).expect("own file")
    }

    #[test]
    fn this_test_has_code_and_a_build_id_where_the_linker_gives_one() {
        let bytes = own();
        let elf = Elf::parse(&bytes).expect("an ELF file");
        assert!(
            elf.segments()
                .any(|segment| segment.kind == LOAD && segment.flags & 1 != 0)
        );
        let id = elf.build_id().expect("the linker's default");
        assert!(id.len() >= 8, "{id:?}");
    }

    #[test]
    fn notes_are_told_apart_whatever_their_padding() {
        for align in [4, 8] {
            let mut bytes = Vec::new();
            for (kind, description) in [(1_u32, &b"abc"[..]), (3, &b"\x12\x34\x56\x78\x9a"[..])] {
                bytes.extend(4_u32.to_le_bytes());
                bytes.extend((description.len() as u32).to_le_bytes());
                bytes.extend(kind.to_le_bytes());
                bytes.extend(b"GNU\0");
                bytes.extend(description);
                bytes.resize(bytes.len().next_multiple_of(align), 0);
            }
            let found: Vec<_> = notes(&bytes, align as u64)
                .map(|note| (note.kind, note.bytes))
                .collect();
            assert_eq!(found, [(1, &b"abc"[..]), (3, &b"\x12\x34\x56\x78\x9a"[..])]);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..400), align: u64) {
            let _ = notes(&bytes, align).count();
            if let Some(start) = bytes.get_mut(..7) {
                start.copy_from_slice(b"\x7fELF\x02\x01\x01");
            }
            if let Some(size) = bytes.get_mut(54..56) {
                size.copy_from_slice(&(SEGMENT as u16).to_le_bytes());
            }
            if let Some(elf) = Elf::parse(&bytes) {
                let _ = (elf.segments().count(), elf.build_id());
            }
        }

        #[test]
        fn no_change_of_a_true_header_makes_it_panic(at in 0..1024_usize, value: u8) {
            thread_local! { static OWN: Vec<u8> = own(); }
            OWN.with(|own| {
                let mut bytes = own.get(..64 * 1024).unwrap_or(own).to_vec();
                bytes[at] = value;
                if let Some(elf) = Elf::parse(&bytes) {
                    let _ = (elf.segments().count(), elf.build_id());
                }
            });
        }
    }
}
