//! Where debug information is that was taken out of a binary.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use object::Object;

use super::files::Mapped;
use super::root;

/// Where distributions and `debuginfod` clients put it, below a root.
const FOLDER: &str = "usr/lib/debug";

/// The file with the debug information of `program`, which calls itself `name` and has its neighbours beside `beside`.
///
/// A file is the right one if it has the build id of the binary, or, where that has none, the checksum that the binary gives.
pub(super) fn find(program: &Mapped, beside: &Path, name: &Path) -> Option<Mapped> {
    let elf = program.elf()?;
    let build_id = elf.build_id().ok().flatten();
    let link = elf.gnu_debuglink().ok().flatten();
    let link_name = link.and_then(|(name, _)| std::str::from_utf8(name).ok());
    candidates(build_id, link_name, beside, name)
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

/// Where to look, in the order in which debuggers do. In our own folders first: they are still there when the process has ended.
/// Those of the process are others if it runs in a container.
fn candidates(
    build_id: Option<&[u8]>,
    link: Option<&str>,
    beside: &Path,
    name: &Path,
) -> Vec<PathBuf> {
    let ours = Path::new("/");
    let its = root::of(beside, name).filter(|root| *root != ours);
    let folders = || {
        [Some(ours), its]
            .into_iter()
            .flatten()
            .map(|root| root.join(FOLDER))
    };
    let mut paths = Vec::new();
    if let Some([first, rest @ ..]) = build_id {
        let mut path = format!(".build-id/{first:02x}/");
        for byte in rest {
            // Writing to a string does not fail.
            let _ = write!(path, "{byte:02x}");
        }
        path.push_str(".debug");
        paths.extend(folders().map(|folder| folder.join(&path)));
    }
    // A name that leads out of its folder is nobody's debug link.
    if let Some(link) = link.filter(|link| !link.contains('/'))
        && let Some(folder) = beside.parent()
    {
        paths.push(folder.join(link));
        paths.push(folder.join(".debug").join(link));
        let below = name
            .parent()
            .and_then(|folder| folder.strip_prefix("/").ok());
        paths.extend(
            below
                .into_iter()
                .flat_map(|below| folders().map(move |folder| folder.join(below).join(link))),
        );
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
        let service = Path::new("/opt/bin/service");
        let id: &[u8] = &[0xab, 0xcd, 0x01];
        assert_eq!(
            candidates(Some(id), Some("service.debug"), service, service),
            [
                "/usr/lib/debug/.build-id/ab/cd01.debug",
                "/opt/bin/service.debug",
                "/opt/bin/.debug/service.debug",
                "/usr/lib/debug/opt/bin/service.debug",
            ]
            .map(PathBuf::from)
        );
        assert!(candidates(None, Some("../../etc/passwd"), service, service).is_empty());
    }

    #[test]
    fn of_a_live_process_it_may_be_in_our_folders_or_in_those_of_its_container() {
        let beside = Path::new("/proc/4711/root/opt/bin/service");
        let service = Path::new("/opt/bin/service");
        assert_eq!(
            candidates(Some(&[0xab, 0xcd]), Some("service.debug"), beside, service),
            [
                "/usr/lib/debug/.build-id/ab/cd.debug",
                "/proc/4711/root/usr/lib/debug/.build-id/ab/cd.debug",
                "/proc/4711/root/opt/bin/service.debug",
                "/proc/4711/root/opt/bin/.debug/service.debug",
                "/usr/lib/debug/opt/bin/service.debug",
                "/proc/4711/root/usr/lib/debug/opt/bin/service.debug",
            ]
            .map(PathBuf::from)
        );
    }

    #[test]
    fn the_debug_package_of_a_container_is_found_by_the_build_id() {
        let program = std::env::current_exe().expect("own path");
        let program = Mapped::open(&program).expect("our own binary");
        let id = program
            .elf()
            .and_then(|elf| elf.build_id().ok()?.map(<[u8]>::to_vec));
        let id = id.expect("the linker's default");
        let container = tempfile::tempdir().expect("a folder");
        let beside = container.path().join("opt/bin/service");
        let service = Path::new("/opt/bin/service");
        assert!(find(&program, &beside, service).is_none());
        let installed = candidates(Some(&id), None, &beside, service)
            .pop()
            .expect("its folder");
        assert!(installed.starts_with(container.path()), "{installed:?}");
        std::fs::create_dir_all(installed.parent().expect("a folder")).expect("made");
        std::os::unix::fs::symlink(&program.path, &installed).expect("installed");
        let found = find(&program, &beside, service).map(|found| found.path);
        assert_eq!(found, Some(installed));
    }

    #[test]
    fn the_checksum_is_that_of_zip() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
