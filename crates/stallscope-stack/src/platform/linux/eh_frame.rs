//! The index of a module's unwind tables (`.eh_frame_hdr`): where the tables lie, and where functions begin.

use super::modules::Tables;

/// The header this reads is the one every linker writes; others give `None`.
///
/// ```text
/// 0: version 1   1: encoding of the table's address (signed 32 bits from here)   2: of the count (unsigned 32 bits)
/// 3: of the entries (signed 32 bits from the header)   4: address   8: count   12: (function, entry) …, sorted
/// ```
const EXPECTED: [u8; 4] = [1, 0x1b, 0x03, 0x3b];
const ENTRIES: usize = 12;
const ENTRY: usize = 8;

/// The address of `.eh_frame`, from the header's bytes and address.
pub(crate) fn tables(header: &[u8], header_address: u64) -> Option<u64> {
    // Only the first encoding matters here; the rest is for the search below.
    if header.get(..2)? != &EXPECTED[..2] {
        return None;
    }
    Some(
        header_address
            .wrapping_add(4)
            .wrapping_add_signed(i64::from(long(header, 4)?)),
    )
}

/// Whether all of its entries lie within tables of this length that begin where it says. Who looks one up relies on it.
pub(super) fn is_sound(header: &[u8], length: usize) -> bool {
    let check = || {
        let begins = i64::from(long(header, 4)?) + 4;
        let count = usize::try_from(long(header, 8)?.cast_unsigned()).ok()?;
        let entries = header.get(ENTRIES..ENTRIES.checked_add(count.checked_mul(ENTRY)?)?)?;
        let is_inside = |entry: &[u8]| {
            let from = i64::from(long(entry, 4)?) - begins;
            Some(usize::try_from(from).ok()? < length)
        };
        Some(
            entries
                .chunks_exact(ENTRY)
                .all(|entry| is_inside(entry) == Some(true)),
        )
    };
    header.get(..4) == Some(&EXPECTED[..]) && check() == Some(true)
}

/// The beginning of the function that holds an address: the last entry that is not above it.
pub(super) fn function_start(header: &[u8], header_address: u64, address: u64) -> Option<u64> {
    let index = last_not_above(header, header_address, address)?;
    Some(header_address.wrapping_add_signed(entry(header, index)?))
}

/// Whether the tables say anything of an address: functions without an entry lie between those with one. Where the entry is of an unknown form they do.
pub(super) fn holds(tables: &Tables, address: u64) -> bool {
    let Tables {
        header,
        header_at,
        frames,
        frames_at,
    } = tables;
    let Some(index) = last_not_above(header, *header_at, address) else {
        return header.get(..4) != Some(&EXPECTED[..]);
    };
    let end = || {
        let start = header_at.wrapping_add_signed(entry(header, index)?);
        let at = ENTRIES + index * ENTRY + 4;
        let described = header_at.wrapping_add_signed(long(header, at)?.into());
        // Its length, whose rules it follows, where the function begins (from here), how long that is.
        let within = usize::try_from(described.checked_sub(*frames_at)?).ok()?;
        let begins = described
            .wrapping_add(8)
            .wrapping_add_signed(long(frames, within.checked_add(8)?)?.into());
        let length = long(frames, within.checked_add(12)?)?.cast_unsigned();
        (begins == start).then(|| start.saturating_add(length.into()))
    };
    end().is_none_or(|end| address < end)
}

fn last_not_above(header: &[u8], header_address: u64, address: u64) -> Option<usize> {
    if header.get(..4)? != &EXPECTED[..] {
        return None;
    }
    let count = usize::try_from(long(header, 8)?.cast_unsigned()).ok()?;
    let sought = address.wrapping_sub(header_address).cast_signed();
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low.midpoint(high);
        if entry(header, middle)? <= sought {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low.checked_sub(1)
}

fn entry(header: &[u8], index: usize) -> Option<i64> {
    long(header, index.checked_mul(ENTRY)?.checked_add(ENTRIES)?).map(i64::from)
}

fn long(bytes: &[u8], at: usize) -> Option<i32> {
    Some(i32::from_le_bytes(
        bytes.get(at..at.checked_add(4)?)?.try_into().ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::super::modules::Bytes;
    use super::*;
    use proptest::prelude::*;

    const AT: u64 = 0x10_0000;

    fn header(functions: &[i32]) -> Vec<u8> {
        let mut bytes = EXPECTED.to_vec();
        bytes.extend(0x40_i32.to_le_bytes());
        bytes.extend((functions.len() as u32).to_le_bytes());
        for function in functions {
            bytes.extend(function.to_le_bytes());
            bytes.extend(0_i32.to_le_bytes());
        }
        bytes
    }

    #[test]
    fn an_address_belongs_to_the_function_that_begins_last_before_it() {
        let header = header(&[-0x300, -0x200, 0x100]);
        let start = |address| function_start(&header, AT, address);
        assert_eq!(start(AT - 0x300), Some(AT - 0x300));
        assert_eq!(start(AT - 0x201), Some(AT - 0x300));
        assert_eq!(start(AT), Some(AT - 0x200));
        assert_eq!(start(AT + 0x5000), Some(AT + 0x100));
        assert_eq!(start(AT - 0x301), None, "before the first");
        assert_eq!(tables(&header, AT), Some(AT + 4 + 0x40));
    }

    #[test]
    fn functions_without_an_entry_are_not_held() {
        // Two functions of 16 bytes, described one after the other.
        let (frames_at, functions) = (AT + 0x100, [AT + 0x1000, AT + 0x2000]);
        let (mut header, mut frames) = (header(&[]), Vec::new());
        header[8] = 2;
        for function in functions {
            let described = frames_at + frames.len() as u64;
            header.extend((function.wrapping_sub(AT) as i32).to_le_bytes());
            header.extend((described.wrapping_sub(AT) as i32).to_le_bytes());
            let begins = function.wrapping_sub(described + 8) as u32;
            frames.extend([12, 0, begins, 16].into_iter().flat_map(u32::to_le_bytes));
        }
        let tables = |frames: &[u8]| Tables {
            header: Bytes::Copy(header.clone().into()),
            header_at: AT,
            frames: Bytes::Copy(frames.into()),
            frames_at,
        };
        let held = |address| holds(&tables(&frames), address);
        assert!(held(AT + 0x1000) && held(AT + 0x100f) && held(AT + 0x2008));
        assert!(!held(AT + 0x1010) && !held(AT + 0x2010) && !held(AT + 0xfff));
        assert!(
            holds(&tables(&frames[..16]), AT + 0x2800),
            "who knows where it ends"
        );
    }

    #[test]
    fn an_index_that_leads_out_of_the_tables_is_not_sound() {
        let sound = header(&[-0x300, 0x100]);
        // Its entries lie at the header, and the tables 0x44 behind it.
        assert!(!is_sound(&sound, 0x100));
        let mut sound = sound;
        sound[4..8].copy_from_slice(&(-0x44_i32).to_le_bytes());
        assert!(is_sound(&sound, 0x41) && !is_sound(&sound, 0x40));
        assert!(!is_sound(&sound[..20], 0x41), "an entry is cut off");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..64), at: u64, address: u64) {
            let _ = (tables(&bytes, at), function_start(&bytes, at, address), is_sound(&bytes, 64));
            if let Some(start) = bytes.get_mut(..4) {
                start.copy_from_slice(&EXPECTED);
            }
            let _ = (tables(&bytes, at), function_start(&bytes, at, address), is_sound(&bytes, 64));
        }
    }
}
