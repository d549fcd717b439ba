//! Where debug information is that was taken out of a binary.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use object::Object;

use super::files::Mapped;

/// Where distributions and `debuginfod` clients put it.
const FOLDER: &str = "/usr/lib/debug";

/// The file with the debug information of `program`, whose own path for neighbours is `beside`.
///
/// A file is the right one if it has the build id of the binary, or, where that has none, the checksum that the binary gives.
pub(super) fn find(program: &Mapped, beside: &Path) -> Option<Mapped> {
    let elf = program.elf()?;
    let build_id = elf.build_id().ok().flatten();
    let link = elf.gnu_debuglink().ok().flatten();
    let link_name = link.and_then(|(name, _)| std::str::from_utf8(name).ok());
    candidates(build_id, link_name, beside)
        .iter()
        .filter_map(|path| Mapped::open(path).ok())
        .filter(Mapped::has_debug_information)
        .find(|found| {
            let found_id = found
                .elf()
                .and_then(|elf| elf.build_id().ok().flatten().map(<[u8]>::to_vec));
            match (build_id, found_id, link) {
                (Some(wanted), Some(found), _) => wanted == found,
                (_, _, Some((_, checksum))) => crc32(found.bytes()) == checksum,
                _ => false,
            }
        })
}

/// Where to look, in the order in which debuggers do.
fn candidates(build_id: Option<&[u8]>, link: Option<&str>, beside: &Path) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    if let Some([first, rest @ ..]) = build_id {
        let mut path = format!("{FOLDER}/.build-id/{first:02x}/");
        for byte in rest {
            // Writing to a string does not fail.
            let _ = write!(path, "{byte:02x}");
        }
        paths.push(format!("{path}.debug").into());
    }
    // A name that leads out of its folder is nobody's debug link.
    if let Some(link) = link.filter(|link| !link.contains('/'))
        && let Some(folder) = beside.parent()
    {
        paths.push(folder.join(link));
        paths.push(folder.join(".debug").join(link));
        let from_root = folder.strip_prefix("/").unwrap_or(folder);
        paths.push(Path::new(FOLDER).join(from_root).join(link));
    }
    paths
}

/// The checksum of a debug link: CRC-32 as in zip files.
fn crc32(bytes: &[u8]) -> u32 {
    let crc = bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1))
        })
    });
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_build_ids_comes_before_the_neighbours() {
        let paths = candidates(
            Some(&[0xab, 0xcd, 0x01]),
            Some("service.debug"),
            Path::new("/opt/bin/service"),
        );
        let paths: Vec<_> = paths.iter().map(|path| path.to_string_lossy()).collect();
        assert_eq!(
            paths,
            [
                "/usr/lib/debug/.build-id/ab/cd01.debug",
                "/opt/bin/service.debug",
                "/opt/bin/.debug/service.debug",
                "/usr/lib/debug/opt/bin/service.debug",
            ]
        );
        assert!(candidates(None, Some("../../etc/passwd"), Path::new("/a/b")).is_empty());
    }

    #[test]
    fn the_checksum_is_that_of_zip() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
