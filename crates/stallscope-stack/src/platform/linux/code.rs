//! Code of the process whose stack is walked, as bytes: of this one, or of another.

use super::memory;

/// Fills a buffer with the bytes at an address; `None` unless all of them could be read.
pub(crate) type Code<'c> = &'c dyn Fn(u64, &mut [u8]) -> Option<()>;

/// The code of this process.
pub(super) const OWN: Code<'static> = &memory::read;

/// Eight bytes.
pub(super) fn word(code: Code<'_>, address: u64) -> Option<u64> {
    let mut word = [0; 8];
    code(address, &mut word)?;
    Some(u64::from_le_bytes(word))
}

/// The `N` bytes that end before an address.
pub(super) fn before<const N: usize>(code: Code<'_>, address: u64) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    code(address.checked_sub(N as u64)?, &mut bytes)?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_where_they_are() {
        let there = *b"sixteen bytes...";
        let address = there.as_ptr().addr() as u64;
        assert_eq!(before::<4>(OWN, address + 7), Some(*b"teen"));
        assert_eq!(word(OWN, address), Some(u64::from_le_bytes(*b"sixteen ")));
        assert_eq!((word(OWN, 0), before::<4>(OWN, 3)), (None, None));
    }
}
