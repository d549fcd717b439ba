//! `/proc/PID/maps` as text: a pure function, which leaves out the lines it does not understand.

use super::Area;

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mapping {
    pub(crate) area: Area,
    pub(crate) readable: bool,
    pub(crate) executable: bool,
    /// Major and minor number of the file's device, and its number there; all 0 without a file.
    pub(crate) device: (u32, u32),
    pub(crate) inode: u64,
}

/// The mappings in order of address.
pub(crate) fn parse(text: &[u8]) -> Vec<Mapping> {
    let mut mappings: Vec<_> = text
        .split(|&byte| byte == b'\n')
        .filter_map(mapping)
        .collect();
    // The kernel writes them so, but page by page: a mapping that changes meanwhile may come twice.
    mappings.sort_by_key(|mapping| mapping.area.start);
    mappings.dedup_by_key(|mapping| mapping.area.start);
    mappings
}

/// `7f00-7f10 rw-p 00001000 fe:01 4711      /usr/lib/x.so (deleted)`.
fn mapping(line: &[u8]) -> Option<Mapping> {
    // A path is any bytes but newline and NUL; the kernel writes a newline in one as `\012`.
    let line = String::from_utf8_lossy(line);
    let mut rest: &str = &line;
    let mut word = || {
        let (word, behind) = rest.split_once(' ').unwrap_or((rest, ""));
        rest = behind;
        word
    };
    let (start, end) = word().split_once('-')?;
    let access = word().as_bytes();
    let file_offset = hex(word())?;
    let (major, minor) = word().split_once(':')?;
    let inode = word().parse().ok()?;
    let (start, end) = (hex(start)?, hex(end)?);
    Some(Mapping {
        area: Area {
            start: (start < end).then_some(start)?,
            end,
            writable: access.get(1) == Some(&b'w'),
            file_offset,
            name: rest.trim_start().to_owned(),
        },
        readable: access.first() == Some(&b'r'),
        executable: access.get(2) == Some(&b'x'),
        device: (number(major)?, number(minor)?),
        inode,
    })
}

fn hex(word: &str) -> Option<u64> {
    u64::from_str_radix(word, 16).ok()
}

fn number(word: &str) -> Option<u32> {
    u32::from_str_radix(word, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &[u8] = b"\
5600aa000000-5600aa021000 r--p 00000000 fe:01 4711                       /srv/my app (deleted)\n\
5600aa021000-5600aa022000 rw-p 00020000 fe:01 4711                       /srv/my app (deleted)\n\
5600ab000000-5600ab021000 rw-p 00000000 00:00 0                          [heap]\n\
7f0000000000-7f0000021000 rw-p 00000000 00:00 0 \n\
7f0000021000-7f0004000000 ---p 00000000 00:00 0 \n\
7f0004000000-7f0004001000 r-xp 00003000 103:02 18446744073709551615      /lib/b\xffd.so\n\
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n";

    #[test]
    fn each_line_is_a_mapping() {
        let mappings = parse(TEXT);
        let names: Vec<_> = mappings
            .iter()
            .map(|mapping| mapping.area.name.as_str())
            .collect();
        assert_eq!(
            names,
            [
                "/srv/my app (deleted)",
                "/srv/my app (deleted)",
                "[heap]",
                "",
                "",
                "/lib/b\u{fffd}d.so",
                "[vsyscall]"
            ]
        );
        let data = &mappings[1];
        assert_eq!(
            (data.area.start, data.area.end),
            (0x5600_aa02_1000, 0x5600_aa02_2000)
        );
        assert_eq!(
            (data.area.file_offset, data.device, data.inode),
            (0x20000, (0xfe, 1), 4711)
        );
        assert!(data.area.writable && data.readable && !data.executable);
        assert!(!mappings[4].readable && mappings[5].executable);
        assert_eq!(
            (mappings[5].device, mappings[5].inode),
            ((0x103, 2), u64::MAX)
        );
    }

    #[test]
    fn a_mapping_written_twice_counts_once_and_a_broken_line_is_left_out() {
        let text = b"1000-2000 r--p 0 0:0 0\n1000-2000 r--p 0 0:0 0\n3000-3000 r--p 0 0:0 0\nx-y\n500-600 r--p 0 0:0";
        let starts: Vec<_> = parse(text)
            .iter()
            .map(|mapping| mapping.area.start)
            .collect();
        assert_eq!(starts, [0x1000]);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn no_change_of_a_true_text_makes_it_panic(at in 0..TEXT.len(), value: u8) {
            let mut text = TEXT.to_vec();
            text[at] = value;
            let mappings = parse(&text);
            prop_assert!(mappings.windows(2).all(|pair| pair[0].area.start < pair[1].area.start));
        }
    }
}
